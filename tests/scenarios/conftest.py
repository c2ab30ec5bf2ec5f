"""One stack for all scenarios: each is told in a sandbox of its own."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from cli.embedded import processes
from cli.embedded.folder import DataFolder
from tests.stack.up import Up


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """URL and admin key of a running `durabill up`."""
    up = Up(tmp_path_factory.mktemp("scenarios") / "data", processes.free_port())
    try:
        up.wait_until_ready()
        yield f"http://127.0.0.1:{up.port}", DataFolder(up.data).key("admin")
        assert up.end() == 0, up.said()
    finally:
        processes.end([up.process.pid], stop_signal=signal.SIGTERM, patience_seconds=20)
        processes.end(processes.ours(up.data), stop_signal=signal.SIGKILL, patience_seconds=10)
