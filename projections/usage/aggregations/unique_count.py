"""Source: metering-pricing A11 to A14, A23, G6, V6, V8; Q5, Q7, Q19, Q23.

A value is there if its last operation added it; the operations of a value that change something are those that differ
from the one before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import msgspec

from domain.kernel.decimals import exact
from domain.kernel.zones import start_of_day
from domain.metering.aggregations.unique_count import Operation
from domain.metering.ports import Usage, UsageQuery
from domain.metering.prorated_period import ProratedPeriod, ProratedValue
from domain.metering.proration import prorate_unique_count, prorated_units
from projections.usage.aggregations import numbers, peaks
from projections.usage.aggregations.peaks import PeakRow
from projections.usage.shape import Shape, window_start
from projections.usage.sql import instant, local_date, property_of

_OPERATION = property_of("operation_type")
_MOVES = "Array(Tuple(Int64, UInt64, UInt64, Bool))"
_MICROSECOND = timedelta(microseconds=1)


class Stays(msgspec.Struct, array_like=True):
    """Values that came and went on the same days (ISO); "" for before the window, and for not at all."""

    since: str
    until: str
    count: int


class Row(msgspec.Struct, array_like=True):
    """
    Attributes:
        units: values that are there.
        stays: of a prorated charge, those that lasted into the window.
        operations: the same as instants, values and whether they came, where each event was asked for.
    """

    units: int = 0
    stays: list[Stays] = []
    operations: list[tuple[int, str, bool]] = []
    peak: PeakRow = PeakRow()


def condition(value: str) -> str:
    return f"{value} != '' and {_OPERATION} in ('', 'add', 'remove')"


def columns(shape: Shape) -> Mapping[str, str]:
    return {"adds": f"{_OPERATION} != 'remove'"}


def select(shape: Shape, rows: str) -> str:
    if shape.zone is None and not shape.in_advance:
        values = f"""
select question, group, argMax(adds, (at, seq, n)) as is_there from ({rows}) group by question, group, value"""  # noqa: S608
        return f"""
select question, group, (countIf(is_there), {_NO_STAYS}, {_NO_OPERATIONS}, {peaks.NONE}) as found
from ({values}) group by question, group"""  # noqa: S608
    steps = peaks.expressions(shape, "inside")
    return f"""
with {", ".join(f"{sql} as {name}" for name, sql in steps.items())}
select question, group, (
  units, arrayMap((s, c) -> (s.1, s.2, toUInt64(c)), lasted.1, lasted.2),
  arrayMap(o -> (o.1, o.4, o.5), walked), peak
) as found
from (
  select
    question, group, countIf(is_there) as units, arraySort(groupArrayArray(changes)) as inside,
    sumMap(stays, arrayMap(s -> 1, stays)) as lasted, arraySort(groupArrayArray(operations)) as walked
  from ({_values(shape, rows)}) group by question, group
)"""  # noqa: S608


_NO_STAYS = "[]::Array(Tuple(String, String, UInt64))"
_NO_OPERATIONS = "[]::Array(Tuple(Int64, String, Bool))"


def _values(shape: Shape, rows: str) -> str:
    """What each value does, in a row of its own."""
    steps = {
        "effective": f"arrayFilter(m -> m.1 >= start, {_effective('moves')})" if shape.in_advance else f"[]::{_MOVES}",
        "operations": "[]::Array(Tuple(Int64, UInt64, UInt64, String, Bool))",
        "stays": "[]::Array(Tuple(String, String))",
    }
    if shape.zone is not None:
        steps |= _lasting(shape.zone)
        if shape.each_event:
            steps["operations"] = "arrayMap(m -> (m.1, m.2, m.3, value, m.4), lasting)"
        else:
            steps["stays"] = _stays(shape.zone)
    return f"""
with {", ".join(f"{sql} as {name}" for name, sql in steps.items())}
select
  question, group, moves[-1].4 as is_there, operations, stays,
  arrayMap(m -> (m.1, m.2, m.3, if(m.4, 1, -1)), effective) as changes
from (
  select question, group, value, any(from_at) as start, {numbers.ordered("adds")} as moves
  from ({rows}) group by question, group, value
)"""  # noqa: S608


def _effective(moves: str) -> str:
    return f"arrayFilter((m, was_there) -> m.4 != was_there, {moves}, arrayShiftRight({moves}.4, 1))"


def _lasting(zone: str) -> dict[str, str]:
    """Additions and removals in turn, without those that ended before the window.

    A removal does not count if the value comes back on the same local day (A23).
    """
    is_undone = f"comes_back and {local_date('m.1', zone)} = {local_date('back_at', zone)}"
    kept = (
        f"arrayFilter((m, comes_back, back_at) -> m.4 or not ({is_undone}), moves,"
        " arrayReverseFill(a -> a, moves.4), arrayReverseFill((at, a) -> a, moves.1, moves.4))"
    )
    return {
        "kept": kept,
        "changing": _effective("kept"),
        "lasting": "arraySlice(changing, 1 + 2 * arrayCount(m -> not m.4 and m.1 < start, changing))",
    }


def _stays(zone: str) -> str:
    """Each addition with what follows it, if anything does."""
    since = f"if(m.1 < start, '', toString({local_date('m.1', zone)}))"
    until = f"if(next = 0, '', toString({local_date('next', zone)}))"
    of_each = f"arrayMap((m, next) -> ({since}, {until}), lasting, arrayShiftLeft(lasting.1, 1))"
    return f"arrayFilter((s, m) -> m.4, {of_each}, lasting)"


@exact()
def usage(query: UsageQuery, row: Row) -> Usage:
    units, changes = Decimal(row.units), None
    if query.prorated is not None:
        period = replace(query.prorated, from_at=instant(window_start(query)))
        changes = tuple(_each(row, period) if query.each_event else _merged(row, period))
        units = prorated_units(changes)
    return Usage(
        units=units,
        events_count=int(units),
        changes=changes,
        peak=peaks.peak(query, row.peak) if query.in_advance else None,
    )


def _each(row: Row, period: ProratedPeriod) -> list[ProratedValue]:
    operations = (Operation(value=value, adds=adds, at=instant(at)) for at, value, adds in row.operations)
    return prorate_unique_count(operations, period)


def _merged(row: Row, period: ProratedPeriod) -> list[ProratedValue]:
    """Per day, from one stay of each kind."""
    full: dict[str, Decimal] = defaultdict(Decimal)
    prorated: dict[str, Decimal] = defaultdict(Decimal)
    for stays in row.stays:
        stay = [Operation(value="", adds=True, at=_on(stays.since, period))]
        if stays.until:
            stay.append(Operation(value="", adds=False, at=_on(stays.until, period)))
        for day, change in zip((stays.since, stays.until), prorate_unique_count(stay, period), strict=False):
            full[day] += stays.count * change.full
            prorated[day] += stays.count * change.prorated
    return [ProratedValue(full=full[day], prorated=prorated[day]) for day in sorted(full)]


def _on(day: str, period: ProratedPeriod) -> datetime:
    """An instant of the day inside the window, or before it."""
    if not day:
        return period.from_at - _MICROSECOND
    return max(start_of_day(date.fromisoformat(day), period.timezone), period.from_at)
