"""The REST API under a real uvicorn, on one database for the session; each test has an organization of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
import uvicorn
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL
from pydantic import SecretStr

from api.main import create_app
from cli.embedded.processes import free_port
from projections.settings import Settings
from projections.usage import loader
from tests.engines.clickhouse import ClickHouse
from tests.engines.postgres import Server

ADMIN = {"Authorization": "Bearer admin"}


class Client(httpx.AsyncClient):
    """A client of one organization, or with another header of none; paths are relative to `/api/v1`."""

    organization: dict[str, Any]

    async def ok(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """The JSON of an answer that must be 200."""
        answer = await self.request(method, path, json=body, **options)
        assert answer.status_code == 200, (method, path, answer.status_code, answer.text)
        return answer.json()

    async def refused(self, status: int, method: str, path: str, body: object = None, **options: Any) -> Any:
        """The JSON of an answer that must have this status."""
        answer = await self.request(method, path, json=body, **options)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        return answer.json()

    async def details(self, method: str, path: str, body: object) -> Any:
        """`error_details` of an answer that must be 422."""
        return (await self.refused(422, method, path, body))["error_details"]


@pytest_asyncio.fixture(scope="session")
async def url(postgres_server: Server, migrated_template: str) -> AsyncIterator[str]:
    """Without ClickHouse: for all that asks for no usage."""
    postgres_server.execute(SQL("create database api template {}"), migrated_template)
    async with _serving(_settings(make_conninfo(postgres_server.url, dbname="api"), "http://127.0.0.1:1")) as served:
        yield served


@pytest_asyncio.fixture(scope="session")
async def metered_url(postgres_server: Server, migrated_template: str, clickhouse: ClickHouse) -> AsyncIterator[str]:
    """With ClickHouse, and a loader that follows the ingest log."""
    postgres_server.execute(SQL("create database metered_api template {}"), migrated_template)
    dsn = make_conninfo(postgres_server.url, dbname="metered_api")
    client = clickhouse.client()
    client.command("create database metered_api")
    client.close()
    settings, stop = _settings(dsn, f"{clickhouse.url}/metered_api"), asyncio.Event()
    loading = asyncio.create_task(loader.run(settings, stop))
    async with _serving(settings) as served:
        yield served
    stop.set()
    await loading


def _settings(database_url: str, clickhouse_url: str) -> Settings:
    return Settings(
        database_url=SecretStr(database_url), clickhouse_url=SecretStr(clickhouse_url), admin_key=SecretStr("admin")
    )


@asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[str]:
    port = free_port()
    config = uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        assert not serving.done()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@pytest_asyncio.fixture
async def nobody(url: str) -> AsyncIterator[Client]:
    """Without a key."""
    async with Client(base_url=url) as client:
        yield client


Founder = Callable[..., Awaitable[Client]]


@pytest_asyncio.fixture
async def found(url: str) -> AsyncIterator[Founder]:
    """Makes an organization; gives a client with its key."""
    async with _founder(url) as make:
        yield make


@pytest_asyncio.fixture
async def metered(metered_url: str) -> AsyncIterator[Client]:
    """Of a sandbox that knows usage, and custom aggregations, at noon of 16 March 2024.

    Its time stands still: there are no workflows.
    """
    async with _founder(metered_url) as make:
        client = await make(sandbox=True, custom_aggregation=True)
        await client.ok("PUT", "/test_clock", {"test_clock": {"now": "2024-03-16T12:00:00Z"}})
        yield client


@asynccontextmanager
async def _founder(url: str) -> AsyncIterator[Founder]:
    clients: list[Client] = []

    async def make(**body: object) -> Client:
        async with httpx.AsyncClient(base_url=url, headers=ADMIN) as admin:
            answer = await admin.post("/admin/organizations", json={"organization": {"name": "Acme", **body}})
        assert answer.status_code == 201, answer.text
        organization = answer.json()["organization"]
        headers = {"Authorization": f"Bearer {organization['api_key']}"}
        client = Client(base_url=f"{url}/api/v1", headers=headers, timeout=30)
        client.organization = organization
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()


@pytest_asyncio.fixture
async def client(found: Founder) -> Client:
    """Of an organization in real time."""
    return await found()


@pytest.fixture
def admin() -> dict[str, str]:
    return ADMIN
