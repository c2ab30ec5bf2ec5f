"""Real time: a subscription sleeps by a timer, and whoever calls it wakes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
import pytest_asyncio
from temporalio.client import WorkflowFailureError, WorkflowHandle

from activities.billing import BillingActivities
from activities.test_clocks import TestClockActivities
from domain.catalog.commands import update_plan
from domain.invoicing.invoice import Invoice
from domain.kernel import ids as kernel_ids
from domain.kernel.errors import NotFoundError
from domain.organizations.commands import found_organization
from domain.organizations.organization import OrganizationDetails
from tests.builders import Shop, instant
from tests.workflows.world import World, until
from workflows import ids, subscription
from workflows.clock import spread
from workflows.messages import Change, SubscriptionRef, Watch
from workflows.subscription import SubscriptionWorkflow
from workflows.worker import billing_worker

Plan = Callable[[int, datetime], datetime | None]
"""The number of the call, from 1, and its instant -> what is next due."""


@dataclass
class Diary:
    """Something is due at the instants of a plan; `calls` are those at which it was asked."""

    plan: Plan = lambda number, at: None
    calls: list[datetime] = field(default_factory=list)

    async def advance(self, subscription_id: UUID, *, at: datetime) -> datetime | None:
        self.calls.append(at)
        return self.plan(len(self.calls), at)


@pytest_asyncio.fixture
async def diary(world: World) -> AsyncIterator[Diary]:
    diary = Diary()
    async with billing_worker(world.client, BillingActivities(diary.advance), TestClockActivities(world.ledger)):
        yield diary


async def start(world: World, watch: Watch | None = None) -> WorkflowHandle[SubscriptionWorkflow, None]:
    subscription_id = kernel_ids.new()
    return await world.client.start_workflow(
        SubscriptionWorkflow.run,
        SubscriptionRef(subscription_id=subscription_id, watch=watch or Watch()),
        id=ids.subscription(subscription_id),
        task_queue=ids.BILLING,
    )


async def test_it_wakes_when_something_is_due_until_nothing_is(world: World, diary: Diary) -> None:
    due: list[datetime] = []

    def twice(number: int, at: datetime) -> datetime | None:
        due.append(at + timedelta(milliseconds=200))
        return due[-1] if number <= 2 else None

    diary.plan = twice
    handle = await start(world)
    await handle.result()
    assert len(diary.calls) == 3
    late = [called - at for at, called in zip(due, diary.calls[1:], strict=False)]
    assert all(timedelta() <= one < timedelta(seconds=15) for one in late), late


async def test_a_change_interrupts_the_sleep(world: World, diary: Diary) -> None:
    diary.plan = lambda number, at: at + timedelta(days=30) if number == 1 else None
    handle = await start(world)
    await until(lambda: called(diary, 1))
    await handle.signal(SubscriptionWorkflow.changed, Change(position=7))
    await handle.result()
    assert len(diary.calls) == 2


async def test_each_period_is_a_run_of_its_own(world: World, diary: Diary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "SHORT_RUN", timedelta())
    diary.plan = lambda number, at: at + timedelta(milliseconds=100) if number <= 2 else None
    handle = await start(world)
    await handle.result()
    assert len(diary.calls) == 3

    async def three_runs() -> bool:
        runs = [run async for run in world.client.list_workflows(f"WorkflowId = '{handle.id}'")]
        return sorted(run.status.name for run in runs if run.status) == ["COMPLETED", *["CONTINUED_AS_NEW"] * 2]

    await until(three_runs)


async def test_what_the_ledger_does_not_know_is_not_tried_again(world: World, diary: Diary) -> None:
    def unknown(number: int, at: datetime) -> datetime | None:
        raise NotFoundError("subscription")

    diary.plan = unknown
    with pytest.raises(WorkflowFailureError):
        await (await start(world)).result()
    assert len(diary.calls) == 1


async def test_a_plan_that_does_not_advance_is_a_failure_and_not_a_loop(world: World, diary: Diary) -> None:
    diary.plan = lambda number, at: at if number == 1 else None
    await (await start(world)).result()
    first, second = diary.calls
    assert first == second, "the same step, tried again after a pause"


async def test_an_invoice_that_cannot_be_priced_is_shown_and_billed_once_it_can(world: World) -> None:
    details = OrganizationDetails(name="Shop", document_number_prefix="SHO-0001", default_currency="EUR")
    organization, _ = await found_organization(
        world.ledger, kernel_ids.new(), details, sandbox=False, at=instant("2024-01-01")
    )
    shop = Shop(world.ledger, organization)
    gb = await shop.metric("gb", aggregation_type="sum_agg", field_name="gb")
    charge = shop.charge(gb, "standard", {"amount": "5"})
    await shop.plan(interval="yearly", charges=(charge,))
    world.usage.add("gb", "2024-01-20", subscription="s1", gb="1" + 18 * "0")
    async with world.running():
        stuck = await shop.subscribe("s1", at="2024-01-01")
        handle = world.client.get_workflow_handle(ids.subscription(stuck.id))

        async def is_shown() -> bool:
            if await world.status(handle.id) is None:
                return False
            pending = (await handle.describe()).raw_description.pending_activities
            failures = [step.last_failure for step in pending if step.attempt >= 2]
            return any(one.application_failure_info.type == "AmountOutOfRangeError" for one in failures)

        async def billed() -> set[UUID]:
            found = await world.ledger.find_all(Invoice, organization.id)
            return {row.subscription_id for invoice in found for row in invoice.content.subscriptions}

        await until(is_shown)
        other = await shop.subscribe("s2", at="2024-01-01", customer="c2")
        await until(lambda: holds(billed, {other.id}))
        free = replace(charge, properties={"amount": "0"})
        change = partial(replace, charges=(free,))
        await update_plan(world.ledger, organization.id, "pro", change, at=instant("2024-02-02"))
        await until(lambda: holds(billed, {stuck.id, other.id}))


async def holds(found: Callable[[], Awaitable[set[UUID]]], wanted: set[UUID]) -> bool:
    return await found() == wanted


async def test_those_who_share_an_instant_wake_within_the_spread(world: World, diary: Diary) -> None:
    month = timedelta(days=30)
    delays = {spread(month, 60, identity) for identity in range(1_000)}
    assert delays == {timedelta(seconds=n) for n in range(61)}
    assert spread(month, 0, 12345) == timedelta()
    assert spread(timedelta(seconds=59), 60, 12345) == timedelta(), "a short sleep ends when it should"
    diary.plan = lambda number, at: at + timedelta(milliseconds=100) if number == 1 else None
    handle = await start(world, Watch(spread_seconds=60))
    async with asyncio.timeout(15):
        await handle.result()
    assert datetime.now(UTC) - diary.calls[-1] < timedelta(seconds=15)  # noqa: TID251 - the server's time is real


async def called(diary: Diary, times: int) -> bool:
    return len(diary.calls) >= times
