"""`durabill up`: the engines and all roles as one tree of processes, on loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from rich.console import Console

from cli.embedded import processes, temporal_binary
from cli.embedded.folder import DataFolder
from cli.embedded.postgres import Cluster
from cli.embedded.temporal import NAMESPACE, DevServer
from cli.supervisor import Child, Program, no_question
from projections.migrate import SchemaError, migrate_database
from workflows.ids import BILLING, DOCUMENTS

HOST = "127.0.0.1"
QUEUES = (BILLING, DOCUMENTS)
ROLE_SECONDS = 60
"""A busy machine takes long to import a role."""

console = Console(stderr=True, highlight=False)


class CannotStartError(Exception):
    """Something outside this program is in the way; the message says what to do."""


def say(name: str, text: str) -> None:
    with suppress(OSError, SystemExit):  # a terminal that is gone, where rich may exit: what runs goes on
        console.print(f"[bold]{name:>10}[/bold]  ", end="")
        console.print(text, markup=False, soft_wrap=True)


class Stack:
    """Everything that runs for one data folder, which the caller has locked."""

    def __init__(self, folder: DataFolder, port: int, binary: Path) -> None:
        self.folder, self.port = folder, port
        self.cluster = Cluster(folder.path / "postgres", folder.key("postgres"), processes.free_port())
        self.temporal = DevServer(binary, folder.path / "temporal.db", processes.free_port())
        self.environment = {
            "DATABASE_URL": self.cluster.url,
            "CLICKHOUSE_URL": f"http://durabill:{folder.key('clickhouse')}@{HOST}:{processes.free_port()}",
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TEMPORAL_NAMESPACE": NAMESPACE,
            "TEMPORAL_API_KEY": "",
            "DURABILL_CLICKHOUSE_PATH": str(folder.path / "clickhouse"),
            "DURABILL_DATA_DIR": str(folder.path),
            "DURABILL_LOG_FORMAT": "json",
            "DURABILL_ADMIN_KEY": os.environ.get("DURABILL_ADMIN_KEY") or folder.key("admin"),
        }
        self.children: list[Child] = []

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self) -> None:
        """Returns once all of it serves.

        Raises:
            CannotStartError, NotReadyError, ClusterError
        """
        if not processes.port_is_free(HOST, self.port):
            raise CannotStartError(
                f"port {self.port} of {HOST} is taken: end what listens there, or choose another --port"
            )
        say("up", f"starting PostgreSQL, Temporal, ClickHouse and all roles on {self.folder.path}")
        self._end_what_is_left()
        self.cluster.create(self._environment())
        await asyncio.gather(self._start_ledger(), self._run(self._temporal()))
        self.folder.publish(self.environment)
        await asyncio.gather(*(self._run(role) for role in self._roles()))
        # The API comes last: it is ready once the engines are, and by then all roles serve.
        await self._run(
            Program(
                "api",
                role_command("serve", "--host", HOST, "--port", str(self.port)),
                self._api_ready,
                patience_seconds=ROLE_SECONDS,
            )
        )

    async def stop(self, *, at_once: bool = False) -> None:
        """First who takes work, then who does it, then the engines."""
        running = {child.program.name: child for child in self.children}
        for names in (("api",), ("worker", "dispatcher", "loader"), ("temporal",), ("postgres",)):
            ending = [running[name] for name in names if name in running]
            await asyncio.gather(*(child.stop(at_once=at_once) for child in ending))
        processes.end(processes.ours(self.folder.path), stop_signal=signal.SIGTERM, patience_seconds=5)

    def _end_what_is_left(self) -> None:
        """Take over from a supervisor that was killed."""
        left = processes.ours(self.folder.path)
        if left:
            say("up", f"ending {len(left)} processes of an earlier run")
        self.cluster.release()
        processes.end(left, stop_signal=signal.SIGTERM, patience_seconds=10)

    async def _start_ledger(self) -> None:
        async def ready() -> bool:
            return await asyncio.to_thread(self.cluster.ready)

        await self._run(Program("postgres", self.cluster.command(), ready, signal.SIGINT))
        try:
            await migrate_database(self.cluster.url)
        except SchemaError as error:
            raise CannotStartError(str(error)) from None

    def _temporal(self) -> Program:
        command = processes.dying_with_parent(self.temporal.command(), signal.SIGTERM)
        return Program("temporal", command, self.temporal.ready)

    def _roles(self) -> list[Program]:
        async def worker_ready() -> bool:
            return await self.temporal.serves(QUEUES)

        return [
            Program("loader", role_command("loader"), no_question),
            Program("dispatcher", role_command("dispatcher"), no_question),
            Program(
                "worker",
                role_command("worker", "--queues", ",".join(QUEUES)),
                worker_ready,
                patience_seconds=ROLE_SECONDS,
            ),
        ]

    async def _run(self, program: Program) -> None:
        log = self.folder.logs / f"{program.name}.log"
        child = Child(program, self._environment(), log, say)
        self.children.append(child)
        await child.start()

    async def _api_ready(self) -> bool:
        return await asyncio.to_thread(is_ready, self.port)

    def _environment(self) -> Mapping[str, str]:
        return processes.marked({**os.environ, **self.environment}, self.folder.path)


def is_ready(port: int) -> bool:
    """Whether the API on this port says that everything serves."""
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def role_command(*arguments: str) -> list[str]:
    return processes.dying_with_parent([sys.executable, "-m", "cli.main", *arguments], signal.SIGTERM)


def run(folder: DataFolder, port: int) -> None:
    """Serve until SIGINT or SIGTERM; the second one ends everything at once.

    Raises:
        InUseError, CannotStartError, NotReadyError, ClusterError, TemporalNotFoundError
    """
    folder.prepare()
    with folder.locked():
        binary = temporal_binary.obtain(lambda text: say("temporal", text))
        asyncio.run(_run(Stack(folder, port, binary)))


async def _run(stack: Stack) -> None:
    async def serve() -> None:
        await stack.start()
        announce(stack)
        await asyncio.Event().wait()

    serving, hurry = asyncio.create_task(serve()), asyncio.Event()

    def asked_to_end() -> None:
        if not serving.cancel():
            hurry.set()

    hangup = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)  # `nohup` means it
    for number in (signal.SIGINT, signal.SIGTERM, *hangup):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end)
    await asyncio.wait([serving])
    say("up", "ending")
    stopping, hurried = asyncio.create_task(stack.stop()), asyncio.create_task(hurry.wait())
    await asyncio.wait([stopping, hurried], return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        stopping.cancel()
        await stack.stop(at_once=True)
    hurried.cancel()
    say("up", "ended")
    if not serving.cancelled():
        serving.result()


def announce(stack: Stack) -> None:
    say("up", f"ready: {stack.url}")
    key = "as DURABILL_ADMIN_KEY says" if os.environ.get("DURABILL_ADMIN_KEY") else stack.folder.key_file("admin")
    say("up", f"admin key: {key}; logs: {stack.folder.logs}; Ctrl-C ends it, the data stay")
