"""Latest: the value of the newest event. Source: metering-pricing A10, G9."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain.metering.ports import Usage
from domain.metering.usage_event import UsageEvent, numbers


def aggregate(events: Sequence[UsageEvent], field_name: str) -> Usage:
    """Usage of one bucket and period: the newest by time (of equal times the last to arrive), never below zero."""
    values = [value for _, value in numbers(events, field_name)]
    return Usage(units=max(values[-1], Decimal(0)) if values else Decimal(0), events_count=len(values))
