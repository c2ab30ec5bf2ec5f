"""The memory of the stack, idle and while events arrive as fast as it takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from benchmarks import generator, stack, tenant
from benchmarks.generator import Load
from benchmarks.results import Row
from benchmarks.sizes import Sizes
from cli.up import Stack

ROLES: Final = ("api", "worker", "dispatcher", "loader", "temporal", "postgres")
"""The loader holds chDB."""

_PAUSE_SECONDS = 0.5
_OF_ITS_OWN, _SHARED = ("RssAnon",), ("RssFile", "RssShmem")


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    await asyncio.sleep(sizes.idle_seconds)
    idle = peak = megabytes(on)
    async with tenant.founded(on) as owner:
        load = Load(
            port=on.port,
            key=owner.key,
            kind="batch",
            connections=sizes.connections,
            seconds=5 * sizes.seconds,
            warm_up_seconds=0,
        )
        loading = asyncio.create_task(generator.put(load, on))
        while not loading.done():
            await asyncio.wait([loading], timeout=_PAUSE_SECONDS)
            now = megabytes(on)
            peak = {role: max(peak[role], now[role]) for role in ROLES}
        await loading
    return [*_rows("idle", idle), *_rows("while it takes in events", peak)]


def _rows(when: str, used: Mapping[str, float]) -> Iterator[Row]:
    yield Row(work=f"memory {when}", value=sum(used.values()), unit="MB")
    for role, size in used.items():
        yield Row(work=f"- {role}", value=size, unit="MB")


def megabytes(on: Stack) -> dict[str, float]:
    """Resident memory by role: what each of its processes has for itself, and what they share once."""
    used = {}
    for role in ROLES:
        processes = [_status(pid) for pid in _with_children(stack.pid_of(on, role))]
        own = sum(process.get(name, 0) for process in processes for name in _OF_ITS_OWN)
        shared = sum(max(process.get(name, 0) for process in processes) for name in _SHARED)
        used[role] = (own + shared) / 1024
    return used


def _with_children(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # gone meanwhile
        return []
    return [pid, *(one for child in children for one in _with_children(int(child)))]


def _status(pid: int) -> dict[str, int]:
    """Kilobytes, by the names of `/proc/<pid>/status`."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    fields = (line.split() for line in lines if line.endswith(" kB"))
    return {name.removesuffix(":"): int(size) for name, size, _ in fields}
