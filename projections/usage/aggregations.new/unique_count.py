"""Source: metering-pricing A11 to A14, A23, G6, V6, V8; Q5, Q7, Q19, Q23.

A value is there if its last operation added it; the operations of a value that change something are those that differ
from the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec
from projections.usage.aggregations.peaks import PeakRow

from projections.usage.shape import Shape
from projections.usage.sql import property_of

CARRIES_OVER = True

_OPERATION = property_of("operation_type")
_MOVES = "Array(Tuple(Int64, UInt64, UInt64, Bool))"


class Stays(msgspec.Struct, array_like=True):
    """Values that came and went on the same days; None: before the window, and not at all."""

    since: date | None
    until: date | None
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
        return _plain(rows)
    return _of_moves(shape, rows)


def _plain(rows: str) -> str:
    empty = "[]::Array(Tuple(Nullable(Date32), Nullable(Date32), UInt64)), []::Array(Tuple(Int64, String, Bool))"
    return f"""
select question, group, (countIf(is_there), {empty}, ('0', '0', []::Array(Tuple(String, Int64, UInt64)))) as found
from (
  select question, group, argMax(adds, (at, seq, n)) as is_there from ({rows}) group by question, group, value
)
group by question, group"""  # noqa: S608


def _of_moves(shape: Shape, rows: str) -> str:
    nothing = f"[]::{_MOVES}"
    of_value = {
        "steps": _effective("moves") + " as _unused" if False else _effective("moves"),
    }
    del of_value, nothing
    return ""
