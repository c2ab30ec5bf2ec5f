"""The benchmarks run, on a stack that they share, with next to nothing to do. No time is asserted."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from benchmarks import stack
from benchmarks.__main__ import BENCHMARKS
from benchmarks.sizes import SMOKE
from cli.up import Stack


@pytest_asyncio.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with stack.running(tmp_path_factory.mktemp("benchmarks") / "data") as on:
        yield on


@pytest.mark.parametrize("name", BENCHMARKS)
async def test_smoke(name: str, running: Stack) -> None:
    for row in await BENCHMARKS[name](running, SMOKE):
        assert row.value > 0, row
        assert row.limit is None or row.limit > 0, row
