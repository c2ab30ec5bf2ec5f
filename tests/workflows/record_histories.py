"""Records histories of all workflows from a server, for `test_replay.py`.

    python -m tests.workflows.record_histories 0.1.0

To be run for each release, under its name: workflows that began with its code must go on with the next.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.worker import Worker

from activities.billing import BillingActivities
from activities.documents import DocumentRequest
from activities.test_clocks import Arrival
from domain.kernel import ids as kernel_ids
from tests.workflows.servers import server
from workflows import ids
from workflows.document import DocumentWorkflow
from workflows.messages import Change, Expectation, SubscriptionRef, Target, TestClockRef, Watch
from workflows.subscription import SubscriptionWorkflow
from workflows.test_clock import TestClockWorkflow
from workflows.worker import RUNNER

FOLDER = Path(__file__).parents[1] / "golden" / "histories"
START = datetime(2024, 1, 1, tzinfo=UTC)
ORGANIZATION = kernel_ids.of("organization", "recorded")
IN_SANDBOX, IN_PRODUCTION, GONE = (kernel_ids.of("subscription", name) for name in ("sandbox", "production", "gone"))


class Activities(BillingActivities):
    """A sandbox's subscription is due every day of January, one in production three times, each after a moment."""

    def __init__(self) -> None:
        super().__init__(self.advance)
        self.arrived = asyncio.Event()
        self.calls = 0

    async def advance(self, subscription_id: UUID, *, at: datetime) -> datetime | None:
        if subscription_id == IN_SANDBOX:
            return at + timedelta(days=1) if at < datetime(2024, 1, 31, tzinfo=UTC) else None
        self.calls += 1
        return at + timedelta(seconds=1 if self.calls < 3 else 3600) if self.calls < 5 else None

    @activity.defn
    async def arrive(self, arrival: Arrival) -> None:
        self.arrived.set()

    @activity.defn
    async def issue_document(self, request: DocumentRequest) -> None:
        pass


async def record(name: str) -> None:
    # The second of these lets a clock of 30 ticks continue as new on the way.
    configuration = ('history.workflowIdReuseMinimalInterval="0s"', "limit.historyCount.suggestContinueAsNew=150")
    async with server(*configuration) as environment:
        client = await Client.connect(environment.client.service_client.config.target_host, identity="recorder")
        activities = Activities()
        work: list[Callable[..., Any]] = [activities.advance_subscription, activities.arrive, activities.issue_document]
        kinds = [SubscriptionWorkflow, TestClockWorkflow, DocumentWorkflow]
        async with AsyncExitStack() as stack:
            for queue in (ids.BILLING, ids.DOCUMENTS):
                worker = Worker(client, task_queue=queue, workflows=kinds, activities=work, workflow_runner=RUNNER)
                await stack.enter_async_context(worker)
            await asyncio.gather(sandbox(client, activities), production(client), document(client))
        for workflow_id in (
            ids.subscription(IN_SANDBOX),
            ids.subscription(IN_PRODUCTION),
            ids.test_clock(ORGANIZATION),
            ids.document(IN_PRODUCTION),
        ):
            await save(client, workflow_id, FOLDER / name)


async def sandbox(client: Client, activities: Activities) -> None:
    name, clock = ids.subscription(IN_SANDBOX), ids.test_clock(ORGANIZATION)
    handle = await client.start_workflow(
        TestClockWorkflow.run,
        TestClockRef(organization_id=ORGANIZATION, now=START, to_call=[ids.subscription(GONE)], position=1),
        id=clock,
        task_queue=ids.BILLING,
    )
    await handle.signal(TestClockWorkflow.expect, Expectation(workflow_ids=[name], position=1))
    subscription = await client.start_workflow(
        SubscriptionWorkflow.run,
        SubscriptionRef(subscription_id=IN_SANDBOX, watch=Watch(test_clock=clock, now=START, position=1)),
        id=name,
        task_queue=ids.BILLING,
        start_signal="changed",
        start_signal_args=[Change(position=1, now=START)],
    )
    for target in (datetime(2024, 1, 10, 12, tzinfo=UTC), datetime(2024, 2, 10, tzinfo=UTC)):
        activities.arrived.clear()
        await handle.signal(TestClockWorkflow.advance, Target(at=target))
        async with asyncio.timeout(30):
            await activities.arrived.wait()
    await subscription.result()
    await handle.terminate()


async def production(client: Client) -> None:
    subscription = await client.start_workflow(
        SubscriptionWorkflow.run,
        SubscriptionRef(subscription_id=IN_PRODUCTION, watch=Watch(spread_seconds=0)),
        id=ids.subscription(IN_PRODUCTION),
        task_queue=ids.BILLING,
    )
    await asyncio.sleep(5)
    for position in (7, 8):
        await subscription.signal(SubscriptionWorkflow.changed, Change(position=position))
        await asyncio.sleep(0.5)
    async with asyncio.timeout(30):
        await subscription.result()


async def document(client: Client) -> None:
    await client.execute_workflow(
        DocumentWorkflow.run,
        DocumentRequest(invoice_id=IN_PRODUCTION, requested_at=START),
        id=ids.document(IN_PRODUCTION),
        task_queue=ids.DOCUMENTS,
    )


async def save(client: Client, workflow_id: str, folder: Path) -> None:
    """All runs of the workflow, the first one first, as `<workflow type>-<number>.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    last = await client.get_workflow_handle(workflow_id).describe()
    assert last.status is not WorkflowExecutionStatus.RUNNING
    run_id: str | None = last.raw_description.workflow_execution_info.first_run_id
    kind = workflow_id[: -len(str(ORGANIZATION)) - 1]
    story = {ids.subscription(IN_SANDBOX): "-in-sandbox", ids.subscription(IN_PRODUCTION): "-in-production"}
    number = 0
    while run_id:
        number += 1
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        path = folder / f"{kind}{story.get(workflow_id, '')}-{number}.json"
        path.write_text(json.dumps(json.loads(history.to_json()), separators=(",", ":")) + "\n")
        end = history.events[-1]
        run_id = end.workflow_execution_continued_as_new_event_attributes.new_execution_run_id or None


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1]))
