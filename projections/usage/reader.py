"""Usage over ClickHouse: the port `UsageReader` of `domain/metering/ports.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from domain.metering.ports import AggregationType, Usage, UsageQuery
from projections.postgres import Database
from projections.usage.aggregations import AGGREGATIONS
from projections.usage.coalesce import Coalescer
from projections.usage.loaded import Loaded
from projections.usage.statement import GroupRow, Question, statement
from projections.usage.store import UsageStore

_Answer = tuple[Usage, ...]


class ClickHouseUsageReader:
    """Implements `UsageReader`; one per process, so that its callers share queries.

    Args:
        database: where the ingest log is, which says how far usage goes.
        patience_seconds: how long a query waits for the loader.
    """

    def __init__(self, database: Database, store: UsageStore, *, patience_seconds: float = 10.0) -> None:
        self._store = store
        self._loaded = Loaded(database, patience_seconds=patience_seconds)
        self._by_type = {kind: self._coalescer(kind) for kind in AGGREGATIONS}

    async def watermark(self) -> int:
        """See `UsageReader`."""
        return await self._loaded.acknowledged()

    async def aggregate(self, queries: Sequence[UsageQuery], watermark: int) -> list[tuple[Usage, ...]]:
        """See `UsageReader`."""
        await self._loaded.reach(watermark)
        by_type: dict[AggregationType, list[int]] = defaultdict(list)
        for index, query in enumerate(queries):
            by_type[query.metric.aggregation_type].append(index)
        answers: dict[int, _Answer] = {}
        for kind, indexes in by_type.items():
            read = await self._by_type[kind].load([(queries[index], watermark) for index in indexes])
            answers.update(zip(indexes, read, strict=True))
        return [answers[index] for index in range(len(queries))]

    def _coalescer(self, kind: AggregationType) -> Coalescer[Question, _Answer]:
        aggregation = AGGREGATIONS[kind]

        async def run(questions: Sequence[Question]) -> Sequence[_Answer]:
            groups: dict[int, list[Usage]] = defaultdict(list)
            for row in await self._store.rows(statement(aggregation, questions), GroupRow):
                group = tuple(text or None for text in row.group)
                units = aggregation.units(row.values)
                groups[row.question].append(Usage(units=units, events_count=row.events_count, group=group))
            return [_answer(query, groups[index]) for index, (query, _) in enumerate(questions)]

        return Coalescer(run)


def _answer(query: UsageQuery, groups: Sequence[Usage]) -> _Answer:
    if query.group_by:
        return tuple(sorted(groups, key=lambda usage: tuple(text or "" for text in usage.group)))
    return tuple(groups) or (Usage(units=Decimal(0), events_count=0),)
