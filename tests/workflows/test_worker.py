"""The roles as processes run them: they wait for Temporal, serve, and end when they are told to."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr

from cli.embedded.processes import free_port
from cli.embedded.temporal import workers
from projections.settings import Settings
from tests.workflows.servers import server
from tests.workflows.world import until
from workflows import dispatcher, ids, worker


async def test_roles_wait_for_temporal_and_end_when_cancelled(database_url: str) -> None:
    port = free_port()
    settings = Settings(
        database_url=SecretStr(database_url),
        clickhouse_url=SecretStr("http://127.0.0.1:1"),
        temporal_address=f"127.0.0.1:{port}",
    )
    roles = [
        asyncio.create_task(worker.run(settings, [ids.BILLING, ids.DOCUMENTS])),
        asyncio.create_task(dispatcher.run(settings)),
    ]
    await asyncio.sleep(0.2)
    async with server(port=port) as environment:

        async def serves() -> bool:
            return all([await workers(environment.client, queue) for queue in (ids.BILLING, ids.DOCUMENTS)])

        await until(serves)
        for role in roles:
            role.cancel()
        ended = await asyncio.gather(*roles, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
