"""Starting and signalling workflows: whatever is called twice, or too often, only looks again.

In a sandbox the clock hears of a call before the subscription does, so that it waits until the call has been heeded. A
clock that has to be started knows nobody: it gets the names of all who live in the sandbox, and calls them to register.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.documents import DocumentRequest
from projections.postgres import Database
from workflows import ids, subjects
from workflows.client import unavailable
from workflows.document import DocumentWorkflow
from workflows.messages import Change, Expectation, SubscriptionRef, Target, TestClockRef, Watch
from workflows.subjects import Clock, Subject
from workflows.subscription import SubscriptionWorkflow
from workflows.test_clock import TestClockWorkflow

AT_ONCE = 50
"""Calls under way to Temporal."""
PATIENCE = timedelta(seconds=10)
SPREAD_SECONDS = 60
"""Subscriptions wake up to a minute after the instant that they share (`clock.py`)."""


class Caller:
    """All methods raise UnavailableError where Temporal, or the database, cannot be reached."""

    def __init__(self, client: Client, database: Database, *, spread_seconds: int = SPREAD_SECONDS) -> None:
        self._client, self._database = client, database
        self._spread_seconds = spread_seconds
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def call(self, called: Iterable[Subject], position: int) -> None:
        """Let the subscriptions look at what the ledger holds up to `position`; those that live get a workflow."""
        by_organization: dict[UUID, list[Subject]] = defaultdict(list)
        for subject in called:
            by_organization[subject.organization_id].append(subject)
        await asyncio.gather(*(self._call_in(group, position) for group in by_organization.values()))

    async def advance(self, clock: Clock, target: datetime, position: int) -> None:
        """Send a sandbox's clock on its way; who was called before is waited for."""
        name = ids.test_clock(clock.organization_id)
        if not await self._signal(name, "advance", Target(at=target)):
            await self._start_clock(clock.organization_id, clock.now, position)
            await self._signal(name, "advance", Target(at=target))

    async def request_document(self, request: DocumentRequest) -> None:
        async with self._slots:
            with unavailable():
                await self._client.start_workflow(
                    DocumentWorkflow.run,
                    request,
                    id=ids.document(request.invoice_id),
                    task_queue=ids.DOCUMENTS,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    rpc_timeout=PATIENCE,
                )

    async def _call_in(self, called: Sequence[Subject], position: int) -> None:
        """Call subscriptions of one organization."""
        organization_id, now = called[0].organization_id, called[0].now
        names = [ids.subscription(subject.subscription_id) for subject in called if subject.lives]
        if now is not None and names:
            clock, expectation = ids.test_clock(organization_id), Expectation(workflow_ids=names, position=position)
            if not await self._signal(clock, "expect", expectation):
                await self._start_clock(organization_id, now, position, besides=names)
                await self._signal(clock, "expect", expectation)
        await asyncio.gather(*(self._call_one(subject, position) for subject in called))

    async def _call_one(self, subject: Subject, position: int) -> None:
        name, change = ids.subscription(subject.subscription_id), Change(position=position, now=subject.now)
        if not subject.lives:  # its workflow, where it still sleeps, finds that out and ends
            await self._signal(name, "changed", change)
            return
        watch = Watch(spread_seconds=self._spread_seconds)
        if subject.now is not None:
            watch = Watch(test_clock=ids.test_clock(subject.organization_id), now=subject.now, position=position)
        async with self._slots:
            with unavailable():
                await self._client.start_workflow(
                    SubscriptionWorkflow.run,
                    SubscriptionRef(subscription_id=subject.subscription_id, watch=watch),
                    id=name,
                    task_queue=ids.BILLING,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    start_signal="changed",
                    start_signal_args=[change],
                    rpc_timeout=PATIENCE,
                )

    async def _start_clock(
        self, organization_id: UUID, now: datetime, position: int, *, besides: Sequence[str] = ()
    ) -> None:
        """`besides`: workflow ids of those who are called anyway."""
        living = await subjects.concerned(self._database, organizations=[organization_id])
        names = {ids.subscription(subject.subscription_id) for subject in living} - set(besides)
        clock = TestClockRef(organization_id=organization_id, now=now, to_call=sorted(names), position=position)
        async with self._slots:
            with unavailable():
                await self._client.start_workflow(
                    TestClockWorkflow.run,
                    clock,
                    id=ids.test_clock(organization_id),
                    task_queue=ids.BILLING,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    rpc_timeout=PATIENCE,
                )

    async def _signal(self, name: str, signal: str, argument: object) -> bool:
        """Whether the workflow runs, and so has heard."""
        async with self._slots:
            with unavailable():
                try:
                    await self._client.get_workflow_handle(name).signal(signal, argument, rpc_timeout=PATIENCE)
                except RPCError as error:
                    if error.status is not RPCStatusCode.NOT_FOUND:
                        raise
                    return False
        return True
