"""Usage by many charges among many events: of one subscription over HTTP, of a billing run through the reader.

All metrics are sums. Beside each stands one query, written by hand, that reads the same events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Final

from benchmarks import tenant, usage_events
from benchmarks.connections import Api, ClickHouse
from benchmarks.results import Reach, Row
from benchmarks.rounds import in_turns
from benchmarks.sizes import Sizes
from benchmarks.tenant import Tenant
from benchmarks.usage_events import GIGABYTES, Events
from cli.up import Stack
from domain.metering.ports import Metric, UsageQuery
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import TABLE, UsageStore, connector

METRICS, CHARGES, BILLED_CHARGES = 20, 10, 5
_CODES: Final = tuple(f"metric-{number}" for number in range(METRICS))
_PREFIX: Final = "metered-"
_PLAN: Final = "metered"

_QUERY = f"""
select external_subscription_id, code, toString(sum(toDecimal256OrZero(values['gb'], 38))), count() from {TABLE}
where organization_id = '{{}}' and external_subscription_id in ({{}}) and code in ({{}})
and timestamp >= '{{}}' and timestamp <= '{{}}'
group by external_subscription_id, code format JSONCompactEachRow
"""


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    async with tenant.founded(on) as owner, Database(on.cluster.url) as database:
        at = tenant.now()
        events = Events(
            organization_id=owner.organization_id,
            prefix=_PREFIX,
            owners=sizes.metered,
            count=sizes.stored_events,
            first_at=tenant.month(at),
            end_at=at,
            codes=_CODES,
        )
        await _offer(owner)
        ledger = PostgresLedger(database)
        await tenant.subscribe(ledger, owner.organization_id, [f"{_PREFIX}0"], at=events.first_at, plan_code=_PLAN)
        await ledger.close()
        await usage_events.store(events, on)
        store = UsageStore(connector(on.environment["CLICKHOUSE_URL"]))
        with closing(Api(on, owner)) as api, closing(ClickHouse(on)) as clickhouse:
            measured = _Measured(events, ClickHouseUsageReader(database, store), api, clickhouse)
            rows = [await measured.current_usage(sizes), await measured.billing_run(sizes)]
        await store.close()
    return rows


async def _offer(owner: Tenant) -> None:
    """The metrics, and a plan that charges for some of them."""
    ids = []
    for code in _CODES:
        metric = {"name": code, "code": code, "aggregation_type": "sum_agg", "field_name": "gb"}
        ids.append((await owner.ok("POST", "billable_metrics", {"billable_metric": metric}))["billable_metric"])
    charges = [
        {"billable_metric_id": made["lago_id"], "charge_model": "standard", "properties": {"amount": "0.25"}}
        for made in ids[:CHARGES]
    ]
    plan = {
        "name": "Metered",
        "code": _PLAN,
        "interval": "monthly",
        "amount_cents": 5000,
        "amount_currency": "USD",
        "pay_in_advance": False,
        "charges": charges,
    }
    await owner.ok("POST", "plans", {"plan": plan})


class _Measured:
    def __init__(self, events: Events, reader: ClickHouseUsageReader, api: Api, clickhouse: ClickHouse) -> None:
        self._events, self._reader, self._api, self._clickhouse = events, reader, api, clickhouse
        count = events.count // events.owners // METRICS
        self._expected = (count * Decimal(GIGABYTES), count)
        """Units and events of each subscription and metric."""

    async def current_usage(self, sizes: Sizes) -> Row:
        query = self._query([f"{_PREFIX}0"], _CODES[:CHARGES])
        value, limit = await in_turns(
            sizes.reads, lambda: asyncio.to_thread(self._read), lambda: asyncio.to_thread(self._ask, query, CHARGES)
        )
        return Row(
            work=f"current usage by {CHARGES} charges among {sizes.stored_events:,} events, p50",
            value=value,
            unit="ms",
            limit=limit,
            reach=Reach("ratio", "<=", 3),
        )

    async def billing_run(self, sizes: Sizes) -> Row:
        """Each subscription asks by itself, as each of a run does; the reader gathers what they ask."""
        names = [f"{_PREFIX}{number}" for number in range(min(sizes.subscriptions, sizes.metered))]
        codes = _CODES[:BILLED_CHARGES]
        query = self._query(names, codes)
        value, limit = await in_turns(
            sizes.rounds,
            lambda: self._aggregate(names, codes),
            lambda: asyncio.to_thread(self._ask, query, len(names) * len(codes)),
        )
        return Row(
            work=f"usage for a billing run, {len(names):,} subscriptions x {len(codes)} charges",
            value=value,
            unit="ms",
            limit=limit,
            reach=Reach("ratio", "<=", 5),
        )

    def _read(self) -> float:
        began = time.perf_counter()
        charges = self._api.charges_usage(f"{_PREFIX}0")
        milliseconds = _since(began)
        assert len(charges) == CHARGES
        assert all((Decimal(one["units"]), one["events_count"]) == self._expected for one in charges), charges
        return milliseconds

    def _ask(self, query: str, groups: int) -> float:
        began = time.perf_counter()
        rows = self._clickhouse.ask(query)
        milliseconds = _since(began)
        assert len(rows) == groups
        assert all((Decimal(units), int(count)) == self._expected for _, _, units, count in rows)
        return milliseconds

    async def _aggregate(self, names: Sequence[str], codes: Sequence[str]) -> float:
        asked = [[self._usage_query(name, code) for code in codes] for name in names]
        began = time.perf_counter()
        watermark = await self._reader.watermark()
        answers = await asyncio.gather(*(self._reader.aggregate(queries, watermark) for queries in asked))
        milliseconds = _since(began)
        for of_subscription in answers:
            for [usage] in of_subscription:
                assert (usage.units, usage.events_count) == self._expected, usage
        return milliseconds

    def _usage_query(self, name: str, code: str) -> UsageQuery:
        return UsageQuery(
            organization_id=self._events.organization_id,
            external_subscription_id=name,
            metric=Metric(code=code, aggregation_type="sum_agg", field_name="gb"),
            from_at=self._events.first_at,
            to_at=self._events.end_at,
        )

    def _query(self, names: Sequence[str], codes: Sequence[str]) -> str:
        window: tuple[datetime, ...] = (self._events.first_at, self._events.end_at)
        return _QUERY.format(
            self._events.organization_id,
            ", ".join(f"'{name}'" for name in names),
            ", ".join(f"'{code}'" for code in codes),
            *(f"{at:%F %T.%f}" for at in window),
        )


def _since(began: float) -> float:
    """Milliseconds."""
    return (time.perf_counter() - began) * 1000
