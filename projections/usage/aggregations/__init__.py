"""What each type of aggregation asks ClickHouse for, and how its answer is read: one module each.

They equal the plain functions in `domain/metering/` (tests/properties/test_usage_sql.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from domain.metering.ports import AggregationType, Usage, UsageQuery
from projections.usage.aggregations import count, latest, unique_count, weighted_sum
from projections.usage.aggregations import max as maximum
from projections.usage.aggregations import sum as total
from projections.usage.shape import Shape


class Selection(Protocol):
    """What a module asks of events."""

    def condition(self, value: str) -> str:
        """Which events count; `value` is the text of the property that is aggregated, the event is `e`."""
        ...

    def columns(self, shape: Shape) -> Mapping[str, str]:
        """What `rows` need beside `question`, `group`, `from_at` (the window's start), `at` (both in microseconds),
        `seq`, `n` and `value`: names to SQL over these and `e`."""
        ...

    def select(self, shape: Shape, rows: str) -> str:
        """A select from the select `rows`: of an `Aggregation` `question`, `group` and `found` (a tuple: the row)."""
        ...


class Aggregation(Selection, Protocol):
    """A module whose answer is one row per group.

    Attributes:
        Row: a msgspec struct like an array: what is found of one group. Made without arguments, that of no events.
    """

    Row: type[Any]

    def usage(self, query: UsageQuery, row: Any, /) -> Usage: ...


AGGREGATIONS: Final[Mapping[AggregationType, Aggregation]] = {
    "count_agg": count,
    "sum_agg": total,
    "max_agg": maximum,
    "latest_agg": latest,
    "unique_count_agg": unique_count,
    "weighted_sum_agg": weighted_sum,
}
"""All but `custom_agg`, which is folded in Python (`custom.py`)."""
