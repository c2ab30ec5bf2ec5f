"""Source: metering-pricing A20, Z1.

The user's expressions cannot be SQL: each event is a row, and the plain function folds them as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

from domain.metering.aggregations.custom import Fold
from domain.metering.ports import Usage, UsageQuery
from projections.usage.shape import Shape, window_start
from projections.usage.sql import instant, property_of


class Row(msgspec.Struct, array_like=True, gc=False):
    """An event.

    Attributes:
        properties: the texts of those that the expressions name, "" where there is none: no expression makes a number
            of that either.
    """

    question: int
    group: list[str]
    at: int
    properties: list[str]


def condition(value: str) -> str:
    return "1"


def columns(shape: Shape) -> Mapping[str, str]:
    return {"properties": f"[{', '.join(map(property_of, shape.event_properties))}]::Array(String)"}


def select(shape: Shape, rows: str) -> str:
    return f"select question, group, at, seq, n, properties from ({rows})"  # noqa: S608


def in_order(selects: str) -> str:
    """Rows of all the selects, each group's together and in the order of events."""
    return f"select question, group, at, properties from ({selects}) order by question, group, at, seq, n"  # noqa: S608


def usages(queries: Sequence[UsageQuery], rows: Iterable[Row]) -> Iterator[tuple[int, list[str], Usage]]:
    """Question, group and usage of each group that has events."""
    for (question, group), events in groupby(rows, key=lambda row: (row.question, row.group)):
        query = queries[question]
        shape = Shape.of(query)
        read = ((instant(row.at), dict(zip(shape.event_properties, row.properties, strict=True))) for row in events)
        fold = Fold(query.metric, query.custom_properties)
        yield question, group, fold.usage(read, from_at=instant(window_start(query)))
