"""Other servers than the one that `durabill up` runs: theirs are the limits, and they may be away."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from temporalio.client import Client

from cli.embedded.processes import free_port
from projections.ledger.ledger import PostgresLedger
from projections.ledger.tail import read_position
from projections.postgres import Database
from tests.workflows.servers import server
from tests.workflows.world import World, months, until
from workflows import ids, subjects
from workflows.dispatcher import NAME

QUICK = "history.transferProcessorMaxPollRPS=2000"
REUSE = 'history.workflowIdReuseMinimalInterval="0s"'


async def test_long_stories_continue_as_new(database: Database, ledger: PostgresLedger) -> None:
    """Here after 60 events, where servers usually suggest it after 4,096."""
    async with server(QUICK, "limit.historyCount.suggestContinueAsNew=60", REUSE) as environment:
        world = World(environment.client, database, ledger)
        async with world.running():
            sandbox = await world.sandbox()
            subscription = await sandbox.shop.subscribe(at="2024-01-01")
            await sandbox.advance("2025-07-01")
        assert await sandbox.billed() == months(2, 19)
        for name in (ids.subscription(subscription.id), sandbox.clock):
            info = await world.client.get_workflow_handle(name).describe()
            assert info.raw_description.workflow_execution_info.first_run_id != info.run_id, "it has continued as new"


async def test_a_server_that_holds_back_quick_runs_is_no_obstacle(database: Database, ledger: PostgresLedger) -> None:
    """By default a run that follows another within a second waits for that second to pass."""
    async with server(QUICK) as environment:
        world = World(environment.client, database, ledger)
        async with world.running():
            sandbox = await world.sandbox()
            await sandbox.shop.subscribe(at="2024-01-01")
            async with asyncio.timeout(10):
                await sandbox.advance("2025-01-01")
        assert await sandbox.billed() == months(2, 13)


async def test_what_is_committed_while_temporal_is_away_is_caught_up_with(
    database: Database, ledger: PostgresLedger
) -> None:
    port = free_port()
    client = await Client.connect(f"127.0.0.1:{port}", lazy=True)
    world = World(client, database, ledger)
    async with world.dispatching():
        sandbox = await world.sandbox()
        await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.ask("2024-02-01")
        await asyncio.sleep(0.5)
        assert await read_position(database, NAME) < await subjects.head(database), "it does not count as done"
        async with server(port=port) as environment, replace(world, client=environment.client).working():
            await until(sandbox.ready)
    assert await sandbox.billed() == months(2, 2)
