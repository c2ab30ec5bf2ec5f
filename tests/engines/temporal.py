"""A Temporal server for the tests of workflows: one for the session, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from cli.embedded import temporal_binary
from cli.embedded.temporal import DYNAMIC_CONFIGURATION


@pytest_asyncio.fixture(scope="session")
async def temporal_environment() -> AsyncIterator[WorkflowEnvironment]:
    """The development server that `durabill up` runs, found in the same way; its `client` is connected to it."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(await asyncio.to_thread(temporal_binary.obtain, print)),
        dev_server_extra_args=list(DYNAMIC_CONFIGURATION),
        dev_server_log_level="error",
    )
    try:
        yield environment
    finally:
        await environment.shutdown()
