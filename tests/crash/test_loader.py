"""The owner of chDB killed while it loads: counts stay exact; and without usage nothing is billed, not even as zero."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from decimal import Decimal

from projections.usage.loaded import LOADED
from tests.crash.sender import Sender, check_usage
from tests.crash.stack import Stack, blocked, eventually
from tests.crash.tenant import Found, price

KILLS = 3
REQUESTS, EVENTS = 100, 100
"""Of usage for each kill, and in each request."""


async def test_killed_while_it_loads(stack: Stack, found: Found, rng: random.Random) -> None:
    tenant = await found()
    await tenant.subscribe("s")
    sender = Sender(tenant, [stack.url], "s", rng, faithful=True)

    async def send(requests: int) -> None:
        for _ in range(requests):
            await sender.send({f"{rng.getrandbits(64):016x}": rng.randint(1, 9) for _ in range(EVENTS)})

    for _ in range(KILLS):
        await eventually(lambda: stack.pid("loader"), seconds=30, what="the loader runs")
        loader = stack.pid("loader")
        assert loader is not None
        os.kill(loader, signal.SIGSTOP)
        await asyncio.gather(*(send(REQUESTS // 10) for _ in range(10)))
        os.kill(loader, signal.SIGCONT)
        await asyncio.sleep(rng.random() * 0.15)
        await stack.kill("loader")
    await stack.ready()
    await check_usage(tenant, "s", [sender])


async def test_killed_between_insert_and_position(stack: Stack, found: Found, rng: random.Random) -> None:
    """The events are in chDB, and the loader that comes back does not know."""
    tenant = await found()
    await tenant.subscribe("s")
    sender = Sender(tenant, [stack.url], "s", rng, faithful=True)
    await sender.send({"a": 1})
    assert await tenant.usage("s") == (1, Decimal(1))
    async with stack.database() as connection, stack.database() as observer:
        async with connection.transaction():
            await connection.execute("select from positions where name = %s for update", (LOADED,))
            await sender.send({"b": 2, "c": 3})
            await eventually(lambda: blocked(observer, "insert into positions"), seconds=4, what="events are inserted")
            (backend,) = await blocked(observer, "insert into positions")
            await stack.kill("loader")
            await observer.execute("select pg_terminate_backend(%s, 3000)", (backend,))
    await stack.ready()
    await check_usage(tenant, "s", [sender])


async def test_without_usage_nothing_is_billed(stack: Stack, found: Found) -> None:
    tenant = await found()
    workflow = await stack.workflow(await tenant.subscribe("s"))
    await tenant.use("s", 5, at="2026-01-10T00:00:00Z")
    assert await tenant.usage("s") == (1, Decimal(5))
    usage = "/customers/s/current_usage?external_subscription_id=s"

    async def failed() -> bool:
        """Whether Temporal shows that billing has failed, of what, and that it is tried again."""
        pending = (await workflow.describe()).raw_description.pending_activities
        return any(
            step.attempt >= 2 and step.last_failure.message.startswith("service_unavailable: clickhouse (")
            for step in pending
        )

    with stack.nothing_restarts():
        await stack.kill("loader")
        await tenant.call("GET", usage, status=503)
        assert (await tenant.ask("2026-02-01")).status_code == 202
        await eventually(failed, seconds=30, what="billing is tried again")
        await tenant.use("s", 7, at="2026-01-20T00:00:00Z")
        assert not await tenant.is_there()
        assert await tenant.invoices() == []
    await tenant.arrived()
    (invoice,) = await tenant.invoices()
    assert invoice["total_amount_cents"] == price(12)
