"""Maximum: the highest value. Source: metering-pricing A9."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain.metering.ports import Usage
from domain.metering.usage_event import UsageEvent, numbers


def aggregate(events: Sequence[UsageEvent], field_name: str) -> Usage:
    """Usage of one bucket and period: zero without events, negative where all values are."""
    values = [value for _, value in numbers(events, field_name)]
    return Usage(units=max(values, default=Decimal(0)), events_count=len(values))


def values(events: Sequence[UsageEvent], field_name: str) -> list[Decimal]:
    """Units of each event, for bounds per transaction: the first highest one has them all, the others none."""
    read = [value for _, value in numbers(events, field_name)]
    highest = read.index(max(read)) if read else None
    return [value if place == highest else Decimal(0) for place, value in enumerate(read)]
