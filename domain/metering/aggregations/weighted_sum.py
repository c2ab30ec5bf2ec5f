"""Weighted sum: events change a level, and each level counts by the share of the period that it lasts.

Source: metering-pricing A15 to A18.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise

from domain.kernel.decimals import exact
from domain.metering.rounding import round_at
from domain.metering.usage_event import UsageEvent, numbers

DECIMALS = 20
"""Units are rounded up at this scale, which is part of the result. Source: metering-pricing A15."""

_DAY_MICROSECONDS = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedSum:
    """
    Attributes:
        units: weighted, what is priced.
        events_count: events inside the window.
        level: at its end, what the next period of a recurring metric begins with (`total_aggregated_units`).
    """

    units: Decimal
    events_count: int
    level: Decimal


@exact()
def aggregate(
    events: Sequence[UsageEvent],
    field_name: str,
    *,
    from_at: datetime,
    to_at: datetime,
    duration_days: int,
    initial: Decimal = Decimal(0),
) -> WeightedSum:
    """Usage of one bucket.

    Args:
        events: of the window only, `from_at` to `to_at` inclusive.
        duration_days: of the whole period, also where the window is a part of it.
        initial: the level that a recurring metric begins with (A16); zero for others.
    """
    changes = numbers(events, field_name)
    instants = [from_at, *(event.timestamp for event, _ in changes), _next_second(to_at)]
    level, weighed = initial, Decimal(0)
    for (start, end), change in zip(pairwise(instants), [*(value for _, value in changes), Decimal(0)], strict=True):
        weighed += level * ((end - start) // timedelta(microseconds=1))
        level += change
    units = round_at(weighed / (duration_days * _DAY_MICROSECONDS), DECIMALS, ROUND_CEILING)
    return WeightedSum(units=units, events_count=len(changes), level=level)


def _next_second(at: datetime) -> datetime:
    """The first whole second that is not before `at`."""
    return at if at.microsecond == 0 else at.replace(microsecond=0) + timedelta(seconds=1)
