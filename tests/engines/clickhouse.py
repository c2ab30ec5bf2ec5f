"""ClickHouse for the tests: chDB in a process of its own, served as `durabill up` does; a database for each test."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import clickhouse_connect
import pytest
import pytest_asyncio
from clickhouse_connect.driver.client import Client

from cli.embedded.processes import free_port, port_is_free
from projections.usage.store import UsageStore, connector

_numbers = count()

_SERVE = """
import sys, pathlib
from projections.usage.chdb_server import serving
with serving(pathlib.Path(sys.argv[1]), sys.argv[2]):
    sys.stdin.read()
"""


class ClickHouse:
    """A served chDB; it can be killed and started again on the same folder and port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://durabill:{secrets.token_urlsafe(16)}@127.0.0.1:{free_port()}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-c", _SERVE, str(self.folder), self.url]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, env=dict(os.environ))
        deadline = time.monotonic() + 60
        port = urlsplit(self.url).port
        assert port is not None
        while port_is_free("127.0.0.1", port):
            assert self.process.poll() is None, "chDB ended"
            assert time.monotonic() < deadline, "chDB does not answer"
            time.sleep(0.05)

    def client(self, database: str = "default") -> Client:
        return connector(f"{self.url}/{database}")()

    def stop(self) -> None:
        """Its standard input ends, and so does it."""
        assert self.process is not None
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    engine = ClickHouse(tmp_path_factory.mktemp("engines") / "clickhouse")
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture(scope="session")
def embedded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one folder that chDB has in the process of the tests."""
    return tmp_path_factory.mktemp("engines") / "chdb"


@pytest_asyncio.fixture
async def usage_store(clickhouse: ClickHouse) -> AsyncIterator[UsageStore]:
    """The store on a server."""
    async with _store(clickhouse.client) as store:
        yield store


@pytest_asyncio.fixture(params=["server", "embedded"])
async def any_usage_store(
    request: pytest.FixtureRequest, clickhouse: ClickHouse, embedded_folder: Path
) -> AsyncIterator[UsageStore]:
    """The store on a server, and on chDB in this process."""

    def embedded(database: str = "default") -> Client:
        return clickhouse_connect.get_client(interface="chdb", path=str(embedded_folder), database=database)

    async with _store(embedded if request.param == "embedded" else clickhouse.client) as store:
        yield store


@asynccontextmanager
async def _store(connect: Callable[..., Client]) -> AsyncIterator[UsageStore]:
    """With its table, in a database of its own."""
    name = f"test_{next(_numbers)}"
    owner = connect()
    owner.command(f"create database {name}")
    store = UsageStore(partial(connect, name))
    await store.create()
    try:
        yield store
    finally:
        await store.close()
        owner.command(f"drop database {name}")
        owner.close()
