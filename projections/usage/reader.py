"""Usage over ClickHouse: the port `UsageReader` of `domain/metering/ports.py`."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from types import GenericAlias
from typing import Any, cast

from domain.metering.ports import AggregationType, Usage, UsageQuery
from projections.postgres import Database
from projections.usage.aggregations import AGGREGATIONS, Aggregation, custom, rising_sum
from projections.usage.coalesce import Coalescer
from projections.usage.loaded import Loaded
from projections.usage.statement import Question, statements
from projections.usage.store import UsageStore

_Answer = tuple[Usage, ...]
_Found = tuple[int, list[str], Any]
"""A question's index, a text per name of `group_by`, and the aggregation's `Row`."""


class ClickHouseUsageReader:
    """Implements `UsageReader`; one per process, so that its callers share queries.

    Args:
        database: where the ingest log is, which says how far usage goes.
        patience_seconds: how long a query waits for the loader.
        apart_seconds: of queries of the same kind (`Coalescer`); they cost less together, and answer later.
    """

    def __init__(
        self, database: Database, store: UsageStore, *, patience_seconds: float = 10.0, apart_seconds: float = 0.0
    ) -> None:
        self._store = store
        self._loaded = Loaded(database, store, patience_seconds=patience_seconds)
        self._by_type: dict[AggregationType, Coalescer[Question, _Answer]] = {
            kind: Coalescer(partial(self._answers, aggregation), apart_seconds=apart_seconds)
            for kind, aggregation in AGGREGATIONS.items()
        }
        self._by_type["sum_agg"] = Coalescer(self._sums, apart_seconds=apart_seconds)
        self._by_type["custom_agg"] = Coalescer(self._fold, apart_seconds=apart_seconds)

    async def watermark(self) -> int:
        """See `UsageReader`."""
        return await self._loaded.acknowledged()

    async def aggregate(self, queries: Sequence[UsageQuery], watermark: int) -> list[tuple[Usage, ...]]:
        """See `UsageReader`."""
        await self._loaded.reach(watermark)
        by_type: dict[AggregationType, list[int]] = defaultdict(list)
        for index, query in enumerate(queries):
            by_type[query.metric.aggregation_type].append(index)
        answers = await asyncio.gather(
            *(
                self._by_type[kind].load([(queries[index], watermark) for index in indexes])
                for kind, indexes in by_type.items()
            )
        )
        found = {
            index: answer
            for indexes, of_type in zip(by_type.values(), answers, strict=True)
            for index, answer in zip(indexes, of_type, strict=True)
        }
        return [found[index] for index in range(len(queries))]

    async def _answers(self, aggregation: Aggregation, questions: Sequence[Question]) -> list[_Answer]:
        found = await self._found(aggregation, questions)
        return [_answer(aggregation, query, rows) for (query, _), rows in zip(questions, found, strict=True)]

    async def _sums(self, questions: Sequence[Question]) -> Sequence[_Answer]:
        """First those that may never have fallen, then all that are left, whose events may have to be put in order."""
        rising = [index for index, (query, _) in enumerate(questions) if rising_sum.may_answer(query)]
        found = await self._found(rising_sum, [questions[index] for index in rising])
        answers = {
            index: _answer(rising_sum, questions[index][0], rows)
            for index, rows in zip(rising, found, strict=True)
            if not any(row.falls for _, _, row in rows)
        }
        others = [index for index in range(len(questions)) if index not in answers]
        answered = await self._answers(AGGREGATIONS["sum_agg"], [questions[index] for index in others])
        answers |= zip(others, answered, strict=True)
        return [answers[index] for index in range(len(questions))]

    async def _found(self, aggregation: Aggregation, questions: Sequence[Question]) -> list[list[_Found]]:
        """The rows of each question."""
        row = cast("type[_Found]", GenericAlias(tuple, (int, list[str], aggregation.Row)))
        found: list[list[_Found]] = [[] for _ in questions]
        for statement in statements(aggregation, questions):
            for one in await self._store.rows(statement, row):
                found[one[0]].append(one)
        return found

    async def _fold(self, questions: Sequence[Question]) -> Sequence[_Answer]:
        queries = [query for query, _ in questions]
        groups: dict[int, list[Usage]] = defaultdict(list)

        def use(rows: Iterator[custom.Row]) -> None:
            for index, group, usage in custom.usages(queries, rows):
                groups[index].append(replace(usage, group=tuple(text or None for text in group)))

        for statement in statements(custom, questions):
            await self._store.consume(custom.in_order(statement), custom.Row, use)
        nothing = (Usage(units=Decimal(0), events_count=0),)
        return [tuple(groups[index]) or (() if query.group_by else nothing) for index, query in enumerate(queries)]


def _answer(aggregation: Aggregation, query: UsageQuery, rows: Sequence[_Found]) -> _Answer:
    if not rows and not query.group_by:
        return (aggregation.usage(query, aggregation.Row()),)
    return tuple(
        replace(aggregation.usage(query, row), group=tuple(text or None for text in group))
        for _, group, row in sorted(rows, key=lambda found: found[1])
    )
