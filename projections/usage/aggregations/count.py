"""Source: metering-pricing A4, G5, V6."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from domain.metering.peak import Peak
from domain.metering.ports import Usage, UsageQuery
from projections.usage.shape import Shape


class Row(msgspec.Struct, array_like=True):
    events: int = 0


def condition(value: str) -> str:
    return "1"


def columns(shape: Shape) -> Mapping[str, str]:
    return {}


def select(shape: Shape, rows: str) -> str:
    return f"select question, group, tuple(count()) as found from ({rows}) group by question, group"  # noqa: S608


def usage(query: UsageQuery, row: Row) -> Usage:
    assert query.prorated is None
    units = Decimal(row.events)
    peak = Peak(current=units, max=units, max_prorated=units) if query.in_advance else None
    return Usage(units=units, events_count=row.events, peak=peak)
