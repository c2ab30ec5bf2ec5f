"""A sandbox's time: every wake-up at its own instant and in order, and ready only when all is done."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from uuid import UUID

from temporalio.client import WorkflowExecutionStatus

from domain.kernel import ids as kernel_ids
from domain.kernel.errors import UnavailableError
from domain.subscriptions.commands import terminate_subscription
from domain.subscriptions.subscription import Subscription
from tests.builders import instant
from tests.workflows.world import Sandbox, World, months, until
from workflows import ids
from workflows.subjects import Subject


async def test_three_years_are_billed_in_a_moment(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        await sandbox.shop.subscribe(at="2024-01-01")
        started = time.perf_counter()
        await sandbox.advance("2027-01-01")
        elapsed = time.perf_counter() - started
    assert await sandbox.billed() == months(2, 37)
    assert elapsed < 9, "36 periods take one second or two; held back to three a second, as by default, twelve"


async def test_subscriptions_wake_in_order_of_time_and_then_of_id(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        for customer in ("a", "b", "c"):
            await sandbox.shop.customer(customer)
        await sandbox.shop.plan("weekly", interval="weekly")
        subscriptions = [
            await sandbox.shop.subscribe("one", at="2024-01-01", customer="a"),
            await sandbox.shop.subscribe("two", at="2024-01-01", customer="b", plan="weekly"),
            await sandbox.shop.subscribe("three", at="2024-01-01", customer="c"),
        ]
        await until(lambda: tried(world, len(subscriptions)))
        before = len(world.tries)
        await sandbox.advance("2024-04-15")
    woken = world.tries[before:]
    assert woken == sorted(woken, key=lambda one: (one[1], str(one[0])))
    one, two, three = (subscription.id for subscription in subscriptions)
    assert [at for who, at in woken if who == one] == [at for who, at in woken if who == three] == months(2, 4)
    assert len([at for who, at in woken if who == two]) == 15


async def test_what_was_committed_before_an_advance_is_never_passed_over(world: World) -> None:
    async with world.working():
        sandbox = await world.sandbox()
        for number in range(20):
            await sandbox.shop.customer(f"c{number}")
            await sandbox.shop.subscribe(f"s{number}", at="2024-01-01", customer=f"c{number}")
        await sandbox.ask("2024-02-01")
        assert not await sandbox.ready(), "nobody has dispatched it yet"
        async with world.dispatching():
            await until(sandbox.ready)
    assert await sandbox.billed() == months(2, 2) * 20


async def test_it_advances_again_and_again(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.advance("2024-01-31T23:59:59Z")
        assert await sandbox.billed() == []
        await sandbox.advance("2024-02-01")
        assert await sandbox.billed() == months(2, 2)
        await sandbox.shop.subscribe("s2", at="2024-02-01T10:00:00Z")
        await sandbox.advance("2024-03-01")
        assert await sandbox.billed() == months(2, 3), "one invoice for both"
        await sandbox.advance("2024-03-01")


async def test_it_arrives_where_nothing_is_due(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        subscription = await sandbox.shop.subscribe(at="2024-01-01")
        await terminate(world, subscription.id, at="2024-01-01T00:00:01Z")
        await sandbox.advance("2030-01-01")
        await until(lambda: ended(world, subscription.id))
    assert len(await sandbox.billed()) == 1


async def test_a_termination_is_billed_at_its_own_instant_and_ends_the_workflow(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        subscription = await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.advance("2024-01-10T12:00:00Z")
        await terminate(world, subscription.id, at="2024-01-10T12:00:00Z")
        await until(lambda: ended(world, subscription.id))
        await sandbox.advance("2024-06-01")
    assert await sandbox.billed() == [instant("2024-01-10T12:00:00Z")]


async def test_the_clock_waits_for_a_slow_bill(world: World) -> None:
    go_on = asyncio.Event()

    async def slow(subscription_id: UUID, at: datetime) -> None:
        if at == instant("2024-02-01"):
            await go_on.wait()

    async with world.running():
        sandbox = await world.sandbox()
        world.before = slow
        subscription = await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.ask("2024-03-01")
        await until(lambda: waiting(world, "2024-02-01"))
        assert await sandbox.waiting_for() == [ids.subscription(subscription.id)]
        assert not await sandbox.ready()
        go_on.set()
        await until(sandbox.ready)
    assert await sandbox.billed() == months(2, 3)


async def test_a_bill_that_fails_is_tried_again_while_the_clock_waits(world: World) -> None:
    failures = iter([UnavailableError("clickhouse"), AssertionError("a bug")])

    async def failing(subscription_id: UUID, at: datetime) -> None:
        if at == instant("2024-02-01") and (failure := next(failures, None)):
            raise failure

    async with world.running():
        sandbox = await world.sandbox()
        world.before = failing
        await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.advance("2024-03-01")
    assert await sandbox.billed() == months(2, 3)
    assert [at for _, at in world.tries].count(instant("2024-02-01")) == 3


async def test_a_change_during_a_bill_is_looked_at_before_the_clock_goes_on(world: World) -> None:
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
        await sandbox.shop.customer("c1", timezone="America/New_York")
        await until(lambda: called_again(world, subscription.id))
        go_on.set()
        await until(sandbox.ready)
    assert [at for _, at in world.tries if at >= instant("2024-02-01")][:2] == months(2, 2) * 2


async def test_what_the_ledger_does_not_know_holds_nobody_up(world: World) -> None:
    async with world.running():
        sandbox = await world.sandbox()
        await sandbox.shop.subscribe(at="2024-01-01")
        unknown = Subject(
            subscription_id=kernel_ids.new(),
            organization_id=sandbox.id,
            customer_id=kernel_ids.new(),
            plan_id=kernel_ids.new(),
            lives=True,
            now=instant("2024-01-01"),
        )
        await world.caller.call([unknown], position=1)
        await sandbox.advance("2024-02-01")
        status = await world.status(ids.subscription(unknown.subscription_id))
    assert status is not None
    assert status.name == "FAILED"
    assert await sandbox.billed() == months(2, 2)


async def terminate(world: World, subscription_id: UUID, *, at: str) -> None:
    await terminate_subscription(
        world.ledger,
        subscription_id,
        on_termination_credit_note=None,
        on_termination_invoice=None,
        at=instant(at),
    )


async def ended(world: World, subscription_id: UUID) -> bool:
    status = await world.status(ids.subscription(subscription_id))
    return status is not None and status.name == "COMPLETED"


async def waiting(world: World, at: str) -> bool:
    return bool(world.tries) and world.tries[-1][1] == instant(at)


async def tried(world: World, times: int) -> bool:
    return len(world.tries) >= times


async def called_again(world: World, subscription_id: UUID) -> bool:
    """Whether the second call has reached the subscription."""
    history = await world.client.get_workflow_handle(ids.subscription(subscription_id)).fetch_history()
    signals = [event for event in history.events if event.HasField("workflow_execution_signaled_event_attributes")]
    return [event.workflow_execution_signaled_event_attributes.signal_name for event in signals].count("changed") == 2


async def test_a_change_of_plan_leaves_no_period_out(world: World) -> None:
    """The workflow of the one that waits is there when its turn comes, however far the clock goes at once."""
    async with world.running():
        sandbox = await world.sandbox()
        for code, amount in (("small", 100), ("large", 9900)):
            await sandbox.shop.plan(code, amount_cents=amount)
        await sandbox.shop.subscribe("down", at="2024-01-01")
        await sandbox.shop.subscribe("up", at="2024-01-01", consolidate_invoice=False)
        await sandbox.advance("2024-01-16")
        await sandbox.shop.subscribe("down", at="2024-01-16", plan="small")
        await sandbox.shop.subscribe("up", at="2024-01-16", plan="large")
        await sandbox.advance("2025-01-01")
        assert await sandbox.billed() == sorted([instant("2024-01-16"), *months(2, 13), *months(2, 13)])
        await until(lambda: is_idle(world, sandbox, 2))


async def is_idle(world: World, sandbox: Sandbox, count: int) -> bool:
    """Whether the workflows of all but `count` subscriptions have ended."""
    found = await world.ledger.find_all(Subscription, sandbox.id)
    running = [await world.status(ids.subscription(one.id)) for one in found]
    return len(found) - running.count(WorkflowExecutionStatus.COMPLETED) == count
