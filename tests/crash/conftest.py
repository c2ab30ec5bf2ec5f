"""One stack for all tests of the folder, each in organizations of its own; and where randomness comes from."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.crash.stack import Stack
from tests.crash.tenant import Found, Tenant


@pytest_asyncio.fixture(scope="session", name="running")
async def _running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("crash") / "data")
    try:
        stack.start()
        yield stack
    finally:
        stack.end()


@pytest_asyncio.fixture
async def stack(running: Stack) -> Stack:
    """A stack that serves, whatever the test before has left of it."""
    await running.ready()
    return running


@pytest_asyncio.fixture
async def found(stack: Stack) -> AsyncIterator[Found]:
    """Founds organizations (`Tenant.found`)."""
    tenants: list[Tenant] = []

    async def one(*, sandbox: bool = True, **details: str) -> Tenant:
        tenants.append(await Tenant.found(stack, sandbox=sandbox, **details))
        return tenants[-1]

    yield one
    for tenant in tenants:
        await tenant.http.aclose()


@pytest.fixture
def rng() -> random.Random:
    """Says its seed; `CRASH_SEED` sets it. When the blows fall is random all the same, the verdict must not be."""
    seed = int(os.environ.get("CRASH_SEED", secrets.randbits(32)))
    print(f"CRASH_SEED={seed}")  # noqa: T201 - shown where the test fails
    return random.Random(seed)
