"""Whatever becomes of a workflow, what is owed is billed, and at the instant at which it was due."""

from __future__ import annotations

import asyncio
from datetime import datetime
from uuid import UUID

from tests.builders import instant
from tests.workflows.world import Sandbox, World, months, until
from workflows import ids
from workflows.detector import Detector


def detector(world: World) -> Detector:
    return Detector(world.client, world.database, world.caller)


async def test_a_subscription_whose_workflow_was_killed_is_billed_late_but_right(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        subscription = await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.advance("2024-01-02")
        name = ids.subscription(subscription.id)
        await kill(world, name)
        await sandbox.advance("2024-02-10")
        assert await sandbox.billed() == [], "the clock does not wait for who is gone"
        await until(lambda: heals(world, name))
        await until(lambda: billed(sandbox, months(2, 2)))
        await sandbox.advance("2024-03-01")
    assert await sandbox.billed() == months(2, 3)


async def test_a_subscription_that_is_killed_while_the_clock_waits_for_it_is_woken_again(world: World) -> None:
    billing, go_on = asyncio.Event(), asyncio.Event()

    async def slow(subscription_id: UUID, at: datetime) -> None:
        if at == instant("2024-02-01") and not billing.is_set():
            billing.set()
            await go_on.wait()

    async with world.running():
        sandbox = await world.sandbox()
        world.before = slow
        subscription = await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.ask("2024-03-01")
        await billing.wait()
        name = ids.subscription(subscription.id)
        await kill(world, name)
        go_on.set()
        assert await sandbox.waiting_for() == [name]
        await until(lambda: heals(world, name))
        await until(sandbox.ready)
    assert await sandbox.billed() == months(2, 3)


async def test_a_clock_that_was_killed_on_its_way_gets_there(world: World) -> None:
    billing, go_on = asyncio.Event(), asyncio.Event()

    async def slow(subscription_id: UUID, at: datetime) -> None:
        if at == instant("2024-02-01") and not billing.is_set():
            billing.set()
            await go_on.wait()

    async with world.running():
        sandbox = await world.sandbox()
        world.before = slow
        await sandbox.shop.customer("c2")
        await sandbox.shop.subscribe("s1", at="2024-01-01")
        await sandbox.shop.subscribe("s2", at="2024-01-01", customer="c2")
        await sandbox.ask("2024-03-01")
        await billing.wait()
        await kill(world, sandbox.clock)
        go_on.set()
        await until(lambda: heals(world, sandbox.clock))
        await until(sandbox.ready)
    assert await sandbox.billed() == sorted(months(2, 3) * 2)


async def test_a_clock_that_somebody_else_has_started_anew_knows_all(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        await sandbox.shop.customer("c2")
        await sandbox.shop.subscribe("s1", at="2024-01-01")
        await sandbox.advance("2024-01-02")
        await kill(world, sandbox.clock)
        await sandbox.shop.subscribe("s2", at="2024-01-02", customer="c2")
        await sandbox.advance("2024-02-01")
    assert await sandbox.billed() == months(2, 2) * 2


async def test_where_nothing_is_missing_nothing_is_started(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.advance("2024-02-01")
        assert await detector(world).look() == []


async def kill(world: World, name: str) -> None:
    await world.client.get_workflow_handle(name).terminate()


async def heals(world: World, name: str) -> bool:
    """What has just ended may still be listed as running for a moment."""
    return name in await detector(world).look()


async def billed(sandbox: Sandbox, at: list[datetime]) -> bool:
    return await sandbox.billed() == at
