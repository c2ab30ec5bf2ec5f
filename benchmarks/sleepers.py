"""The limit of a billing run: workflows that sleep, run an activity that does nothing, and continue as new."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import uvloop
from temporalio import activity, workflow
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from projections.settings import Settings
    from workflows.client import connect
    from workflows.clock import Sleeper
    from workflows.messages import Watch
    from workflows.steps import step
    from workflows.worker import CONCURRENT_BILLINGS, QUEUED_AT_MOST, RUNNER

QUEUE: Final = "sleepers"
DONE: Final = b"done\n"
"""Printed for each activity."""

_AGAIN_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Nap:
    until: datetime


class Activities:
    @activity.defn
    async def do_nothing(self, nap: Nap) -> Nap:
        print(DONE.decode(), end="", flush=True)
        return Nap(nap.until + _AGAIN_AFTER)


@workflow.defn
class SleeperWorkflow:
    @workflow.run
    async def run(self, nap: Nap) -> None:
        await Sleeper(Watch(), identity=0).sleep_until(nap.until)
        workflow.continue_as_new(await step(Activities.do_nothing, nap))


async def _work() -> None:
    """As `workflows.worker.billing_worker`."""
    worker = Worker(
        await connect(Settings()),
        task_queue=QUEUE,
        workflows=[SleeperWorkflow],
        activities=[Activities().do_nothing],
        workflow_runner=RUNNER,
        sticky_queue_schedule_to_start_timeout=QUEUED_AT_MOST,
        max_concurrent_activities=CONCURRENT_BILLINGS,
    )
    await worker.run()


if __name__ == "__main__":
    uvloop.run(_work())
