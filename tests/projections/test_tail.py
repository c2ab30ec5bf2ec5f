"""Who follows the log sees every event once, in the order of commits, whoever writes meanwhile."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from psycopg import AsyncConnection, Notify

from domain.customers.customer import Customer
from domain.kernel.errors import UnavailableError
from projections.followers import leading
from projections.ledger.ledger import PostgresLedger
from projections.ledger.tail import Handle, Recorded, follow, read_position
from projections.postgres import Database
from tests.projections.ledger_writer import append

TOPICS = {"customer.created"}


@asynccontextmanager
async def following(database: Database, handle: Handle, topics: set[str] = TOPICS) -> AsyncIterator[None]:
    task = asyncio.create_task(follow(database, "follower", handle, topics=topics))
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.01)


async def stored_ids(database: Database) -> list[int]:
    async with database.unbound() as connection:
        cursor = await connection.execute("select notification_id from events order by notification_id")
        return [notification_id for (notification_id,) in await cursor.fetchall()]


async def stored(database: Database) -> None:
    """The position, which is stored after the page was handled."""
    [*_, last] = await stored_ids(database)
    async with asyncio.timeout(30):
        while await read_position(database, "follower") < last:
            await asyncio.sleep(0.01)


async def test_nothing_is_missed_while_four_processes_write(database: Database, database_url: str) -> None:
    seen: list[int] = []

    async def handle(page: Sequence[Recorded]) -> None:
        seen.extend(recorded.notification_id for recorded in page)

    async with following(database, handle):
        command = (sys.executable, "-m", "tests.projections.ledger_writer", database_url)
        writers = [await asyncio.create_subprocess_exec(*command, f"{n}", "300") for n in range(4)]
        assert [await writer.wait() for writer in writers] == [0, 0, 0, 0]
        await until(lambda: len(seen) >= 1_200)
    assert len(seen) == 1_200
    assert seen == await stored_ids(database)


async def test_it_goes_on_where_the_last_one_stopped(ledger: PostgresLedger, database: Database) -> None:
    seen: list[str] = []

    async def handle(page: Sequence[Recorded]) -> None:
        for recorded in page:
            assert isinstance(recorded.event, Customer.Created)
            seen.append(recorded.event.details.external_id)

    for name in ("a", "b"):
        await append(ledger, name)
        async with following(database, handle):
            await until(partial(seen.__contains__, name))
            await stored(database)
    assert seen == ["a", "b"]


async def test_other_topics_are_passed_by(ledger: PostgresLedger, database: Database) -> None:
    async def handle(page: Sequence[Recorded]) -> None:
        raise AssertionError("nothing to handle")

    await append(ledger, "a")
    async with following(database, handle, {"customer.deleted"}):
        while await read_position(database, "follower") == 0:
            await asyncio.sleep(0.01)


async def test_a_page_comes_again_until_it_is_handled(ledger: PostgresLedger, database: Database) -> None:
    pages: list[int] = []

    async def handle(page: Sequence[Recorded]) -> None:
        pages.append(page[0].notification_id)
        if len(pages) == 1:
            raise UnavailableError("temporal")

    await append(ledger, "a")
    async with following(database, handle):
        await until(lambda: len(pages) == 2)
    assert pages[0] == pages[1]


async def test_one_of_two_followers_works_and_the_other_takes_over(ledger: PostgresLedger, database: Database) -> None:
    seen: list[tuple[str, int]] = []

    def handler(name: str) -> Handle:
        async def handle(page: Sequence[Recorded]) -> None:
            seen.extend((name, recorded.notification_id) for recorded in page)

        return handle

    async with following(database, handler("second")):
        async with asyncio.timeout(30):
            await append(ledger, "a")
            await until(lambda: len(seen) == 1)
        async with following(database, handler("first")):
            await append(ledger, "b")
            await until(lambda: len(seen) == 2)
            assert {name for name, _ in seen} == {"second"}
            await asyncio.sleep(0.1)
    assert len(seen) == 2


async def test_who_stands_by_keeps_no_notifications(database: Database, database_url: str) -> None:
    """It may do so for months, and psycopg keeps what a connection hears until it is asked for."""

    async def heard() -> list[Notify]:
        async with leading(database, "follower", "events") as connection:
            return [notify async for notify in connection.notifies(timeout=0)]

    async with await AsyncConnection.connect(database_url, autocommit=True) as owner:
        async with leading(database, "follower", "events") as leader:
            standing_by = asyncio.create_task(heard())
            asked = "select from pg_stat_activity where query like 'select pg_try_advisory_lock(%%' and pid <> %s"
            while not (await owner.execute(asked, (leader.info.backend_pid,))).rowcount:
                await asyncio.sleep(0.01)
            await owner.execute("notify events")
        assert await standing_by == []


async def test_it_outlives_its_connections(ledger: PostgresLedger, database: Database, database_url: str) -> None:
    seen: list[int] = []

    async def handle(page: Sequence[Recorded]) -> None:
        seen.extend(recorded.notification_id for recorded in page)

    async with following(database, handle):
        await append(ledger, "a")
        await until(lambda: len(seen) == 1)
        await stored(database)
        async with database.unbound() as connection:
            await connection.execute("reset role")
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
            await connection.close()
        await append(ledger, "b")
        await until(lambda: len(seen) >= 2)
    assert seen == await stored_ids(database)
