"""Reading the ledger back: its events as domain events, beside the library's iteration over what is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from psycopg.conninfo import conninfo_to_dict

from benchmarks import stack, tenant
from benchmarks.results import Reach, Row
from benchmarks.rounds import in_turns
from benchmarks.sizes import Sizes
from benchmarks.tenant import for_each
from cli.up import Stack
from domain.invoicing.billing import advance_subscription
from domain.metering.ports import Usage, UsageQuery
from projections.ledger.ledger import PostgresLedger
from projections.ledger.mapper import LedgerMapper
from projections.ledger.recorder import LedgerFactory
from projections.ledger.tail import PAGE_SIZE, Recorded, follow
from projections.postgres import Database
from projections.views.fees import PostgresBilledFees

MONTHS: Final = 3
"""That each subscription is billed for: the log holds what such a log holds."""

_TOPICS = "select distinct topic from events"
_HEAD = "select count(*), max(notification_id) from events"


class FixedUsage:
    """The port of usage (`UsageReader`) where every question has the same answer."""

    async def watermark(self) -> int:
        return 0

    async def aggregate(self, queries: Sequence[UsageQuery], watermark: int) -> list[tuple[Usage, ...]]:
        return [(Usage(units=Decimal("15.5"), events_count=10),) for _ in queries]


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    with stack.paused(on, "loader", "worker", "dispatcher"):
        async with Database(on.cluster.url) as database:
            await _fill(on, database, sizes)
            async with database.unbound() as connection:
                topics = frozenset(topic for (topic,) in await (await connection.execute(_TOPICS)).fetchall())
                row = await (await connection.execute(_HEAD)).fetchone()
            assert row is not None
            events, head = row
            numbers = iter(range(sizes.rounds))
            value, limit = await in_turns(
                sizes.rounds,
                lambda: _followed(database, f"benchmark-{next(numbers)}", topics, events, head),
                lambda: asyncio.to_thread(_iterated, on.cluster.url, events),
            )
    work = f"the ledger read back as domain events, {events:,} of them"
    return [Row(work=work, value=value, unit="events/s", limit=limit, reach=Reach("ratio", ">=", 0.4))]


async def _fill(on: Stack, database: Database, sizes: Sizes) -> None:
    """Customers, their subscriptions, and some months of invoices."""
    ledger, fees, now = PostgresLedger(database), PostgresBilledFees(database), tenant.now()
    async with tenant.founded(on) as owner:
        names = [f"customer-{number}" for number in range(sizes.streams)]
        made = await tenant.subscribe(
            ledger, owner.organization_id, names, at=tenant.month(now, before=MONTHS) + timedelta(hours=1)
        )

    async def bill(subscription_id: UUID) -> None:
        await advance_subscription(ledger, FixedUsage(), fees, subscription_id, at=now)

    await for_each([subscription.id for subscription in made], bill)
    await ledger.close()


async def _followed(database: Database, name: str, topics: frozenset[str], events: int, head: int) -> float:
    """Events a second as a follower of the log gets them, with the position that it stores for each page."""
    seen, arrived = 0, asyncio.Event()

    async def handle(page: Sequence[Recorded]) -> None:
        nonlocal seen
        seen += len(page)
        if page[-1].notification_id == head:
            arrived.set()

    LedgerMapper()  # the import of all events is not what is measured
    began = time.perf_counter()
    following = asyncio.create_task(follow(database, name, handle, topics=topics))
    await asyncio.wait([following, asyncio.create_task(arrived.wait())], return_when=asyncio.FIRST_COMPLETED)
    seconds = time.perf_counter() - began
    following.cancel()
    await asyncio.wait([following])
    assert seen == events, (seen, events)
    return events / seconds


def _iterated(url: str, events: int) -> float:
    """Events a second that the library's recorder selects, in pages of the same size, undecoded."""
    parts = conninfo_to_dict(url)
    names = {"dbname": "DBNAME", "host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    environment = {f"POSTGRES_{name}": str(parts[part]) for part, name in names.items()}
    factory = LedgerFactory({**environment, "CREATE_TABLE": "n"})
    try:
        recorder = factory.application_recorder()
        seen, start = 0, 1
        began = time.perf_counter()
        while page := recorder.select_notifications(start=start, limit=PAGE_SIZE):
            seen += len(page)
            start = page[-1].id + 1
        seconds = time.perf_counter() - began
    finally:
        factory.close()
    assert seen == events, (seen, events)
    return events / seconds
