"""`durabill up`, and the power to kill any part of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from cli.embedded import processes
from cli.embedded.folder import DataFolder
from cli.up import HOST, is_ready
from tests.stack.up import ROOT, Up
from workflows import ids

ROLES = {
    "api": "serve",
    "worker": "worker",
    "dispatcher": "dispatcher",
    "loader": "loader",
    "temporal": "start-dev",
    "postgres": "-D",
}
"""Name -> a word of the command line that no other child of the supervisor has."""


class Stack:
    """One stack on one folder; started again it is another `durabill up`, on the same data and the same port."""

    def __init__(self, data: Path) -> None:
        self.data, self.port = data, processes.free_port()
        self.up: Up | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def supervisor(self) -> int:
        assert self.up is not None
        return self.up.process.pid

    @property
    def environment(self) -> dict[str, str]:
        """How the engines of the running stack are reached."""
        return DataFolder(self.data).published()

    def start(self) -> None:
        self.up = Up(self.data, self.port)

    async def ready(self) -> None:
        """Wait until everything serves."""
        assert self.up is not None
        await eventually(self.up.ready, seconds=90, what="the stack is ready")

    def end(self) -> None:
        if self.up is not None:
            processes.end([self.supervisor], stop_signal=signal.SIGTERM, patience_seconds=30)
            self.up.process.wait(timeout=10)
        processes.end(processes.ours(self.data), stop_signal=signal.SIGKILL, patience_seconds=10)

    def pid(self, role: str) -> int | None:
        """The process id of a role or an engine; None while it is not running."""
        word = ROLES[role].encode()
        for pid in processes.ours(self.data):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.supervisor and word in words:
                return pid
        return None

    async def kill(self, role: str, sent: signal.Signals = signal.SIGKILL) -> None:
        """Signal a role that runs, or is about to, and wait for its end. The supervisor starts it again."""
        await eventually(lambda: self.pid(role) is not None, seconds=30, what=f"{role} runs")
        pid = self.pid(role)
        assert pid is not None
        os.kill(pid, sent)
        await eventually(lambda: not processes.alive(pid), seconds=30, what=f"{role} ends")

    @contextmanager
    def nothing_restarts(self) -> Iterator[None]:
        """What is killed in here stays dead until the end of the block."""
        os.kill(self.supervisor, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.supervisor, signal.SIGCONT)

    def kill_everything(self) -> None:
        """As if the power went: all processes stop at one instant, and none hears of another's end."""
        everyone = processes.ours(self.data)
        assert self.supervisor not in everyone, "it does not carry the mark itself"
        everyone.append(self.supervisor)
        for sent in (signal.SIGSTOP, signal.SIGKILL):
            for pid in everyone:
                processes.send(pid, sent)
        assert self.up is not None
        self.up.process.wait(timeout=30)
        processes.end(everyone, stop_signal=signal.SIGKILL, patience_seconds=10)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[AsyncConnection]:
        """A connection to the ledger's database as its owner, to look, and to hold locks."""
        async with await AsyncConnection.connect(self.environment["DATABASE_URL"], autocommit=True) as connection:
            yield connection

    async def workflow(self, subscription: Mapping[str, str]) -> WorkflowHandle[Any, Any]:
        """The workflow of a subscription as the API answered it, once it runs."""
        name = ids.subscription(UUID(subscription["lago_id"]))
        await eventually(lambda: self.knows(name), seconds=30, what=f"{name} has begun")
        handle = (await self._temporal()).get_workflow_handle(name)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        return handle

    async def knows(self, workflow_id: str) -> bool:
        """Whether Temporal has a workflow of this name, or had."""
        handle = (await self._temporal()).get_workflow_handle(workflow_id)
        try:
            await handle.describe()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def _temporal(self) -> Client:
        environment = self.environment
        return await Client.connect(environment["TEMPORAL_ADDRESS"], namespace=environment["TEMPORAL_NAMESPACE"])


class Replica:
    """Another API process on the engines of a stack, which no supervisor restarts."""

    def __init__(self, stack: Stack) -> None:
        self._environment = {**os.environ, **stack.environment}
        self._log = stack.data.with_suffix(".replicas.log")
        self.port = processes.free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "cli.main", "serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                processes.dying_with_parent(command, signal.SIGKILL),
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> None:
        assert self._process is not None
        await eventually(lambda: is_ready(self.port), seconds=60, what=f"the replica is ready, see {self._log}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)


async def eventually(answer: Callable[[], object], *, seconds: float, what: str, pause: float = 0.02) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + seconds
    while True:
        answered = answer()
        if isinstance(answered, Awaitable):
            answered = await answered
        if answered:
            return
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        await asyncio.sleep(pause)


async def blocked(connection: AsyncConnection, statement: str) -> list[int]:
    """Backends that wait for a lock in a statement with these words."""
    asked = await connection.execute(
        "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like %s and pid <> pg_backend_pid()",
        (f"%{statement}%",),
    )
    return [pid for (pid,) in await asked.fetchall()]


async def first_run(workflow: WorkflowHandle[Any, Any]) -> str:
    """The same for as long as the workflow only continues as new; another one when it was started again."""
    return (await workflow.describe()).raw_description.workflow_execution_info.first_run_id
