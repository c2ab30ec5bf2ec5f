"""Processes that a test starts, ended however the test ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cli.embedded import processes
from tests.stack.up import Up


@pytest.fixture
def start_up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts `durabill up` on one folder and a port of the test's choice; may be called again."""
    started: list[Up] = []
    data = tmp_path / "data"

    def start(port: int | None = None) -> Up:
        started.append(Up(data, port or processes.free_port()))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()
    processes.end(processes.ours(data), stop_signal=signal.SIGKILL, patience_seconds=10)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes an executable shell script below a folder that the test may put on a path."""

    def write(name: str, text: str) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        file = folder / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        os.chmod(file, 0o755)
        return file

    return write
