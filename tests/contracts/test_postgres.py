"""Connections: whose rows they see, and that the pool outlives the server's."""

from __future__ import annotations

import asyncio
import os
import socket
from uuid import UUID

import psycopg
import pytest

from domain.kernel import ids
from domain.kernel.errors import UnavailableError
from projections.postgres import Connection, Database

OURS, THEIRS = ids.of("organization", "ours"), ids.of("organization", "theirs")


@pytest.fixture
def two_organizations(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        for organization in (OURS, THEIRS):
            owner.execute(
                "insert into customers (id, organization_id, doc) values (%s, %s, '{}')", (ids.new(), organization)
            )


async def organizations(connection: Connection) -> list[UUID]:
    cursor = await connection.execute("select organization_id from customers order by organization_id")
    return [organization for (organization,) in await cursor.fetchall()]


@pytest.mark.usefixtures("two_organizations")
async def test_a_connection_sees_one_organization_whoever_had_it_before(database_url: str) -> None:
    async with Database(database_url, max_size=1) as database:
        async with database.unbound() as connection:
            assert await organizations(connection) == []
        for organization, seen in ((OURS, [OURS]), (THEIRS, [THEIRS]), (None, sorted([OURS, THEIRS])), (OURS, [OURS])):
            async with database.connection(organization) as connection:
                assert await organizations(connection) == seen


@pytest.mark.usefixtures("two_organizations")
async def test_a_binding_that_is_cancelled_binds_nothing(database_url: str) -> None:
    async with Database(database_url, max_size=1) as database:
        async with database.connection(OURS) as connection:
            binding = asyncio.create_task(connection.bind(THEIRS))
            await asyncio.sleep(0)
            binding.cancel()
            with pytest.raises(asyncio.CancelledError):
                await binding
        async with database.connection(OURS) as connection:
            assert await organizations(connection) == [OURS]


async def test_the_same_organization_is_bound_once(database_url: str) -> None:
    async with Database(database_url, max_size=1) as database:
        async with database.connection(OURS) as connection:
            await connection.execute("select set_config('durabill.organization', 'as it was', false)")
        async with database.connection(OURS) as connection:
            row = await (await connection.execute("select current_setting('durabill.organization')")).fetchone()
            assert row == ("as it was",), "no round trip is spent on what is bound already"


async def test_connections_that_the_server_closed_are_not_handed_out(database: Database, database_url: str) -> None:
    async with database.connection(OURS), database.connection(OURS), database.connection(OURS):
        pass
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    for _ in range(10):
        async with database.connection(OURS) as connection:
            await connection.execute("select 1")


async def test_no_server_is_an_error_of_ours() -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none", patience_seconds=0.3) as database:
        with pytest.raises(UnavailableError):
            async with database.connection(OURS):
                pass
        with pytest.raises(UnavailableError):
            await database.connect()


async def settings(connection: Connection, names: str) -> list[tuple[str, str]]:
    """What the server has for settings whose names are like that."""
    cursor = await connection.execute(
        "select name, setting from pg_settings where name like %s order by name", (names,)
    )
    return await cursor.fetchall()


async def test_a_transaction_does_not_last(database: Database) -> None:
    async with database.connection(None) as connection:
        assert await settings(connection, "%transaction%timeout") == [
            ("idle_in_transaction_session_timeout", "5000"),
            ("transaction_timeout", "5000"),
        ]


async def test_a_machine_that_vanished_is_given_up_by_client_and_server(database: Database) -> None:
    """It does not say so: a dead leader would keep its lock, and a commit be waited for, for hours."""
    async with database.connection(None) as connection:
        assert await settings(connection, "tcp%") == [
            ("tcp_keepalives_count", "3"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "2"),
            ("tcp_user_timeout", "10000"),
        ]
        with socket.socket(fileno=os.dup(connection.fileno())) as client:
            assert client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 10
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000


async def test_who_is_cancelled_while_it_is_handed_a_connection_ends(database_url: str) -> None:
    """As late as at the very moment that the connection comes: Python 3.11's `wait_for` forgets of that one."""
    async with Database(database_url, max_size=1) as database:
        forgotten = 0
        for steps in range(12):
            waiting = asyncio.create_task(_use(database))
            async with database.unbound():
                await asyncio.sleep(0.01)
            await _steps(steps)
            if waiting.done():
                break
            waiting.cancel()
            await asyncio.wait([waiting])
            forgotten += not waiting.cancelled()
        else:
            pytest.fail("it was never done before it was cancelled: too few steps were tried")
        assert not forgotten
        async with asyncio.timeout(10):
            await _use(database)


async def test_who_is_cancelled_while_it_gives_a_connection_back_does_not_lose_it(database_url: str) -> None:
    """The pool hands it on to who waits. Where that one is cancelled just then, giving back takes some steps."""
    lost = []
    for before in range(4):
        for steps in range(8):
            async with Database(database_url, max_size=1) as database:
                taken, done = asyncio.Event(), asyncio.Event()
                using = asyncio.create_task(_use(database, taken=taken, until=done))
                await taken.wait()
                waiting = asyncio.create_task(_use(database))
                await _steps(20)
                waiting.cancel()
                await _steps(before)
                done.set()
                await _steps(steps)
                using.cancel()
                await asyncio.wait([using, waiting])
                try:
                    await _use(database)
                except UnavailableError:
                    lost.append((before, steps))
    assert not lost


async def _steps(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def _use(database: Database, *, taken: asyncio.Event | None = None, until: asyncio.Event | None = None) -> None:
    async with database.unbound():
        if taken is not None and until is not None:
            taken.set()
            await until.wait()
