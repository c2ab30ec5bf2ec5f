"""Runs processes as one tree: starts them, restarts what dies, shows what goes wrong, ends them in order."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.embedded import processes

BACKOFF_SECONDS = (0.5, 1, 2, 5, 10, 30)
STEADY_SECONDS = 60
"""After living this long a process that dies is restarted as if it had never died before."""
KEPT_LOG_BYTES = 20_000_000
PROBLEM = re.compile(r'"level": ?"(warning|error|critical)"| (FATAL|PANIC): ', re.IGNORECASE)
LAST_LINES = 8

Say = Callable[[str, str], None]
"""Takes the name of a process and a line about it, or of it, for the terminal."""


class NotReadyError(Exception):
    """A process did not get ready; the message ends with the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """What is run, and how it is known to serve.

    Attributes:
        ready: asked again and again after a start; always true where there is nothing to ask.
        patience_seconds: for the start, and for the end before it is killed.
    """

    name: str
    command: list[str]
    ready: Callable[[], Awaitable[bool]]
    stop_signal: signal.Signals = signal.SIGTERM
    patience_seconds: float = 30


@dataclass(slots=True)
class Child:
    """A program that is kept running."""

    program: Program
    environment: Mapping[str, str]
    log: Path
    say: Say
    process: Process | None = None
    shown: int = 0
    stopping: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Returns once it is ready.

        Raises:
            NotReadyError: it ended, or was not ready in time.
        """
        self._rotate()
        before = self.log.stat().st_size if self.log.exists() else 0
        await self._spawn()
        assert self.process is not None
        deadline = time.monotonic() + self.program.patience_seconds
        while not await self.program.ready():
            if self.process.returncode is not None or time.monotonic() > deadline:
                state = "ended" if self.process.returncode is not None else "is not ready in time"
                raise NotReadyError(f"{self.program.name} {state}\n" + "\n".join(self.last_lines(before)))
            await asyncio.sleep(0.1)
        self.shown = self.log.stat().st_size  # what was said on the way here matters only where it did not get ready
        self.tasks = [asyncio.create_task(self._keep_running()), asyncio.create_task(self._show_problems())]

    async def stop(self, *, at_once: bool = False) -> None:
        self.stopping = True
        for task in self.tasks:
            task.cancel()
        process = self.process
        if process is None or process.returncode is not None:
            return
        processes.send(process.pid, signal.SIGKILL if at_once else self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.patience_seconds):
                await process.wait()
        except TimeoutError:
            self.say(self.program.name, "does not end, killing it")
            processes.send(process.pid, signal.SIGKILL)
            await process.wait()

    def last_lines(self, since: int = 0) -> list[str]:
        """The end of what it has written after byte `since`."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(since)
            return [readable(line) for line in log.read().decode(errors="replace").splitlines()[-LAST_LINES:]]

    async def _spawn(self) -> None:
        # A session of its own: Ctrl-C on the terminal reaches the supervisor alone, which ends the others in order.
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.program.command,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _keep_running(self) -> None:
        deaths = 0
        while True:
            assert self.process is not None
            started = time.monotonic()
            code = await self.process.wait()
            if self.stopping:
                return
            deaths = 1 if time.monotonic() - started > STEADY_SECONDS else deaths + 1
            pause = BACKOFF_SECONDS[min(deaths, len(BACKOFF_SECONDS)) - 1]
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
            self.say(self.program.name, f"{how}, starting it again in {pause:g} s (its log: {self.log})")
            if code > 0:
                self.say(self.program.name, "".join(self.last_lines()[-1:]))
            await asyncio.sleep(pause)
            try:
                await self._spawn()
            except OSError as error:  # no memory, no process ids: tried again as if it had died
                self.say(self.program.name, f"cannot be started: {error}")

    async def _show_problems(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            if not self.log.exists() or self.log.stat().st_size <= self.shown:
                continue
            with self.log.open("rb") as log:
                log.seek(self.shown)
                new = log.read()
            whole = new[: new.rfind(b"\n") + 1]
            self.shown += len(whole)
            for line in whole.decode(errors="replace").splitlines():
                if PROBLEM.search(line):
                    self.say(self.program.name, readable(line))

    def _rotate(self) -> None:
        if self.log.exists() and self.log.stat().st_size > KEPT_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))


def readable(line: str) -> str:
    """A line of JSON as its event and what belongs to it; any other line as it is."""
    try:
        record = json.loads(line)
    except ValueError:
        return line
    if not isinstance(record, dict):
        return line
    text = record.pop("event", None) or record.pop("msg", "")
    for known in ("timestamp", "ts", "level", "logger", "role", "exception"):
        record.pop(known, None)
    return " ".join([str(text), *(f"{name}={value}" for name, value in record.items())])


async def no_question() -> bool:
    return True
