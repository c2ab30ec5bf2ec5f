"""Sum: the events' values added up, negative ones too. Source: metering-pricing A6 to A8."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from domain.kernel.decimals import exact
from domain.metering.ports import Usage
from domain.metering.usage_event import UsageEvent, numbers


@exact()
def aggregate(events: Sequence[UsageEvent], field_name: str) -> Usage:
    """Usage of one bucket; a recurring metric passes every event up to the end of the period, not only its own."""
    values = [value for _, value in numbers(events, field_name)]
    return Usage(units=sum(values, Decimal(0)), events_count=len(values))


@exact()
def running_totals(values: Iterable[Decimal], *, free_events: int, free_units: Decimal) -> tuple[Decimal, ...]:
    """Units after each of the first events, for the free allowances of percentage prices.

    Args:
        values: of the events, in the order of time.
        free_events: where there are any (> 0), the first so many totals; `free_units` is not looked at then.
        free_units: else, where there are any (> 0), totals up to the first that exceeds them, that one included.
    """
    totals: list[Decimal] = []
    if free_events <= 0 and free_units <= 0:
        return ()
    total = Decimal(0)
    for value in values:
        total += value
        totals.append(total)
        if len(totals) == free_events or (free_events <= 0 and total > free_units):
            break
    return tuple(totals)
