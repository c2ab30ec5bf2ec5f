"""What happens to an append when the connection, the database or the server goes away under it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from domain.customers.customer import Customer, CustomerDetails
from domain.kernel import ids
from domain.kernel.errors import ConflictError, DuplicateError, UnavailableError
from domain.kernel.ledger import SequenceNumber
from projections.ledger.appending import Append
from projections.ledger.group_commit import GroupCommit
from projections.ledger.ledger import CommandKey, PostgresLedger, current_command
from projections.migrate import migrate_database
from projections.postgres import Database
from tests.engines.postgres import make_server
from tests.projections.ledger_writer import AT, ORGANIZATION

LOCK = "select pg_advisory_lock(4242)"
UNLOCK = "select pg_advisory_unlock(4242)"
WAITING = "select pid from pg_stat_activity where datname = current_database() and wait_event = 'advisory'"


async def create(ledger: PostgresLedger, external_id: str) -> Customer:
    number = SequenceNumber.next("numbers")
    created = Customer.begin(
        ids.new(),
        organization_id=ORGANIZATION,
        sequential_id=number.placeholder,
        details=CustomerDetails(external_id=external_id),
        at=AT,
    )
    await ledger.append(created, sequences=[number])
    return created


@dataclass(slots=True)
class Proxy:
    """Between client and server; `cut` makes it drop the next answer, and the connection with it."""

    host: str
    port: int
    cut: bool = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(self.host, self.port)

        async def forward(
            source: asyncio.StreamReader, target: asyncio.StreamWriter, may_cut: Callable[[], bool]
        ) -> None:
            while data := await source.read(1 << 16):
                if may_cut():
                    self.cut = False
                    break
                target.write(data)
                await target.drain()
            for end in (writer, upstream_writer):
                end.close()

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(forward(reader, upstream_writer, lambda: False))
                group.create_task(forward(upstream_reader, writer, lambda: self.cut))
        except* ConnectionError:
            pass


@asynccontextmanager
async def proxied(dsn: str) -> AsyncIterator[tuple[Proxy, str]]:
    parts = conninfo_to_dict(dsn)
    proxy = Proxy(str(parts["host"]), int(str(parts["port"])))
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield proxy, make_conninfo(dsn, port=port, sslmode="disable", gssencmode="disable")
    finally:
        server.close()


@asynccontextmanager
async def opened(dsn: str, patience_seconds: float = 5.0) -> AsyncIterator[PostgresLedger]:
    async with Database(dsn, patience_seconds=patience_seconds) as database:
        ledger = PostgresLedger(database, patience_seconds=patience_seconds)
        try:
            yield ledger
        finally:
            await ledger.close()


async def numbers(dsn: str) -> list[int]:
    async with await psycopg.AsyncConnection.connect(dsn) as owner:
        cursor = await owner.execute("select sequential_id from customers order by sequential_id")
        return [number for (number,) in await cursor.fetchall()]


async def test_an_append_whose_answer_is_lost_is_found_to_be_committed(database_url: str) -> None:
    async with proxied(database_url) as (proxy, dsn), opened(dsn) as ledger:
        await create(ledger, "first")
        proxy.cut = True
        created = await asyncio.gather(*(create(ledger, f"{n}") for n in range(10)))
        assert not proxy.cut
        assert sorted(one.sequential_id for one in created) == list(range(2, 12))
        assert await numbers(database_url) == list(range(1, 12))
        for one in created:
            assert vars(await ledger.load(Customer, one.id)) == vars(one)


async def test_a_command_that_changes_nothing_and_whose_answer_is_lost_is_found_by_its_key(database_url: str) -> None:
    async with proxied(database_url) as (proxy, dsn), opened(dsn) as ledger:
        created = await create(ledger, "first")

        async def change_nothing(key: str) -> None:
            current_command.set(CommandKey(ORGANIZATION, key, "fingerprint"))
            await ledger.append(created)

        await asyncio.create_task(change_nothing("prepares the statement"))
        proxy.cut = True
        with pytest.raises(DuplicateError):
            await asyncio.create_task(change_nothing("key"))
        assert not proxy.cut
        found = await ledger.find_command(ORGANIZATION, "key")
        assert found is not None
        assert found.aggregate_id == created.id


async def test_a_conflict_is_still_one_when_the_answer_is_lost(database_url: str) -> None:
    async with proxied(database_url) as (proxy, dsn), opened(dsn) as ledger:
        created = await create(ledger, "a")
        first, second = [await ledger.load(Customer, created.id) for _ in range(2)]
        first.delete(at=AT)
        await ledger.append(first)
        second.update(CustomerDetails(external_id="b"), at=AT)
        proxy.cut = True
        with pytest.raises(ConflictError):
            await ledger.append(second)
        assert not proxy.cut


async def test_an_append_whose_connection_is_killed_before_it_commits_commits_once(database_url: str) -> None:
    async with (
        opened(database_url) as ledger,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as owner,
    ):
        await create(ledger, "first")
        await owner.execute(LOCK)
        waiting = asyncio.create_task(create(ledger, "second"))
        while (found := await (await owner.execute(WAITING)).fetchone()) is None:
            await asyncio.sleep(0.01)
        await owner.execute("select pg_terminate_backend(%s)", found)
        await owner.execute(UNLOCK)
        assert (await waiting).sequential_id == 2
    assert await numbers(database_url) == [1, 2]


async def test_a_writer_that_does_not_get_its_turn_says_so(database_url: str) -> None:
    async with (
        opened(database_url) as ledger,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as owner,
    ):
        await create(ledger, "first")
        await owner.execute(LOCK)
        async with asyncio.timeout(30):
            with pytest.raises(UnavailableError):
                await create(ledger, "second")
        await owner.execute(UNLOCK)
        assert (await create(ledger, "third")).sequential_id == 2
    assert await numbers(database_url) == [1, 2]


async def test_while_the_database_is_away_callers_are_told_and_then_all_goes_on(database_url: str) -> None:
    name = str(conninfo_to_dict(database_url)["dbname"])
    async with opened(database_url, patience_seconds=1.0) as ledger:
        created = await create(ledger, "first")
        async with await psycopg.AsyncConnection.connect(
            make_conninfo(database_url, dbname="postgres"), autocommit=True
        ) as owner:
            await owner.execute(f"alter database {name} allow_connections false")
            await owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
            async with asyncio.timeout(30):
                for _ in range(2):
                    with pytest.raises(UnavailableError):
                        await create(ledger, "second")
                    with pytest.raises(UnavailableError):
                        await ledger.load(Customer, created.id)
            await owner.execute(f"alter database {name} allow_connections true")
        async with asyncio.timeout(30):
            assert (await create(ledger, "third")).sequential_id == 2
            assert (await ledger.load(Customer, created.id)).id == created.id


async def test_while_the_database_is_away_those_who_want_the_same_version_are_told_together() -> None:
    """They must not share a transaction; that each of them waits for the one before to fail is not needed."""
    commits = GroupCommit(Database("postgresql://nobody@127.0.0.1:1/none").connect, patience_seconds=0.5)
    append = Append([StoredEvent(ids.new(), 1, "topic", b"{}")])
    async with asyncio.timeout(15):
        outcomes = await asyncio.gather(*(commits.append(append) for _ in range(60)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    await commits.close()


async def test_what_was_acknowledged_survives_a_crash_of_the_server(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    server.start()
    try:
        await migrate_database(server.url)
        acknowledged: list[int] = []
        async with opened(server.url, patience_seconds=30.0) as ledger:

            async def work(name: str) -> None:
                for number in range(50):
                    acknowledged.append((await create(ledger, f"{name} {number}")).sequential_id)
                    await asyncio.sleep(0.005)

            work_going_on = asyncio.gather(*(work(f"{n}") for n in range(8)))
            while len(acknowledged) < 100:
                await asyncio.sleep(0.005)
            await asyncio.to_thread(server.stop, signal.SIGQUIT)
            await asyncio.to_thread(server.start)
            await work_going_on
        assert sorted(acknowledged) == await numbers(server.url) == list(range(1, 401))
    finally:
        server.stop()
