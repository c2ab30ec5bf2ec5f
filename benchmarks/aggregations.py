"""How long each aggregation takes by how many events a subscription has, and that it grows no worse than they do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from benchmarks import tenant, usage_events
from benchmarks.results import Reach, Row
from benchmarks.sizes import Sizes
from benchmarks.usage_events import Events
from cli.up import Stack
from domain.kernel import ids
from domain.metering.ports import AggregationType, Metric, UsageQuery
from projections.postgres import Database
from projections.usage.aggregations import AGGREGATIONS
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore, connector

DISTINCT: Final = 1_000
"""Values of the property that is aggregated."""


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    """One subscription for each number of events, alone in its organization, and all numbers in turns.

    The limit is the time for the number before, as many times as there are more events.
    """
    at = tenant.now()
    of_count = {
        count: Events(
            organization_id=ids.new(),
            prefix="aggregated-",
            owners=1,
            count=count,
            first_at=tenant.month(at),
            end_at=at,
            distinct=DISTINCT,
        )
        for count in sizes.aggregated
    }
    for events in of_count.values():
        await usage_events.store(events, on)
    store = UsageStore(connector(on.environment["CLICKHOUSE_URL"]))
    async with Database(on.cluster.url) as database:
        reader = ClickHouseUsageReader(database, store)
        rows = [row for kind in AGGREGATIONS for row in await _rows(reader, of_count, kind, sizes.rounds)]
    await store.close()
    return rows


async def _rows(
    reader: ClickHouseUsageReader, of_count: Mapping[int, Events], kind: AggregationType, rounds: int
) -> list[Row]:
    turns = [[await _aggregate(reader, events, kind) for events in of_count.values()] for _ in range(rounds)]
    values = dict(zip(of_count, map(statistics.median, zip(*turns, strict=True)), strict=True))
    limits = {more: values[less] * more / less for less, more in pairwise(values)}
    return [
        Row(
            work=f"{kind} of {count:,} events",
            value=value,
            unit="ms",
            limit=limits.get(count),
            reach=Reach("ratio", "<=", 1) if count in limits else None,
        )
        for count, value in values.items()
    ]


async def _aggregate(reader: ClickHouseUsageReader, events: Events, kind: AggregationType) -> float:
    """Milliseconds."""
    query = UsageQuery(
        organization_id=events.organization_id,
        external_subscription_id=f"{events.prefix}0",
        metric=Metric(code="gb", aggregation_type=kind, field_name=None if kind == "count_agg" else "gb"),
        from_at=events.first_at,
        to_at=events.end_at,
        duration_days=30 if kind == "weighted_sum_agg" else None,
    )
    watermark = await reader.watermark()
    began = time.perf_counter()
    [[usage]] = await reader.aggregate([query], watermark)
    milliseconds = (time.perf_counter() - began) * 1000
    assert usage.units > 0, (kind, usage)
    assert usage.events_count == events.count, (kind, usage)
    return milliseconds
