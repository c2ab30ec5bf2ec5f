"""Processes die with their parent, and are known by their mark."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from cli.embedded import processes
from tests.stack.up import wait_until

PARENT = """
import signal, subprocess, sys
from cli.embedded.processes import dying_with_parent
child = subprocess.Popen(dying_with_parent(["sleep", "60"], signal.SIGTERM))
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    environment = processes.marked(os.environ, tmp_path)
    with subprocess.Popen([sys.executable, "-c", PARENT], env=environment, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        # Between `setpriv` and what it becomes a process has no environment for an instant.
        both = {parent.pid, child}
        wait_until(lambda: set(processes.ours(tmp_path)) == both, seconds=10, what="both carry the mark")
        parent.kill()
    wait_until(lambda: not processes.alive(child), seconds=10, what="the child ends")
    assert processes.ours(tmp_path) == []


def test_one_of_another_folder_is_not_ours(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "60"], env=processes.marked(os.environ, tmp_path / "data2"))
    try:
        assert processes.ours(tmp_path / "data") == []
        assert processes.ours(tmp_path / "data2") == [other.pid]
        processes.end([other.pid], stop_signal=signal.SIGTERM, patience_seconds=5)
        assert other.wait(timeout=5) == -signal.SIGTERM
    finally:
        other.kill()
        other.wait()


def test_a_stopped_process_is_ended_by_asking(tmp_path: Path) -> None:
    asleep = subprocess.Popen(["sleep", "60"])
    asleep.send_signal(signal.SIGSTOP)
    processes.end([asleep.pid], stop_signal=signal.SIGTERM, patience_seconds=5)
    assert asleep.wait(timeout=5) == -signal.SIGTERM
