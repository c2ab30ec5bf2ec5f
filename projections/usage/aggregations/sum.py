"""Source: metering-pricing A6 to A8, A22, G4, V6, V8."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_CEILING, Decimal

import msgspec

from domain.kernel.decimals import exact
from domain.kernel.zones import start_of_day
from domain.metering.aggregations import sum as total
from domain.metering.high_water import fold
from domain.metering.peak import Peak
from domain.metering.ports import Allowance, Usage, UsageQuery
from domain.metering.prorated_period import ProratedPeriod, ProratedValue
from domain.metering.proration import prorate_sum, prorated_units
from domain.metering.rounding import round_at
from projections.usage.aggregations import numbers, peaks
from projections.usage.aggregations.numbers import Sequenced
from projections.usage.aggregations.peaks import PeakRow
from projections.usage.shape import Shape, window_start
from projections.usage.sql import instant, local_date

_DECIMALS = 38
_MOST = 10**37
"""What no running total that fits exceeds."""


class Row(msgspec.Struct, array_like=True):
    """
    Attributes:
        total: of the numbers that fit.
        others: those that do not.
        amount: of the events' own amounts, in cents.
        carried: of the numbers that fit and are before the window, where more than the total was asked for.
        days: of a prorated charge: totals of those inside it.
        first: values of the first events, at least as many as the allowance needs.
        sequence: all values, where each event was asked for, and for a peak that numbers do not fit in.
    """

    events: int = 0
    total: Decimal = Decimal(0)
    others: Sequenced = []
    amount: Decimal = Decimal(0)
    carried: Decimal = Decimal(0)
    days: list[tuple[date, Decimal]] = []
    first: list[Decimal] = []
    sequence: Sequenced = []
    peak: PeakRow = PeakRow()


def condition(value: str) -> str:
    return numbers.is_number(value)


def columns(shape: Shape) -> Mapping[str, str]:
    return {**numbers.columns(28, _DECIMALS), "amount": "e.precise_total_amount_cents"}


def select(shape: Shape, rows: str) -> str:
    if shape.zone is None and shape.allowance is None and not shape.each_event and not shape.in_advance:
        return f"""
select question, group, ({_TOTALS}, '0', {_NO_DAYS}, {_NO_FIRST}, {_NO_SEQUENCE}, {peaks.NONE}) as found
from ({rows}) group by question, group"""  # noqa: S608
    of_group = {
        "start": "any(from_at)",
        "totals": f"({_TOTALS}, toString(sumIf(number, at < from_at)))",
        "ordered": numbers.ordered("number", "value"),
    }
    steps = {"others": "totals.3", "days": _NO_DAYS, "first": _NO_FIRST, "sequence": _NO_SEQUENCE, "peak": peaks.NONE}
    if shape.zone is not None and not shape.each_event:
        of_group["by_day"] = f"sumMapIf([{local_date('at', shape.zone)}], [number], at >= from_at)"
        steps["days"] = "arrayMap((day, units) -> (day, toString(units)), by_day.1, by_day.2)"
    if shape.allowance is not None:
        steps["first"] = f"arrayMap(o -> o.5, arraySlice(ordered, 1, {_reach(shape.allowance)}))"
    if shape.each_event or shape.in_advance:
        steps["sequence"] = f"if({shape.each_event} or notEmpty(others), arrayMap(o -> (o.1, o.5), ordered), [])"
    if shape.in_advance:
        steps |= {"inside": "arrayFilter(o -> o.1 >= start, ordered)", **peaks.expressions(shape, "inside")}
    return f"""
with {", ".join(f"{sql} as {name}" for name, sql in steps.items())}
select
  question, group,
  (totals.1, totals.2, totals.3, totals.4, totals.5, days, first, sequence, peak) as found
from (
  select question, group, {", ".join(f"{sql} as {name}" for name, sql in of_group.items())}
  from ({rows}) group by question, group
)"""  # noqa: S608


_TOTALS = "count(), toString(sum(number)), groupArrayIf((at, value), not fits), toString(ifNull(sum(amount), 0))"
_NO_DAYS = "[]::Array(Tuple(Date32, String))"
_NO_FIRST = "[]::Array(String)"
_NO_SEQUENCE = "[]::Array(Tuple(Int64, String))"


def _reach(allowance: Allowance | None) -> str:
    """How many of the first values the running totals need; all where some do not fit, for their end is not known."""
    if allowance is None or (allowance.free_events <= 0 and allowance.free_units <= 0):
        return "0"
    if allowance.free_events > 0:
        return str(min(allowance.free_events, 1 << 32))
    limit = format(min(round_at(allowance.free_units, _DECIMALS, ROUND_CEILING), Decimal(_MOST)), "f")
    exceeding = f"arrayFirstIndex(t -> t > toDecimal256('{limit}', {_DECIMALS}), arrayCumSum(ordered.4))"
    return f"if({exceeding} = 0 or notEmpty(others), length(ordered), {exceeding})"


@exact()
def usage(query: UsageQuery, row: Row) -> Usage:
    allowance = query.allowance or Allowance()
    units = sum(numbers.decimals(row.others), row.total)
    changes = None
    if query.prorated is not None:
        changes = tuple(_changes(query, query.prorated, row))
        units = prorated_units(changes)
    return Usage(
        units=units,
        events_count=row.events,
        changes=changes,
        running_totals=total.running_totals(
            row.first, free_events=allowance.free_events, free_units=allowance.free_units
        ),
        values=tuple(numbers.decimals(row.sequence)) if query.each_event else (),
        peak=_peak(query, row) if query.in_advance else None,
        precise_total_amount_cents=row.amount,
    )


def _changes(query: UsageQuery, period: ProratedPeriod, row: Row) -> list[ProratedValue]:
    start = window_start(query)
    values = [(at, Decimal(text)) for at, text in (row.sequence if query.each_event else row.others)]
    carried = sum((value for at, value in values if at < start), Decimal(0) if query.each_event else row.carried)
    inside = [(instant(at), value) for at, value in values if at >= start]
    if query.each_event:
        return prorate_sum(carried, inside, period)
    days = defaultdict(Decimal, row.days)
    for at, value in inside:
        days[period.date(at)] += value
    return prorate_sum(
        carried, ((start_of_day(day, period.timezone), units) for day, units in sorted(days.items())), period
    )


def _peak(query: UsageQuery, row: Row) -> Peak:
    if not row.others:
        return peaks.peak(query, row.peak)
    start = instant(window_start(query))
    return fold(numbers.events(query, row.sequence), query.metric, from_at=start, prorated=query.prorated)
