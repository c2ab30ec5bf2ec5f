"""The store of usage events and what is read from it, on a server and on chDB in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.kernel import ids
from domain.kernel.errors import NotFoundError, UnavailableError
from domain.metering.ports import Bucket, Metric, Usage, UsageQuery
from projections.postgres import Database
from projections.usage.events import EventFilter, UsageEvents
from projections.usage.loader import copy_next
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import RefusedError, UsageStore
from projections.usage.writer import IngestLog
from tests.usage import body, line, log

CALLS = Metric(code="calls", aggregation_type="count_agg")
BYTES = Metric(code="calls", aggregation_type="sum_agg", field_name="bytes")


def march(organization_id: UUID, metric: Metric = CALLS, subscription: str = "s1", **rest: Any) -> UsageQuery:
    """A query over March 2024."""
    window = {
        "from_at": datetime(2024, 3, 1, tzinfo=UTC),
        "to_at": datetime(2024, 4, 1, tzinfo=UTC) - timedelta(microseconds=1),
    }
    return UsageQuery(
        organization_id=organization_id, external_subscription_id=subscription, metric=metric, **(window | rest)
    )


class CountingStore(UsageStore):
    """The store, with its queries counted."""

    def __init__(self, store: UsageStore) -> None:
        super().__init__(store._connect)
        self.queries = 0

    async def rows(self, *arguments: Any, **rest: Any) -> Any:
        self.queries += 1
        return await super().rows(*arguments, **rest)


async def load(database: Database, store: UsageStore) -> None:
    connection = await database.connect()
    while await copy_next(connection, store):
        pass
    await connection.close()


async def test_units(any_usage_store: UsageStore, database: Database) -> None:
    organization, other = ids.new(), ids.new()
    ingest_log, reader = IngestLog(database.connect), ClickHouseUsageReader(database, any_usage_store)
    assert await reader.watermark() == 0
    assert await reader.aggregate([march(organization)], 0) == [(Usage(units=Decimal(0), events_count=0),)]
    await log(
        ingest_log,
        line(organization, at="2024-03-01T00:00:00", properties={"bytes": "1.5", "tier": "gold"}),
        line(organization, at="2024-03-31T23:59:59.999999", properties={"bytes": 2, "tier": "free"}),
        line(organization, at="2024-04-01T00:00:00", properties={"bytes": 100}),
        line(organization, at="2024-02-29T23:59:59.999999", properties={"bytes": 1000}),
        line(organization, subscription="s2", properties={"bytes": 7}),
        line(organization, code="other", properties={"bytes": 50}),
        line(organization, properties={"bytes": " 1"}),
        line(other, properties={"bytes": 9}),
    )
    await load(database, any_usage_store)
    watermark = await reader.watermark()
    queries = {
        "count": (march(organization), 3, 3),
        "sum": (march(organization, BYTES), "3.5", 2),
        "another subscription": (march(organization, BYTES, "s2"), 7, 1),
        "another organization": (march(other, BYTES), 9, 1),
        "nobody": (march(ids.new(), BYTES), 0, 0),
        "from the millisecond on": (
            march(organization, from_at=datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC)),
            4,
            4,
        ),
        "recurring": (
            march(organization, Metric(code="calls", aggregation_type="sum_agg", field_name="bytes", recurring=True)),
            "1003.5",
            3,
        ),
        "matching": (march(organization, BYTES, bucket=Bucket(matching=(("tier", ("gold", "x")),))), "1.5", 1),
        "ignored": (march(organization, BYTES, bucket=Bucket(ignored=((("tier", ("gold",)),),))), 2, 1),
        "quoted": (march(organization, bucket=Bucket(matching=(("t'\\ier", ("it's \\ '",)),))), 0, 0),
    }
    answers = await reader.aggregate([query for query, _, _ in queries.values()], watermark)
    for (why, (_, units, count)), answer in zip(queries.items(), answers, strict=True):
        assert answer == (Usage(units=Decimal(units), events_count=count),), why
    await ingest_log.close()


async def test_sums_are_exact(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    numbers = [
        *("12345678901234567890123456789012345678.5", "0.00000000000000000000000000000000000000001", "-0.1"),
        *("9999999999999999999999999999", "9999999999999999999999999999.00000000000000000000000000000000000001"),
        *("10000000000000000000000000000", "000000000000000000000000000000000000000000000000000000001"),
    ]
    events = [line(organization, properties=f'{{"bytes": "{number}"}}') for number in numbers]
    events += [line(organization, properties=f'{{"bytes": {number}}}') for number in numbers[:-1]]
    await any_usage_store.insert(body(events), "exact")
    reader = ClickHouseUsageReader(database, any_usage_store)
    ((usage,),) = await reader.aggregate([march(organization, BYTES)], 1)[:1] if False else await _sum(reader, organization)
    assert usage.events_count == 13
    assert usage.units == sum(map(Decimal, numbers[:-1]), Decimal(0)) * 2 + 1


async def _sum(reader: ClickHouseUsageReader, organization: UUID) -> Sequence[tuple[Usage, ...]]:
    return await reader.aggregate([march(organization, BYTES)], 0)
