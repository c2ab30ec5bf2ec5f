"""The stack that is measured: what `durabill up` runs, on a fresh data folder on this disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from cli.embedded import processes, temporal_binary
from cli.embedded.folder import DataFolder
from cli.up import HOST, Stack, say

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
"""Not below `/tmp`, which may be memory: a commit has to reach a disk."""


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Stack]:
    """The stack on a folder that is made anew, and removed afterwards unless something went wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    data = DataFolder(folder)
    data.prepare()
    with data.locked():
        binary = await asyncio.to_thread(temporal_binary.obtain, lambda text: say("temporal", text))
        stack = Stack(data, processes.free_port(), binary)
        try:
            await stack.start()
            for child in stack.children:
                child.say = _say_nothing
            yield stack
        finally:
            await stack.stop(at_once=True)
    shutil.rmtree(folder)


def _say_nothing(name: str, text: str) -> None:
    """Being overtaxed, paused and killed makes engines complain; their logs are kept where a benchmark fails."""


@asynccontextmanager
async def beside(stack: Stack, module: str, *arguments: str) -> AsyncIterator[Process]:
    """A process of the benchmarks, in the environment of the stack's roles; what it prints is piped here."""
    with (stack.folder.logs / f"{module}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *processes.dying_with_parent([sys.executable, "-m", module, *arguments], signal.SIGTERM),
            cwd=ROOT,
            env=processes.marked({**os.environ, **stack.environment}, stack.folder.path),
            stdout=PIPE,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@contextmanager
def paused(stack: Stack, *names: str) -> Iterator[None]:
    """Let some processes of the stack stand still, so that they take nothing from what is measured."""
    pids = [pid_of(stack, name) for name in names]
    for pid in pids:
        processes.send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            processes.send(pid, signal.SIGCONT)


def pid_of(stack: Stack, name: str) -> int:
    [process] = [child.process for child in stack.children if child.program.name == name]
    assert process is not None, name
    return process.pid


async def listens(port: int) -> None:
    """Return once somebody listens there."""
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
