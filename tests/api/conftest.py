"""The REST API under a real uvicorn, on one database for the session; each test has an organization of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
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
    postgres_server.execute(SQL("create database api template {}"), migrated_template)
    settings = Settings(
        database_url=SecretStr(make_conninfo(postgres_server.url, dbname="api")),
        clickhouse_url=SecretStr("http://127.0.0.1:1"),  # nobody is there: what these tests ask needs no usage
        admin_key=SecretStr("admin"),
    )
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
