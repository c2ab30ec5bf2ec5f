"""`durabill up` as a user runs it: a real process, real engines, a fresh folder."""

from __future__ import annotations

import os
import signal
import socket
import stat
from collections.abc import Callable
from pathlib import Path

from cli.embedded import processes
from tests.stack.up import Up, durabill, wait_until


def test_a_second_one_is_refused_and_a_killed_one_is_taken_over(start_up: Callable[[], Up]) -> None:
    first = start_up()
    first.wait_until_ready()
    keys = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (first.data / "keys").iterdir()}
    assert keys
    assert set(keys.values()) == {0o600}, keys

    for command in (["doctor"], ["rebuild"], ["replay"]):
        answer = durabill(*command, "--data", str(first.data))
        assert answer.returncode == 0, answer.stdout + answer.stderr

    second = start_up()
    assert second.process.wait(timeout=20) == 1
    assert f"in use by process {first.process.pid}" in second.said()

    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    wait_until(lambda: not processes.ours(first.data), seconds=20, what="the children die with their parent")

    third = start_up()
    third.wait_until_ready()
    assert third.end() == 0, third.said()
    assert not processes.ours(third.data)
    assert "ended" in third.said()


def test_what_a_killed_one_left_running_is_ended_first(start_up: Callable[[], Up]) -> None:
    up = start_up()
    up.wait_until_ready()
    # Frozen, no process of the tree can follow its parent: as if the kernel had not told it.
    left = processes.ours(up.data)
    up.process.send_signal(signal.SIGSTOP)
    for pid in left:
        os.kill(pid, signal.SIGSTOP)
    up.process.kill()
    up.process.wait()

    again = start_up()
    again.wait_until_ready()
    assert not set(left) & set(processes.ours(up.data))
    assert again.end() == 0, again.said()
    assert not processes.ours(up.data)


def test_a_role_that_dies_is_started_again(start_up: Callable[[], Up]) -> None:
    up = start_up()
    up.wait_until_ready()
    api = role(up.data, "serve")
    os.kill(api, signal.SIGKILL)
    wait_until(lambda: "was ended by SIGKILL" in up.said(), seconds=10, what="said on the terminal")
    up.wait_until_ready()
    assert role(up.data, "serve") != api
    assert up.end() == 0, up.said()


def test_a_taken_port_is_named_before_anything_starts(start_up: Callable[[], Up], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        up = Up(tmp_path / "other", taken.getsockname()[1])
        assert up.process.wait(timeout=20) == 1
    assert "is taken" in up.said()
    assert not (tmp_path / "other" / "postgres").exists()


def role(data: Path, command: str) -> int:
    """The process id of the role that this command of the command line started."""
    [pid] = [pid for pid in processes.ours(data) if command in arguments(pid)]
    return pid


def arguments(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
