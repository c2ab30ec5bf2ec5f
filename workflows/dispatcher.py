"""Carries the ledger to Temporal: what is committed starts or calls the workflows that wait for it.

Follows the log of events (`projections/ledger/tail.py`), so nothing is lost while Temporal, or this process, is away;
an event may come twice. What subscriptions do of themselves (bill, activate, end a trial) calls nobody.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from activities.documents import DocumentRequest
from domain.catalog.plan import Plan
from domain.customers.customer import Customer
from domain.invoicing.invoice import Invoice
from domain.organizations.organization import Organization
from domain.organizations.test_clock import TestClock
from domain.subscriptions.subscription import Subscription
from projections.ledger.tail import Recorded, follow
from projections.postgres import Database
from projections.settings import Settings
from workflows import subjects
from workflows.calls import Caller
from workflows.client import connect
from workflows.detector import Detector
from workflows.subjects import Clock, Subject

NAME = "dispatcher"
"""Of its position in the log."""

_OF_SUBSCRIPTION = (
    Subscription.Created,
    Subscription.Updated,
    Subscription.FixedChargeUnitsSet,
    Subscription.Terminated,
    Subscription.Canceled,
)
_OF_TIMEZONE = (Customer.Updated, Organization.Updated)
_OF_MANY = (*_OF_TIMEZONE, Plan.Updated)
_HANDLED = (*_OF_SUBSCRIPTION, *_OF_MANY, TestClock.AdvanceRequested, Invoice.DocumentRequested)
TOPICS = frozenset(event.TOPIC for event in _HANDLED)


@dataclass(slots=True)
class _Advance:
    clock: Clock
    target: datetime
    position: int


@dataclass(slots=True)
class _Calls:
    """Events with no advance between them: one call for each subscription, up to the last `position`."""

    called: dict[UUID, Subject] = field(default_factory=dict)
    position: int = 0


_Steps = list[_Advance | _Calls]
"""What is to be done in one organization, in this order."""


async def run(settings: Settings) -> None:
    """The role `dispatcher`, until it is cancelled. Several may run: one at a time dispatches."""
    assert settings.database_url is not None, "the command line has looked"
    client = await connect(settings, lazy=True)
    async with Database(settings.database_url.get_secret_value(), max_size=settings.pool_size) as database:
        caller = Caller(client, database)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow(database, NAME, Dispatcher(database, caller).handle, topics=TOPICS))
            tasks.create_task(Detector(client, database, caller).run())


class Dispatcher:
    def __init__(self, database: Database, caller: Caller) -> None:
        self._database, self._caller = database, caller

    async def handle(self, page: Sequence[Recorded]) -> None:
        """Carry out one page of the log: organizations side by side, each in the order of its events.

        Raises:
            UnavailableError: Temporal or the database is away; the page may be handled again.
        """
        by_organization = self._plan(page, await self._concerned(page), await self._clocks(page))
        await asyncio.gather(
            *(self._carry_out(steps) for steps in by_organization.values()),
            *(
                self._caller.request_document(
                    DocumentRequest(invoice_id=recorded.event.originator_id, requested_at=recorded.event.timestamp)
                )
                for recorded in page
                if isinstance(recorded.event, Invoice.DocumentRequested)
            ),
        )

    async def _carry_out(self, steps: _Steps) -> None:
        for step in steps:
            if isinstance(step, _Advance):
                await self._caller.advance(step.clock, step.target, step.position)
            else:
                await self._caller.call(step.called.values(), step.position)

    async def _concerned(self, page: Sequence[Recorded]) -> Callable[[UUID], Iterable[Subject]]:
        """Subscriptions by the id of what has changed: itself, its customer, its plan or its organization."""
        found = await subjects.concerned(
            self._database,
            subscriptions=_ids(page, *_OF_SUBSCRIPTION),
            customers=_ids(page, Customer.Updated),
            organizations=_ids(page, Organization.Updated),
            plans={recorded.event.originator_id for recorded in page if _changes_units(recorded.event)},
        )
        by_id: dict[UUID, list[Subject]] = defaultdict(list)
        for subject in found:
            for key in (subject.subscription_id, subject.customer_id, subject.organization_id, subject.plan_id):
                by_id[key].append(subject)
        return lambda key: by_id.get(key, ())

    async def _clocks(self, page: Sequence[Recorded]) -> Mapping[UUID, Clock]:
        wanted = _ids(page, TestClock.AdvanceRequested)
        return {clock.id: clock for clock in await subjects.clocks(self._database, wanted)} if wanted else {}

    @staticmethod
    def _plan(
        page: Sequence[Recorded], concerned: Callable[[UUID], Iterable[Subject]], clocks: Mapping[UUID, Clock]
    ) -> Mapping[UUID, _Steps]:
        plan: dict[UUID, _Steps] = defaultdict(list)
        for recorded in page:
            event, position = recorded.event, recorded.notification_id
            if isinstance(event, TestClock.AdvanceRequested):
                clock = clocks[event.originator_id]
                plan[clock.organization_id].append(_Advance(clock, event.target, position))
            elif isinstance(event, (*_OF_SUBSCRIPTION, *_OF_MANY)):
                for subject in concerned(event.originator_id):
                    steps = plan[subject.organization_id]
                    if not steps or not isinstance(steps[-1], _Calls):
                        steps.append(_Calls())
                    calls = steps[-1]
                    assert isinstance(calls, _Calls)
                    calls.called[subject.subscription_id] = subject
                    calls.position = position
        return plan


def _changes_units(event: object) -> bool:
    """Whether a plan's subscriptions must look: units of fixed charges in advance have changed at once."""
    return isinstance(event, Plan.Updated) and any(
        change.immediately and change.decided_at == event.timestamp
        for fixed_charge in event.details.fixed_charges
        if fixed_charge.pay_in_advance
        for change in fixed_charge.units_log
    )


def _ids(page: Sequence[Recorded], *events: type) -> set[UUID]:
    return {recorded.event.originator_id for recorded in page if isinstance(recorded.event, events)}
