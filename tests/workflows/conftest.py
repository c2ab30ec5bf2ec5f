"""A world for each test, on the session's engines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from tests.workflows.world import World


@pytest_asyncio.fixture
async def world(
    temporal_environment: WorkflowEnvironment, database: Database, ledger: PostgresLedger
) -> AsyncIterator[World]:
    client = temporal_environment.client
    yield World(client, database, ledger)
    async for execution in client.list_workflows("ExecutionStatus = 'Running'"):
        await client.get_workflow_handle(execution.id).terminate()
