"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from cli.embedded import temporal_binary
from cli.embedded.postgres import VERSION as POSTGRES

_PACKAGES = ("eventsourcing", "psycopg", "temporalio", "chdb-core", "uvicorn", "uvloop", "msgspec")


def description() -> list[str]:
    """Lines: the machine, the engines, the libraries."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    binary = temporal_binary.find()
    temporal = binary and temporal_binary.version_of(binary)
    return [
        f"{os.cpu_count()} x {processor}, {memory:.0f} GB, Linux {platform.release()}",
        f"Python {platform.python_version()}, PostgreSQL {POSTGRES} (embedded), chDB (embedded), {temporal}",
        ", ".join(f"{package} {version(package)}" for package in _PACKAGES),
    ]
