"""The ingest log's one function and its writer: once, in order, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
from uuid import UUID

import psycopg

from domain.kernel import ids
from domain.kernel.errors import UnavailableError
from projections.postgres import Database
from projections.usage import lines
from projections.usage.writer import IngestLog
from tests.usage import line, log

APPEND = "select ingest_append(%s, %s::uuid[], %s::bytea, %s::int[], %s::int[], %s::int[])"


TERMINATE = """
select pg_terminate_backend(pid) from pg_stat_activity
where query like '%ingest_append%' and datname = current_database() and pid <> pg_backend_pid()
"""


async def rows(database: Database) -> list[tuple[int, int, list[int], bytes]]:
    async with database.connection(None) as connection:
        found = await connection.execute("select seq, events, refused, body from ingest_log order by seq")
        return list(await found.fetchall())


async def test_requests_that_collide_write_nothing_and_the_others_are_committed(database: Database) -> None:
    a, b, c, d = (ids.new() for _ in range(4))
    async with database.connection(None) as connection:

        async def append(keys: list[UUID], body: bytes, *ends: list[int], token: UUID | None = None) -> list[int]:
            row = await (await connection.execute(APPEND, (token or ids.new(), keys, body, *ends))).fetchone()
            assert row is not None
            refused: list[int] = row[0]
            return refused

        assert await append([a], b"1\n", [1], [2], [1]) == []
        token = ids.new()
        for _ in range(2):  # the second time as after a lost connection
            # the requests: [b], [c, a], none, [d]
            ends = [1, 3, 3, 4], [2, 6, 8, 10], [1, 3, 4, 5]
            assert await append([b, c, a, d], b"b\nc\na\n-\nd\n", *ends, token=token) == [3]
        assert await append([d, a], b"d\na\n", [1, 2], [2, 4], [1, 2]) == [1, 2]
        assert await append([c], b"c\n", [1], [2], [1]) == [], "it was not committed with its request"
    found = await rows(database)
    assert [(events, refused, body) for _, events, refused, body in found] == [
        (1, [], b"1\n"),
        (3, [3], b"b\n-\nd\n"),
        (1, [], b"c\n"),
    ]


async def test_nobody_but_the_function_writes(database: Database) -> None:
    async with database.connection(None) as connection:
        for statement in ("delete from ingest_log", "insert into event_keys values (gen_random_uuid())"):
            try:
                await connection.execute(statement.encode())
            except psycopg.errors.InsufficientPrivilege:
                continue
            raise AssertionError(statement)


async def test_connections_that_are_lost_lose_and_double_nothing(database: Database) -> None:
    """Also where the server has committed, and only the answer is lost."""
    organization, ingest_log = ids.new(), IngestLog(database.connect)
    done = asyncio.Event()

    async def write(number: int) -> int:
        written = 0
        while not done.is_set():
            await log(ingest_log, line(organization), line(organization, subscription=str(number)))
            written += 2
        return written

    async def cut() -> None:
        async with await psycopg.AsyncConnection.connect(database.dsn, autocommit=True) as owner:
            for _ in range(40):
                await asyncio.sleep(0.02)
                await owner.execute(TERMINATE)
        done.set()

    cutting = asyncio.create_task(cut())
    written = sum(await asyncio.gather(*(write(n) for n in range(8))))
    await cutting
    logged = await rows(database)
    assert sum(events for _, events, _, _ in logged) == written
    assert sum(body.count(b"\n") for *_, body in logged) == written
    async with database.connection(None) as connection:
        row = await (await connection.execute("select count(*) from event_keys")).fetchone()
    assert row == (written,)
    await ingest_log.close()


async def test_while_the_database_is_away_those_who_send_the_same_event_are_told_together() -> None:
    """They must not share a transaction; that each of them waits for the one before to fail is not needed."""
    ingest_log = IngestLog(Database("postgresql://nobody@127.0.0.1:1/none").connect, patience_seconds=0.5)
    sent = (ingest_log.append([ids.new().bytes, bytes(16)], b"{}\n", 1) for _ in range(60))
    async with asyncio.timeout(15):
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    await ingest_log.close()


async def test_what_follows_the_log_misses_nothing(database: Database) -> None:
    """`seq` ascends in the order of commits, though several processes write."""
    organization, logs = ids.new(), [IngestLog(database.connect) for _ in range(4)]
    seen: list[int] = []
    done = asyncio.Event()

    async def follow() -> None:
        while not done.is_set():
            async with database.connection(None) as connection:
                found = await connection.execute(
                    "select seq from ingest_log where seq > %s order by seq", (seen[-1] if seen else 0,)
                )
                seen.extend(seq for (seq,) in await found.fetchall())

    async def write(ingest_log: IngestLog) -> None:
        for _ in range(50):
            await log(ingest_log, line(organization))

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write(ingest_log) for ingest_log in logs for _ in range(2)))
    await asyncio.sleep(0.1)
    done.set()
    await following
    assert seen == [seq for seq, *_ in await rows(database)]
    for ingest_log in logs:
        await ingest_log.close()


def test_an_identity_tells_names_apart() -> None:
    organization = ids.new().bytes
    names = [("a", "bc"), ("ab", "c"), ("1:a", "b"), ("1", ":ab"), ("é", "x"), ("", "abc")]
    assert len({lines.identity(organization, *pair) for pair in names}) == len(names)
    assert lines.identity(organization, "a", "b") != lines.identity(ids.new().bytes, "a", "b")
