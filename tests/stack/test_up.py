"""`durabill up` as a user runs it: a real process, real engines, a fresh folder."""

from __future__ import annotations

import errno
import io
import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from cli import up as supervised
from cli.embedded import processes
from tests.stack.up import Up, durabill, wait_until


def test_a_life(start_up: Callable[..., Up]) -> None:
    """One story, for a start takes seconds: refusals, deaths, a take-over, and an end that leaves nothing."""
    first = start_up()
    first.wait_until_ready()
    keys = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (first.data / "keys").iterdir()}
    assert set(keys) == {"admin", "clickhouse", "postgres"}
    assert set(keys.values()) == {0o600}, keys
    for command in ("doctor", "rebuild", "replay"):
        answer = durabill(command, "--data", str(first.data))
        assert answer.returncode == 0, answer.stdout + answer.stderr

    second = start_up()
    assert second.process.wait(timeout=60) == 1
    assert f"in use by process {first.process.pid}" in second.said()

    api = role(first.data, "serve")
    os.kill(api, signal.SIGKILL)
    wait_until(lambda: "was ended by SIGKILL" in first.said(), seconds=10, what="said on the terminal")
    first.wait_until_ready()
    assert role(first.data, "serve") != api

    left = leave_everything_behind(first)
    third = start_up()
    third.wait_until_ready()
    assert f"ending {len(left)} processes of an earlier run" in third.said()
    assert not any(map(processes.alive, left))

    assert third.end() == 0, third.said()
    assert not processes.ours(third.data)
    assert third.said().splitlines()[-1].endswith("ended")


def leave_everything_behind(up: Up) -> list[int]:
    """SIGKILL to the supervisor alone, while no other process can follow it; the ids of those others."""
    left = processes.ours(up.data)
    for pid in left:
        os.kill(pid, signal.SIGSTOP)
    up.process.kill()
    up.process.wait()
    return left


def test_a_taken_port_is_named_before_anything_starts(start_up: Callable[..., Up]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = start_up(taken.getsockname()[1])
        assert up.process.wait(timeout=60) == 1
    assert "is taken" in up.said()
    assert not (up.data / "postgres").exists()


def test_a_terminal_that_is_gone_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else who watches over the roles would end silently when the first of them dies, and start none again."""

    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(supervised, "console", Console(file=Gone()))
    supervised.say("api", "was ended by SIGKILL")


def role(data: Path, command: str) -> int:
    """The process id of the role that this command of the command line started."""
    [pid] = [pid for pid in processes.ours(data) if command in arguments(pid)]
    return pid


def arguments(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
