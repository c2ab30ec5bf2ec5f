"""`durabill up` as a process of its own, as a user starts it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cli.up import is_ready

ROOT = Path(__file__).parents[2]


def wait_until(
    answer: Callable[[], bool], *, seconds: float, what: str, why_not: Callable[[], str] = lambda: ""
) -> None:
    deadline = time.monotonic() + seconds
    while not answer():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{why_not()}"
        time.sleep(0.1)


def durabill(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that ends, in an environment that names no engine."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


class Up:
    """`durabill up` as a process of its own, as a user starts it."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port, self.output = data, port, data.with_suffix(".out")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "up", "--port", str(port), "--data", str(data)],
                cwd=ROOT,
                stdout=output,
                stderr=output,
            )

    def ready(self) -> bool:
        assert self.process.poll() is None, self.said()
        return is_ready(self.port)

    def wait_until_ready(self) -> None:
        wait_until(self.ready, seconds=120, what="ready", why_not=self.said)

    def said(self) -> str:
        return self.output.read_text()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)
