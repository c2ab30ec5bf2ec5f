"""Finds workflows that should run and do not, and starts them: whatever became of them, the ledger knows what is owed.

Several detectors may look at once, and beside the dispatcher: a workflow that is there is only called once too often.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import structlog
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.kernel.errors import UnavailableError
from projections.postgres import Database
from workflows import ids, subjects
from workflows.calls import AT_ONCE, Caller
from workflows.client import unavailable

PAUSE_SECONDS = 300
RETRY_SECONDS = 10

_RUNNING = "WorkflowType in ('SubscriptionWorkflow', 'TestClockWorkflow') and ExecutionStatus = 'Running'"

_log = structlog.get_logger()


class Detector:
    def __init__(self, client: Client, database: Database, caller: Caller) -> None:
        self._client, self._database, self._caller = client, database, caller
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Look again and again, until it is cancelled."""
        while True:
            pause = PAUSE_SECONDS
            try:
                await self.look()
            except UnavailableError as error:
                _log.warning("detector.unavailable", what=error.what)
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    async def look(self) -> list[str]:
        """Start what is missing; its workflow ids. A clock that is missing is told again where it was to go."""
        position = await subjects.head(self._database)
        listed = await self._listed()
        healed: list[str] = []
        for clock in await subjects.clocks_in_use(self._database):
            name = ids.test_clock(clock.organization_id)
            if name in listed or await self._missing([name]) == set():
                continue
            healed.append(name)
            await self._caller.advance(clock, clock.target, position)
        async for page in subjects.living(self._database):
            unlisted = {ids.subscription(subject.subscription_id): subject for subject in page}
            missing = await self._missing(unlisted.keys() - listed)
            await self._caller.call([unlisted[name] for name in missing], position)
            healed.extend(sorted(missing))
        if healed:
            _log.warning("detector.healed", count=len(healed), first=healed[:10])
        return healed

    async def _listed(self) -> set[str]:
        """Workflow ids that Temporal's index says are running; it lags a little behind."""
        with unavailable():
            return {execution.id async for execution in self._client.list_workflows(_RUNNING)}

    async def _missing(self, names: Iterable[str]) -> set[str]:
        """Those that really are not running."""

        async def missing(name: str) -> str | None:
            async with self._slots:
                with unavailable():
                    try:
                        found = await self._client.get_workflow_handle(name).describe()
                    except RPCError as error:
                        if error.status is not RPCStatusCode.NOT_FOUND:
                            raise
                        return name
            return None if found.status is WorkflowExecutionStatus.RUNNING else name

        return {name for name in await asyncio.gather(*map(missing, names)) if name is not None}
