"""A PostgreSQL server for the session, and for each test a database of its own, cloned from a migrated one."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from cli.embedded.postgres import Cluster
from cli.embedded.processes import free_port
from projections.ledger.ledger import PostgresLedger
from projections.migrate import migrate_database
from projections.postgres import Database

_TEMPLATE: Final = "durabill_template"
_numbers = count()


@dataclass(slots=True)
class Server:
    """A cluster that is started and stopped; `url` is its owner's, of the empty database `durabill`."""

    cluster: Cluster
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self.cluster.url

    def start(self) -> None:
        command = [*self.cluster.command(), "-c", "fsync=off", "-c", "shared_buffers=64MB"]
        self.process = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self.cluster.ready():
            assert self.process.poll() is None, "PostgreSQL ended"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)

    def stop(self, stop_signal: signal.Signals = signal.SIGINT) -> None:
        """Cut all connections and stop; with SIGQUIT at once, as in a crash."""
        assert self.process is not None
        self.process.send_signal(stop_signal)
        self.process.wait(30)

    def execute(self, statement: SQL, *names: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.format(*map(Identifier, names)))


def make_server(folder: Path) -> Server:
    server = Server(Cluster(folder / "postgres", secrets.token_urlsafe(16), free_port()))
    server.cluster.create(dict(os.environ))
    return server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = make_server(tmp_path_factory.mktemp("engines"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest_asyncio.fixture(scope="session")
async def migrated_template(postgres_server: Server) -> str:
    """The name of a database with the whole schema and no data."""
    postgres_server.execute(SQL("create database {}"), _TEMPLATE)
    await migrate_database(make_conninfo(postgres_server.url, dbname=_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def empty_database_url(postgres_server: Server) -> Iterator[str]:
    """A database without a schema."""
    yield from _database(postgres_server, "template1")


@pytest.fixture
def database_url(postgres_server: Server, migrated_template: str) -> Iterator[str]:
    """The owner's URL of a migrated database, which is this test's alone."""
    yield from _database(postgres_server, migrated_template)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with Database(database_url) as database:
        yield database


@pytest_asyncio.fixture
async def ledger(database: Database) -> AsyncIterator[PostgresLedger]:
    ledger = PostgresLedger(database)
    try:
        yield ledger
    finally:
        await ledger.close()


def _database(server: Server, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    server.execute(SQL("create database {} template {}"), name, template)
    try:
        yield make_conninfo(server.url, dbname=name)
    finally:
        server.execute(SQL("drop database {} with (force)"), name)
