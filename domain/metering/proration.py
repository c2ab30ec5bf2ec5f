"""Units of recurring metrics weighed by the part of the period that they last.

Source: metering-pricing A22 to A24.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal

from domain.kernel.decimals import exact
from domain.metering.aggregations.unique_count import Operation, effective
from domain.metering.prorated_period import ProratedPeriod, ProratedValue
from domain.metering.rounding import round_at

UNIT_DECIMALS = 5
"""Prorated units are rounded up at this scale. Source: metering-pricing A22, A23."""


@exact()
def prorate_sum(
    carried: Decimal, changes: Iterable[tuple[datetime, Decimal]], period: ProratedPeriod
) -> list[ProratedValue]:
    """Changes of a sum: what was there before the window, then each event by the days left, its own included.

    Args:
        carried: sum of all events before the window.
        changes: instant and value of the events inside it, in the order of time.
    """
    last = period.date(period.to_at)
    prorated = [
        ProratedValue(full=value, prorated=value * period.ratio(period.date(at), last)) for at, value in changes
    ]
    if carried == 0:
        return prorated
    return [ProratedValue(full=carried, prorated=carried * period.days / period.duration_days), *prorated]


@exact()
def prorate_unique_count(operations: Iterable[Operation], period: ProratedPeriod) -> list[ProratedValue]:
    """Changes of a unique count: each addition by the days until its removal, first and last day included.

    Removals weigh nothing of their own. A value that went before the window leaves no change at all: else its
    removal would lower the place of those that came later in a graduated price.

    Args:
        operations: whole history up to the end of the window, in the order of time.
    """
    history = list(effective(_without_moves_of_a_day(operations, period)))
    changes: list[tuple[datetime, ProratedValue]] = []
    for addition, removal in _stays(history):
        if removal is not None and removal.at < period.from_at:
            continue
        until = period.to_at if removal is None else removal.at
        first = period.date(max(addition.at, period.from_at))
        share = period.ratio(first, period.date(until))
        changes.append((addition.at, ProratedValue(full=Decimal(1), prorated=share)))
        if removal is not None:
            changes.append((removal.at, ProratedValue(full=Decimal(-1), prorated=Decimal(0))))
    return [change for _, change in sorted(changes, key=lambda change: change[0])]


def _without_moves_of_a_day(operations: Iterable[Operation], period: ProratedPeriod) -> list[Operation]:
    """A removal does not count if the value comes back on the same local day."""
    kept: list[Operation] = []
    coming_back: set[tuple[str, date]] = set()
    for operation in reversed(list(operations)):
        value_and_day = (operation.value, period.date(operation.at))
        if operation.adds:
            coming_back.add(value_and_day)
        elif value_and_day in coming_back:
            continue
        kept.append(operation)
    return kept[::-1]


def _stays(history: Sequence[Operation]) -> Iterator[tuple[Operation, Operation | None]]:
    """Each addition with the removal that ends it, None where the value is still there."""
    open_since: dict[str, Operation] = {}
    for operation in history:
        if operation.adds:
            open_since[operation.value] = operation
        else:
            yield open_since.pop(operation.value), operation
    yield from ((addition, None) for addition in open_since.values())


@exact()
def prorated_units(changes: Iterable[ProratedValue]) -> Decimal:
    """The aggregation: all changes together, rounded up."""
    return round_up(sum((change.prorated for change in changes), Decimal(0)))


@exact()
def full_units(changes: Iterable[ProratedValue]) -> Decimal:
    """The units that are there at the end, not prorated: what a fee shows (metering-pricing A26)."""
    return sum((change.full for change in changes), Decimal(0))


@exact()
def rounded_up(changes: Iterable[ProratedValue]) -> list[ProratedValue]:
    """Changes of a unique count as graduated prices take them (metering-pricing 12.3)."""
    return [replace(change, prorated=round_up(change.prorated)) for change in changes]


@exact()
def round_up(units: Decimal) -> Decimal:
    """Units at `UNIT_DECIMALS`, toward +infinity."""
    return round_at(units, UNIT_DECIMALS, ROUND_CEILING)
