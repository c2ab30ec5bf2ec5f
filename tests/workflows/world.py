"""A sandbox with all that moves it: ledger, dispatcher, Temporal, a worker; and a hook to slow it down or to fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.billing import BillingActivities
from activities.test_clocks import TestClockActivities
from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Invoice
from domain.kernel import ids as kernel_ids
from domain.organizations.commands import found_organization, move_test_clock
from domain.organizations.organization import OrganizationDetails
from projections.ledger.ledger import PostgresLedger
from projections.ledger.tail import follow
from projections.postgres import Database
from projections.views import test_clocks
from projections.views.fees import PostgresBilledFees
from tests.builders import MemoryUsage, Shop, instant
from workflows import ids
from workflows.calls import Caller
from workflows.dispatcher import NAME, TOPICS, Dispatcher
from workflows.worker import billing_worker

PATIENCE_SECONDS = 20.0


async def nothing(subscription_id: UUID, at: datetime) -> None:
    pass


@dataclass
class World:
    """`before` is awaited before each try to bill; `tries` are these, as (subscription, instant)."""

    client: Client
    database: Database
    ledger: PostgresLedger
    usage: MemoryUsage = field(default_factory=MemoryUsage)
    before: Callable[[UUID, datetime], Awaitable[None]] = nothing
    tries: list[tuple[UUID, datetime]] = field(default_factory=list)

    async def bill(self, subscription_id: UUID, *, at: datetime) -> datetime | None:
        self.tries.append((subscription_id, at))
        await self.before(subscription_id, at)
        return await advance_subscription(
            self.ledger, self.usage, PostgresBilledFees(self.database), subscription_id, at=at
        )

    @property
    def caller(self) -> Caller:
        return Caller(self.client, self.database, spread_seconds=0)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with billing_worker(self.client, BillingActivities(self.bill), TestClockActivities(self.ledger)):
            yield

    @asynccontextmanager
    async def dispatching(self) -> AsyncIterator[None]:
        handle = Dispatcher(self.database, self.caller).handle
        task = asyncio.create_task(follow(self.database, NAME, handle, topics=TOPICS))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.working())
            await stack.enter_async_context(self.dispatching())
            yield

    async def sandbox(self, at: str = "2024-01-01") -> Sandbox:
        details = OrganizationDetails(name="Sandbox", document_number_prefix="SAN-0001", default_currency="EUR")
        organization, _ = await found_organization(self.ledger, kernel_ids.new(), details, sandbox=True, at=instant(at))
        shop = Shop(self.ledger, organization)
        await shop.plan()
        await shop.customer()
        return Sandbox(self, shop)

    async def status(self, workflow_id: str) -> WorkflowExecutionStatus | None:
        """None where there is none."""
        try:
            return (await self.client.get_workflow_handle(workflow_id).describe()).status
        except RPCError:
            return None


@dataclass
class Sandbox:
    world: World
    shop: Shop

    @property
    def id(self) -> UUID:
        return self.shop.organization.id

    @property
    def clock(self) -> str:
        return ids.test_clock(self.id)

    async def ask(self, to: str) -> None:
        await move_test_clock(self.world.ledger, self.id, instant(to), sandbox=True, anything_waits=True)

    async def ready(self) -> bool:
        state = await test_clocks.get(self.world.database, self.id)
        return state.now == state.target

    async def advance(self, to: str) -> None:
        await self.ask(to)
        await until(self.ready)

    async def waiting_for(self) -> list[str]:
        found: list[str] = await self.world.client.get_workflow_handle(self.clock).query("waiting_for")
        return found

    async def billed(self) -> list[datetime]:
        """The instants that the invoices are dated with."""
        return sorted(
            invoice.created_on.astimezone(UTC) for invoice in await self.world.ledger.find_all(Invoice, self.id)
        )


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await holds():
        assert time.monotonic() < deadline, "it does not come"
        await asyncio.sleep(0.01)


def months(first: int, last: int) -> list[datetime]:
    """The first instants of months of 2024 and after, counted from January 2024 as 1."""
    return [datetime(2024 + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC) for month in range(first, last + 1)]
