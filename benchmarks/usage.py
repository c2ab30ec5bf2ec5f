"""Current usage of one subscription among many events: beside a bare query, and how soon it shows a new event."""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import closing
from decimal import Decimal
from typing import Final

from benchmarks import generator, tenant, usage_events
from benchmarks.connections import Api, ClickHouse
from benchmarks.generator import Load
from benchmarks.results import Reach, Row
from benchmarks.sizes import Sizes
from benchmarks.tenant import Tenant
from benchmarks.usage_events import GIGABYTES, Events
from cli.up import Stack
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from projections.usage.store import TABLE

_PREFIX: Final = "owner-"
_BACKGROUND_CONNECTIONS, _BACKGROUND_PAUSE_SECONDS = 2, 0.1
"""Of batches that others send meanwhile: about 2,000 events a second."""

_QUERY = f"""
select sum(toDecimal256OrZero(values['gb'], 38)), count() from {TABLE}
where organization_id = '{{}}' and external_subscription_id = '{_PREFIX}0' and code = 'gb'
and timestamp >= '{{}}' and timestamp <= '{{}}' format JSONCompactEachRow
"""


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    async with tenant.founded(on) as owner, Database(on.cluster.url) as database:
        ledger = PostgresLedger(database)
        at = tenant.now()
        events = Events(
            organization_id=owner.organization_id,
            prefix=_PREFIX,
            owners=sizes.metered,
            count=sizes.stored_events,
            first_at=tenant.month(at),
            end_at=at,
        )
        await tenant.subscribe(ledger, owner.organization_id, [f"{_PREFIX}0"], at=events.first_at)
        await ledger.close()
        await usage_events.store(events, on)
        reads = await asyncio.to_thread(_reads, on, owner, events, sizes)
        others = Load(
            port=on.port,
            key=owner.key,
            kind="batch",
            connections=_BACKGROUND_CONNECTIONS,
            seconds=3600,
            warm_up_seconds=0,
            pause_seconds=_BACKGROUND_PAUSE_SECONDS,
        )
        sending = asyncio.create_task(generator.put(others, on))
        visible = await asyncio.to_thread(_visible, on, owner, events, sizes)
        assert not sending.done(), sending
        sending.cancel()
        await asyncio.wait([sending])
    return [reads, visible]


class _Api(Api):
    def usage(self) -> tuple[Decimal, int]:
        """Units and events."""
        [charge] = self.charges_usage(f"{_PREFIX}0")
        return Decimal(charge["units"]), charge["events_count"]

    def send(self, transaction_id: str) -> None:
        event = {
            "transaction_id": transaction_id,
            "external_subscription_id": f"{_PREFIX}0",
            "code": "gb",
            "properties": {"gb": GIGABYTES},
        }
        self.ask("POST", "/api/v1/events", {"event": event})


class _ClickHouse(ClickHouse):
    def __init__(self, on: Stack, owner: Tenant, events: Events) -> None:
        super().__init__(on)
        self._query = _QUERY.format(owner.organization_id, *(f"{at:%F %T}" for at in (events.first_at, tenant.now())))

    def usage(self) -> tuple[Decimal, int]:
        [[units, count]] = self.ask(self._query)
        return Decimal(str(units)), int(count)


def _reads(on: Stack, owner: Tenant, events: Events, sizes: Sizes) -> Row:
    expected = events.count // events.owners
    with closing(_Api(on, owner)) as api, closing(_ClickHouse(on, owner, events)) as clickhouse:
        milliseconds: dict[str, list[float]] = {"api": [], "clickhouse": []}
        for _ in range(sizes.reads):
            for name, ask in (("api", api.usage), ("clickhouse", clickhouse.usage)):
                began = time.perf_counter()
                found = ask()
                milliseconds[name].append((time.perf_counter() - began) * 1000)
                assert found == (expected * Decimal(GIGABYTES), expected), (name, found)
    return Row(
        work=f"current usage of one subscription among {sizes.stored_events:,} events, p50",
        value=statistics.median(milliseconds["api"]),
        unit="ms",
        limit=statistics.median(milliseconds["clickhouse"]),
        reach=Reach("ratio", "<=", 3),
    )


def _visible(on: Stack, owner: Tenant, events: Events, sizes: Sizes) -> Row:
    count = events.count // events.owners
    seconds = []
    with closing(_Api(on, owner)) as api:
        for number in range(sizes.sent):
            api.send(f"new-{number}")
            began = time.perf_counter()
            count += 1
            while (found := api.usage()[1]) < count:
                pass
            seconds.append(time.perf_counter() - began)
            assert found == count
    centiles = statistics.quantiles(seconds, n=100, method="inclusive")
    return Row(
        work="acknowledged event to visible in current usage, p99",
        value=centiles[98] * 1000,
        unit="ms",
        reach=Reach("value", "<", 1000),
    )
