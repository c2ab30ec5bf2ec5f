"""Keeping processes running, and ending them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from cli.supervisor import Child, NotReadyError, Program, no_question

Start = Callable[..., Awaitable[Child]]


@pytest.fixture
def said() -> list[str]:
    return []


@pytest_asyncio.fixture
async def start(tmp_path: Path, said: list[str]) -> AsyncIterator[Start]:
    children: list[Child] = []

    async def run(shell: str, *, patience_seconds: float = 5, never_ready: bool = False) -> Child:
        async def no() -> bool:
            return False

        program = Program(
            "probe", ["sh", "-c", shell], no if never_ready else no_question, patience_seconds=patience_seconds
        )
        child = Child(program, os.environ, tmp_path / "probe.log", lambda name, text: said.append(f"{name}: {text}"))
        children.append(child)
        await child.start()
        return child

    yield run
    for child in children:
        await child.stop(at_once=True)


async def eventually(answer: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not answer():
            await asyncio.sleep(0.02)


async def test_what_dies_is_started_again_and_said(start: Start, said: list[str], tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    starts.touch()
    await start(f"echo started >> {starts}; echo out of luck; exit 3")
    await eventually(lambda: starts.read_text().count("started") >= 2)
    assert "ended with code 3, starting it again in 0.5 s" in said[0]
    assert said[1] == "probe: out of luck"


async def test_what_is_stopped_is_not_started_again(start: Start, said: list[str]) -> None:
    child = await start("exec sleep 60")
    await child.stop()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGTERM
    assert said == []


async def test_what_does_not_end_is_killed(start: Start, said: list[str], tmp_path: Path) -> None:
    child = await start(f"trap '' TERM; touch {tmp_path}/up; while :; do sleep 0.1; done", patience_seconds=0.3)
    await eventually((tmp_path / "up").exists)
    await child.stop()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL
    assert said == ["probe: does not end, killing it"]


@pytest.mark.parametrize(
    ("shell", "state", "patience_seconds"),
    [("echo why; exit 1", "ended", 30), ("echo why; sleep 60", "not ready in time", 2)],
)
async def test_what_does_not_get_ready_shows_its_last_words(
    start: Start, shell: str, state: str, patience_seconds: float
) -> None:
    with pytest.raises(NotReadyError, match=f"(?s){state}.*why"):
        await start(shell, patience_seconds=patience_seconds, never_ready=True)


async def test_problems_reach_the_terminal_and_chatter_does_not(start: Start, said: list[str]) -> None:
    await start(
        """sleep 1
        echo '{"event": "billed", "level": "info"}'
        echo '{"event": "provider is away", "level": "warning", "timestamp": "…", "retry_in_s": 3}'
        echo '2026-01-01 [7] FATAL:  out of memory'
        sleep 60"""
    )
    await eventually(lambda: len(said) == 2)
    assert said == ["probe: provider is away retry_in_s=3", "probe: 2026-01-01 [7] FATAL:  out of memory"]
