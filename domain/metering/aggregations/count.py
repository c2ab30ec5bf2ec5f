"""Count: every event is one unit, whatever it carries. Source: metering-pricing A4, A5, G5."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain.metering.ports import Usage
from domain.metering.usage_event import UsageEvent


def aggregate(events: Sequence[UsageEvent]) -> Usage:
    """Usage of the events of one bucket and one period."""
    return Usage(units=Decimal(len(events)), events_count=len(events))


def running_totals(units: Decimal) -> range:
    """Units after each event, for the free allowances of percentage prices. A unique count has the same."""
    return range(1, int(units) + 1)
