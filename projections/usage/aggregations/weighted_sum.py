"""Source: metering-pricing A15 to A17, G4.

A level that a change brings lasts until the end, so the sum of levels by their time is that of changes by the time
they have left: exact in units of a number times microseconds, without an order.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal

import msgspec

from domain.kernel.decimals import exact
from domain.metering.aggregations.weighted_sum import DECIMALS
from domain.metering.ports import Usage, UsageQuery
from domain.metering.rounding import round_at
from projections.usage.aggregations import numbers
from projections.usage.aggregations.numbers import Sequenced
from projections.usage.shape import Shape, window_start
from projections.usage.sql import microseconds

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


class Row(msgspec.Struct, array_like=True):
    """
    Attributes:
        events: inside the window.
        carried, changed: numbers that fit, before and inside it.
        elapsed: those inside, each times the microseconds from the window's start to its event.
        others: numbers that do not fit.
    """

    events: int = 0
    carried: Decimal = Decimal(0)
    changed: Decimal = Decimal(0)
    elapsed: Decimal = Decimal(0)
    others: Sequenced = []


def condition(value: str) -> str:
    return numbers.is_number(value)


def columns(shape: Shape) -> Mapping[str, str]:
    return numbers.columns(20, 30)  # times microseconds of a year, which have 14 digits


def select(shape: Shape, rows: str) -> str:
    return f"""
select question, group, (
  countIf(at >= from_at), toString(sumIf(number, at < from_at)), toString(sumIf(number, at >= from_at)),
  toString(sumIf(number * (at - from_at), at >= from_at)), groupArrayIf((at, value), not fits)
) as found
from ({rows}) group by question, group"""  # noqa: S608


@exact()
def usage(query: UsageQuery, row: Row) -> Usage:
    assert query.duration_days is not None, query
    start = window_start(query)
    carried, changed, elapsed = row.carried, row.changed, row.elapsed
    for at, text in row.others:
        if at < start:
            carried += Decimal(text)
        else:
            changed += Decimal(text)
            elapsed += Decimal(text) * (at - start)
    end = -(-microseconds(query.to_at) // _SECOND) * _SECOND
    weighed = carried * (end - microseconds(query.from_at)) + changed * (end - start) - elapsed
    units = round_at(weighed / (query.duration_days * _DAY), DECIMALS, ROUND_CEILING)
    return Usage(units=units, events_count=row.events, level=carried + changed)
