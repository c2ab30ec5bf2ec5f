"""Temporal servers of a test's own, where the session's will not do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.testing import WorkflowEnvironment

from cli.embedded import temporal_binary


@asynccontextmanager
async def server(*configuration: str, port: int | None = None) -> AsyncIterator[WorkflowEnvironment]:
    """As an operator may have set it up: `configuration` are values of Temporal's dynamic configuration."""
    values = [argument for value in configuration for argument in ("--dynamic-config-value", value)]
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(temporal_binary.obtain(print)),
        dev_server_extra_args=values,
        dev_server_log_level="error",
        port=port,
    )
    try:
        yield environment
    finally:
        await environment.shutdown()
