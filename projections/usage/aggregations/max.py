"""Source: metering-pricing A9, G4."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from domain.metering.aggregations import max as maximum
from domain.metering.ports import Usage, UsageQuery
from projections.usage.aggregations import numbers
from projections.usage.aggregations.numbers import Sequenced
from projections.usage.shape import Shape


class Row(msgspec.Struct, array_like=True):
    """
    Attributes:
        highest: of the numbers that fit, None without any.
        others: those that do not.
        sequence: all in their order, where each event was asked for.
    """

    events: int = 0
    highest: Decimal | None = None
    others: list[Decimal] = []
    sequence: Sequenced = []


def condition(value: str) -> str:
    return numbers.is_number(value)


def columns(shape: Shape) -> Mapping[str, str]:
    return numbers.columns(28, 38)


def select(shape: Shape, rows: str) -> str:
    sequence = numbers.ordered("value") if shape.each_event else "[]::Array(Tuple(Int64, UInt64, UInt64, String))"
    return f"""
select question, group, (
  count(), toString(maxOrNullIf(number, fits)), groupArrayIf(value, not fits), arrayMap(s -> (s.1, s.4), {sequence})
) as found
from ({rows}) group by question, group"""  # noqa: S608


def usage(query: UsageQuery, row: Row) -> Usage:
    fitting = [] if row.highest is None else [row.highest]
    values = maximum.values(numbers.events(query, row.sequence), query.metric.field_name or "")
    return Usage(units=max([*fitting, *row.others], default=Decimal(0)), events_count=row.events, values=tuple(values))
