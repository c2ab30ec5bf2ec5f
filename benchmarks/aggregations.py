"""How long each aggregation takes by how many events a subscription has, and that it grows no worse than they do."""

from __future__ import annotations

import statistics
import time
from typing import Final, get_args

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
    """One subscription for each number of events, alone in its organization; the limit is the time for the number
    before, as many times as there are more events."""
    at = tenant.now()
    store = UsageStore(connector(on.environment["CLICKHOUSE_URL"]))
    before: dict[AggregationType, tuple[int, float]] = {}
    rows = []
    async with Database(on.cluster.url) as database:
        reader = ClickHouseUsageReader(database, store, patience_seconds=60)
        for count in sizes.aggregated:
            events = Events(
                organization_id=ids.new(),
                prefix="aggregated-",
                owners=1,
                count=count,
                first_at=tenant.month(at),
                end_at=at,
                distinct=DISTINCT,
            )
            await usage_events.store(events, on)
            for kind in get_args(AggregationType):
                if kind not in AGGREGATIONS:
                    continue
                value = statistics.median([await _aggregate(reader, events, kind) for _ in range(sizes.billing_rounds)])
                rows.append(_row(kind, count, value, before.get(kind)))
                before[kind] = count, value
    await store.close()
    return sorted(rows, key=lambda row: row.work.partition(" ")[0])


def _row(kind: AggregationType, count: int, value: float, before: tuple[int, float] | None) -> Row:
    return Row(
        work=f"{kind} of {count:,} events",
        value=value,
        unit="ms",
        limit=None if before is None else before[1] * count / before[0],
        reach=None if before is None else Reach("ratio", "<=", 1),
    )


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
    return milliseconds
