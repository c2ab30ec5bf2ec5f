"""API processes killed while they take events: what was acknowledged counts once, whatever clients had to repeat."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.crash.sender import Sender, check_usage
from tests.crash.stack import Replica, Stack, blocked, eventually
from tests.crash.tenant import Found

ROUNDS = 20
SENDERS = 6
INGEST_LOCK = 4244
"""Of `ingest_append`, migration 0003."""


@pytest_asyncio.fixture(scope="module")
async def replicas(running: Stack) -> AsyncIterator[tuple[Replica, Replica]]:
    """Two more API processes: the supervisor would wait ever longer before it starts its own again."""
    await running.ready()
    pair = Replica(running), Replica(running)
    try:
        for replica in pair:
            replica.start()
        yield pair
    finally:
        for replica in pair:
            replica.kill()


async def test_killed_at_any_point(replicas: tuple[Replica, Replica], found: Found, rng: random.Random) -> None:
    tenant = await found()
    await tenant.subscribe("s")
    urls = [replica.url for replica in replicas]
    senders = [Sender(tenant, urls, "s", rng) for _ in range(SENDERS)]
    stop = asyncio.Event()
    sending = [asyncio.create_task(sender.send_until(stop)) for sender in senders]

    def acknowledged() -> int:
        for task in sending:
            if task.done():
                task.result()
        return sum(len(sender.acknowledged) for sender in senders)

    for number in range(ROUNDS):
        victim = replicas[number % 2]
        await victim.ready()
        before = acknowledged()
        await eventually(lambda: acknowledged() >= before + 50, seconds=30, what="events are acknowledged")  # noqa: B023
        await asyncio.sleep(rng.random() * 0.1)
        victim.kill()
        victim.start()
    stop.set()
    await asyncio.gather(*sending)
    assert sum(sender.cut for sender in senders) >= ROUNDS, "the kills must have hit requests under way"
    await check_usage(tenant, "s", senders)


@pytest.mark.parametrize("commits", [True, False])
async def test_killed_between_commit_and_answer(
    commits: bool, stack: Stack, replicas: tuple[Replica, Replica], found: Found, rng: random.Random
) -> None:
    """The request's transaction outlives the process that sent it, or dies with it: only a second try finds out."""
    tenant = await found()
    await tenant.subscribe("s")
    victim, other = replicas
    await victim.ready()
    await other.ready()
    urls = [victim.url]
    sender = Sender(tenant, urls, "s", rng, faithful=True)
    async with stack.database() as connection, stack.database() as observer:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", (INGEST_LOCK,))
            sending = asyncio.create_task(sender.send({"a": 2, "b": 3}))
            await eventually(lambda: blocked(observer, "ingest_append"), seconds=3, what="a transaction is under way")
            (backend,) = await blocked(observer, "ingest_append")
            urls[:] = [other.url]
            victim.kill()
            if not commits:
                await observer.execute("select pg_terminate_backend(%s, 3000)", (backend,))
        await sending
    victim.start()
    assert sender.found_taken == (1 if commits else 0)
    await check_usage(tenant, "s", [sender])
