"""What was begun with an earlier release goes on with this one: its histories are replayed, as the worker would.

The worker runs workflows unsandboxed, which is cheaper; that they run sandboxed too shows that they are deterministic.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from workflows.document import DocumentWorkflow
from workflows.messages import SubscriptionRef
from workflows.subscription import SubscriptionWorkflow
from workflows.test_clock import TestClockWorkflow
from workflows.worker import RUNNER

HISTORIES = sorted((Path(__file__).parents[1] / "golden" / "histories").glob("*/*.json"))


def history(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


@pytest.mark.parametrize("runner", [RUNNER, SandboxedWorkflowRunner()], ids=["unsandboxed", "sandboxed"])
@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}/{path.stem}")
async def test_history(path: Path, runner: WorkflowRunner) -> None:
    workflows = [SubscriptionWorkflow, TestClockWorkflow, DocumentWorkflow]
    await Replayer(workflows=workflows, workflow_runner=runner).replay_workflow(history(path))


@workflow.defn(name="SubscriptionWorkflow", sandboxed=False)
class Changed:
    @workflow.run
    async def run(self, subscription: SubscriptionRef) -> None:
        await workflow.sleep(1)


async def test_a_changed_order_of_steps_would_be_noticed() -> None:
    [path] = [path for path in HISTORIES if path.stem == "subscription-in-production-1"]
    with pytest.raises(workflow.NondeterminismError):
        await Replayer(workflows=[Changed]).replay_workflow(history(path))
