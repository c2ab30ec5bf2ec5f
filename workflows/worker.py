"""The role `worker`: runs workflows and activities. Here the gateways are chosen."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial

import structlog
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.billing import BillingActivities
from activities.documents import DocumentActivities
from activities.gateways.pdf import TEMPLATE_VERSION, PdfPool
from activities.in_advance import price_arrivals
from activities.test_clocks import TestClockActivities
from domain.invoicing.billing import advance_subscription
from domain.kernel import decimals
from domain.kernel.errors import UnavailableError
from projections.documents import Documents
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from projections.settings import Settings
from projections.usage.arrivals import follow
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore, connector
from projections.views.fees import PostgresBilledFees
from workflows import ids
from workflows.client import connect
from workflows.document import DocumentWorkflow
from workflows.subscription import SubscriptionWorkflow
from workflows.test_clock import TestClockWorkflow

GRACE = timedelta(seconds=20)
"""For activities under way when the worker ends; they are tried again elsewhere."""
RECONNECT_SECONDS = 1.0
CONCURRENT_BILLINGS = 100
"""Activities that wait for usage share queries (`projections/usage/coalesce.py`): the more of them the better."""
USAGE_APART_SECONDS = 0.1
"""Between two such queries of bills that are made at one time: each costs some 20 ms, however few it answers for."""
QUEUED_AT_MOST = timedelta(seconds=30)
"""How long a step of a workflow waits for the worker that has it in memory, before any other may take it. By default 10
seconds: a thousand subscriptions that wake at once would overrun that, and each step would be handed out twice."""

RUNNER = UnsandboxedWorkflowRunner()
"""A third cheaper than the sandboxed one (engine 4.2); the tests replay recorded histories through both."""

_log = structlog.get_logger()


async def run(settings: Settings, queues: Sequence[str]) -> None:
    """Work on the queues until cancelled, then finish what is under way. Waits for Temporal as long as it is away."""
    decimals.set_up()
    assert settings.database_url is not None, "the command line has looked"
    assert set(queues) <= {ids.BILLING, ids.DOCUMENTS}, queues
    async with AsyncExitStack() as stack:
        url = settings.database_url.get_secret_value()
        database = await stack.enter_async_context(Database(url, max_size=settings.pool_size))
        ledger = PostgresLedger(database)
        stack.push_async_callback(ledger.close)
        client = await _connected(settings)
        workers = []
        arrivals: list[Coroutine[None, None, None]] = []
        if ids.BILLING in queues:
            assert settings.clickhouse_url is not None, "the embedded stack sets it"
            store = UsageStore(connector(settings.clickhouse_url.get_secret_value()))
            stack.push_async_callback(store.close)
            usage = ClickHouseUsageReader(database, store, apart_seconds=USAGE_APART_SECONDS)
            advance = partial(advance_subscription, ledger, usage, PostgresBilledFees(database))
            usage_before_events = ClickHouseUsageReader(database, store)  # who pays in advance waits for the answer
            arrivals.append(follow(database, partial(price_arrivals, ledger, usage_before_events)))
            workers.append(billing_worker(client, BillingActivities(advance), TestClockActivities(ledger)))
        if ids.DOCUMENTS in queues:
            processes = os.cpu_count() or 1
            renderer = await stack.enter_async_context(PdfPool(processes))
            documents = DocumentActivities(ledger, renderer, TEMPLATE_VERSION, Documents(database))
            workers.append(document_worker(client, documents, at_once=processes))
        async with asyncio.TaskGroup() as tasks:
            for worker in workers:
                tasks.create_task(worker.run())
            for arrival in arrivals:
                tasks.create_task(arrival)


def billing_worker(client: Client, billing: BillingActivities, test_clocks: TestClockActivities) -> Worker:
    """Pollers are of a fixed number: with those that scale by themselves, bursts stall (engine 4.6)."""
    return Worker(
        client,
        task_queue=ids.BILLING,
        workflows=[SubscriptionWorkflow, TestClockWorkflow],
        activities=[billing.advance_subscription, test_clocks.arrive],
        workflow_runner=RUNNER,
        sticky_queue_schedule_to_start_timeout=QUEUED_AT_MOST,
        max_concurrent_activities=CONCURRENT_BILLINGS,
        graceful_shutdown_timeout=GRACE,
    )


def document_worker(client: Client, documents: DocumentActivities, *, at_once: int) -> Worker:
    """Takes no more than it renders `at_once`; the rest waits in the queue, for this worker or another."""
    return Worker(
        client,
        task_queue=ids.DOCUMENTS,
        workflows=[DocumentWorkflow],
        activities=[documents.issue_document],
        workflow_runner=RUNNER,
        max_concurrent_activities=at_once,
        graceful_shutdown_timeout=GRACE,
    )


async def _connected(settings: Settings) -> Client:
    while True:
        try:
            return await connect(settings)
        except UnavailableError as error:
            if settings.temporal_address is None:
                raise
            _log.warning("worker.unavailable", what=error.what)
            await asyncio.sleep(RECONNECT_SECONDS)
