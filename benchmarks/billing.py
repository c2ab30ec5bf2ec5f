"""A billing run: subscriptions that fall due at one instant, beside workflows that only sleep and wake.

What bills is the worker of the stack. Two things differ from production: the workflows are started here, asleep until
that instant (the dispatcher would let them bill at once, for their month is over), and they wake at one instant
instead of within a minute (`SPREAD_SECONDS`).
"""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio.client import Client

from benchmarks import sleepers, stack, tenant, usage_events
from benchmarks.results import Reach, Row
from benchmarks.rounds import in_turns
from benchmarks.sizes import Sizes
from benchmarks.sleepers import Nap, SleeperWorkflow
from benchmarks.tenant import for_each
from benchmarks.usage_events import Events
from cli.up import Stack
from domain.kernel import ids as kernel_ids
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from workflows import ids
from workflows.messages import SubscriptionRef
from workflows.subscription import SubscriptionWorkflow

EVENTS_EACH = 10
_PATIENCE_SECONDS = 300
_POLL_SECONDS = 0.05
_INVOICES = "select count(*) from invoices where status = 'finalized'"


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    async with (
        Database(on.cluster.url) as database,
        tenant.founded(on) as owner,
        stack.beside(on, "benchmarks.sleepers") as worker,
    ):
        ledger = PostgresLedger(database)
        client = await Client.connect(on.temporal.address)
        billing = _Billing(client, database, ledger, owner.organization_id, on)
        with stack.paused(on, "dispatcher"):
            value, limit = await in_turns(
                sizes.billing_rounds,
                lambda: billing.rate(sizes),
                lambda: _sleepers_rate(client, worker, sizes),
            )
        await ledger.close()
    work = f"invoices of a billing run, {sizes.subscriptions:,} subscriptions due at once"
    return [Row(work=work, value=value, unit="invoices/s", limit=limit, reach=Reach("ratio", ">=", 0.6))]


class _Billing:
    def __init__(
        self, client: Client, database: Database, ledger: PostgresLedger, organization_id: UUID, on: Stack
    ) -> None:
        self._client, self._database, self._ledger, self._on = client, database, ledger, on
        self._organization_id = organization_id
        self._rounds = 0

    async def rate(self, sizes: Sizes) -> float:
        """Invoices a second, of customers and subscriptions that are made now, each with a month of usage."""
        self._rounds += 1
        prefix, count = f"round-{self._rounds}-", sizes.subscriptions
        end_at = tenant.month(tenant.now())
        first_at = tenant.month(end_at, before=1)
        names = [f"{prefix}{number}" for number in range(count)]
        made = await tenant.subscribe(self._ledger, self._organization_id, names, at=first_at)
        events = Events(
            organization_id=self._organization_id,
            prefix=prefix,
            owners=count,
            count=count * EVENTS_EACH,
            first_at=first_at,
            end_at=end_at,
        )
        await usage_events.store(events, self._on)
        before = await self._invoices()

        async def start(subscription_id: UUID, due_at: datetime) -> None:
            await self._client.start_workflow(
                SubscriptionWorkflow.run,
                SubscriptionRef(subscription_id=subscription_id, next_due_at=due_at),
                id=ids.subscription(subscription_id),
                task_queue=ids.BILLING,
            )

        async def all_are_done() -> None:
            while await self._invoices() < before + count:
                await asyncio.sleep(_POLL_SECONDS)

        return await _rate([subscription.id for subscription in made], start, all_are_done, sizes)

    async def _invoices(self) -> int:
        async with self._database.connection(self._organization_id) as connection:
            row = await (await connection.execute(_INVOICES)).fetchone()
        assert row is not None
        return int(row[0])


async def _sleepers_rate(client: Client, worker: Process, sizes: Sizes) -> float:
    async def start(sleeper_id: UUID, until: datetime) -> None:
        await client.start_workflow(
            SleeperWorkflow.run, Nap(until=until), id=f"sleeper-{sleeper_id}", task_queue=sleepers.QUEUE
        )

    async def all_are_done() -> None:
        assert worker.stdout is not None
        for _ in range(sizes.subscriptions):
            assert await worker.stdout.readline() == sleepers.DONE

    return await _rate([kernel_ids.new() for _ in range(sizes.subscriptions)], start, all_are_done, sizes)


async def _rate(
    sleeping: list[UUID],
    start: Callable[[UUID, datetime], Awaitable[None]],
    all_are_done: Callable[[], Awaitable[Any]],
    sizes: Sizes,
) -> float:
    """How many a second are done, from the instant at which all wake to the last of them."""
    due_at = tenant.now() + timedelta(seconds=sizes.lead_seconds)
    await for_each(sleeping, lambda one: start(one, due_at))
    assert tenant.now() < due_at, "it takes longer to start them than `lead_seconds`"
    await asyncio.sleep((due_at - tenant.now()).total_seconds())
    began = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await all_are_done()
    seconds = time.perf_counter() - began
    await asyncio.sleep(sizes.rest_seconds)
    return len(sleeping) / seconds
