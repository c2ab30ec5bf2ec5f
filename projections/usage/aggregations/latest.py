"""Source: metering-pricing A10, G4, G9."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from domain.metering.ports import Usage, UsageQuery
from projections.usage.aggregations import numbers
from projections.usage.shape import Shape


class Row(msgspec.Struct, array_like=True):
    events: int = 0
    value: Decimal = Decimal(0)


def condition(value: str) -> str:
    return numbers.is_number(value)


def columns(shape: Shape) -> Mapping[str, str]:
    return {}


def select(shape: Shape, rows: str) -> str:
    return f"""
select question, group, (count(), argMax(value, (at, seq, n))) as found from ({rows}) group by question, group"""  # noqa: S608


def usage(query: UsageQuery, row: Row) -> Usage:
    return Usage(units=max(row.value, Decimal(0)), events_count=row.events)
