"""What is committed reaches the workflows that wait for it, once or more often, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from domain.organizations.commands import update_organization
from domain.subscriptions.commands import terminate_subscription
from projections.ledger.tail import Recorded, follow
from tests.builders import instant
from tests.workflows.world import Sandbox, World, months, until
from workflows import ids
from workflows.dispatcher import TOPICS, Dispatcher


async def log(world: World) -> list[Recorded]:
    """What the dispatcher would be handed from the beginning on."""
    seen: list[Recorded] = []
    done = asyncio.Event()

    async def handle(page: Sequence[Recorded]) -> None:
        seen.extend(page)
        done.set()

    task = asyncio.create_task(follow(world.database, "reader", handle, topics=TOPICS))
    async with asyncio.timeout(30):
        await done.wait()
    task.cancel()
    await asyncio.wait([task])
    return seen


async def test_a_change_of_the_customer_or_the_organization_calls_its_subscriptions(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        await sandbox.shop.customer("c2")
        one = await sandbox.shop.subscribe("s1", at="2024-01-01")
        two = await sandbox.shop.subscribe("s2", at="2024-01-01", customer="c2")
        await until(lambda: tried(world, {one.id: 1, two.id: 1}))
        await sandbox.shop.customer("c2", timezone="Asia/Tokyo")
        await until(lambda: tried(world, {one.id: 1, two.id: 2}))
        await update_organization(
            world.ledger, sandbox.id, lambda details: replace(details, timezone="Europe/Rome"), at=instant("2024-01-01")
        )
        await until(lambda: tried(world, {one.id: 2, two.id: 3}))
        await sandbox.advance("2024-02-01")
    assert await sandbox.billed() == [instant("2024-01-31T15:00"), instant("2024-01-31T23:00")]


async def test_a_page_that_comes_twice_changes_nothing(world: World) -> None:
    async with world.working():
        sandbox = await world.sandbox()
        subscription = await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.ask("2024-03-01")
        page = await log(world)
        dispatcher = Dispatcher(world.database, world.caller)
        await dispatcher.handle(page)
        await until(sandbox.ready)
        await dispatcher.handle(page)
        await until(lambda: tried(world, {subscription.id: 4}))
        await until(lambda: nobody_waits(sandbox))
        assert await sandbox.ready()
    assert await sandbox.billed() == months(2, 3)


async def test_what_has_ended_is_not_started_again(world: World) -> None:
    async with world.working():
        sandbox = await world.sandbox()
        subscription = await sandbox.shop.subscribe(at="2024-01-01")
        dispatcher = Dispatcher(world.database, world.caller)
        await dispatcher.handle(await log(world))
        name = ids.subscription(subscription.id)
        await terminate_subscription(
            world.ledger,
            subscription.id,
            on_termination_credit_note=None,
            on_termination_invoice="skip",
            at=instant("2024-01-01"),
        )
        page = await log(world)
        await dispatcher.handle(page)
        await until(lambda: ended(world, name))
        run_id = (await world.client.get_workflow_handle(name).describe()).run_id
        await dispatcher.handle(page)
        assert (await world.client.get_workflow_handle(name).describe()).run_id == run_id


async def test_many_at_once(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        await asyncio.gather(*(sandbox.shop.customer(f"c{number}") for number in range(40)))
        await asyncio.gather(
            *(sandbox.shop.subscribe(f"s{number}", at="2024-01-01", customer=f"c{number}") for number in range(40))
        )
        await sandbox.advance("2024-01-02")
        assert len({who for who, _ in world.tries}) == 40


async def tried(world: World, times: dict[UUID, int]) -> bool:
    """Whether each subscription was looked at so many times."""
    return {who: [one for one, _ in world.tries].count(who) for who in times} == times


async def ended(world: World, name: str) -> bool:
    status = await world.status(name)
    return status is not None and status.name == "COMPLETED"


async def nobody_waits(sandbox: Sandbox) -> bool:
    return await sandbox.waiting_for() == []
