"""An ingest process killed at any point: what it acknowledged is there once, and what it did not may be sent again."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from uuid import UUID

import httpx

from cli.embedded.processes import free_port
from domain.kernel import ids
from projections.postgres import Database
from projections.usage.loader import copy_next
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore
from tests.usage import march

_SERVER = """
import sys, uvicorn
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID
from api.ingest.app import IngestApp
from projections.postgres import Database

class Organization:
    organization_id = UUID(sys.argv[2])
    async def now(self):
        return datetime(2024, 3, 5, tzinfo=UTC)

async def tenant_of(authorization):
    return Organization()

async def inner(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive(); await send({"type": "lifespan.startup.complete"})
        await receive(); await send({"type": "lifespan.shutdown.complete"})

async def customers(organization_id, external_id):
    return None

app = IngestApp(inner, Database(sys.argv[1]), tenant_of, customers=customers)
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[3]), loop="uvloop", http="httptools", log_level="error")
"""
ROUNDS = 3
CLIENTS = 8


class Process:
    """An ingest server; each start is a new process on the same port."""

    def __init__(self, database_url: str, organization_id: UUID) -> None:
        self._arguments = [sys.executable, "-c", _SERVER, database_url, str(organization_id)]
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen([*self._arguments, str(self.port)])

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)


async def send(http: httpx.AsyncClient, path: str, body: object) -> None:
    """Send again until there is an answer; after a try without one the events may be taken."""
    retried = False
    while True:
        try:
            answer = await http.post(path, json=body)
        except httpx.TransportError:
            retried = True
            await asyncio.sleep(0.05)
            continue
        if answer.status_code == 200:
            return
        assert answer.status_code == 422, answer.text
        assert retried, f"refused at the first try: {answer.text}"
        return


async def test_killed_at_any_point(database: Database, database_url: str, usage_store: UsageStore) -> None:
    organization, accepted, stop = ids.new(), set[str](), asyncio.Event()
    process = Process(database_url, organization)

    async def client(http: httpx.AsyncClient, number: int) -> None:
        n = 0
        while not stop.is_set():
            n += 1
            names = [f"{number}-{n}-{i}" for i in range(1 if number % 2 else 20)]
            events = [{"transaction_id": name, "code": "calls", "external_subscription_id": "s1"} for name in names]
            path, body = ("/events", {"event": events[0]}) if number % 2 else ("/events/batch", {"events": events})
            await send(http, path, body)
            accepted.update(names)

    process.start()
    base_url = f"http://127.0.0.1:{process.port}/api/v1"
    async with httpx.AsyncClient(base_url=base_url, headers={"Authorization": "Bearer x"}, timeout=30) as http:
        clients = [asyncio.create_task(client(http, number)) for number in range(CLIENTS)]
        for _ in range(ROUNDS):
            before = len(accepted)
            while len(accepted) < before + 200:
                await asyncio.sleep(0.02)
                assert not any(task.done() for task in clients)
            await asyncio.sleep(random.random() * 0.2)
            process.kill()
            process.start()
        stop.set()
        await asyncio.gather(*clients)
    process.kill()

    connection = await database.connect()
    while await copy_next(connection, usage_store):
        pass
    await connection.close()
    reader = ClickHouseUsageReader(database, usage_store)
    ((usage,),) = await reader.aggregate([march(organization)], await reader.watermark())
    assert usage.events_count == len(accepted)
    rows = await usage_store.rows("select transaction_id from usage_events", tuple[str])
    assert {name for (name,) in rows} == accepted
