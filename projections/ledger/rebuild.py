"""Rebuilding the read models: the rows that follow from the log, beside the live ones, compared and put in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.persistence import StoredEvent
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from projections import views
from projections.ledger.ledger import replay
from projections.ledger.mapper import LedgerMapper
from projections.postgres import unavailable

PAGE_SIZE: Final = 1_000
"""Events that are read, and rows that are written, at once."""

_LEDGER_LOCK = "select pg_advisory_xact_lock(4242)"
_ALL = """declare log no scroll cursor for select originator_id, originator_version, topic, state
          from events order by originator_id, originator_version"""
_SINCE = """declare log no scroll cursor for select originator_id, originator_version, topic, state from events
            where originator_id in (select originator_id from events where notification_id > {})
            order by originator_id, originator_version"""
_INSERT = SQL(
    "insert into rebuild.{} (id, organization_id, doc) "
    "select r.i, r.o, r.d::jsonb from unnest(%b::uuid[], %b::uuid[], %b::text[]) as r (i, o, d) "
    "on conflict (id) do update set doc = excluded.doc"
)
_COMPARE = SQL(
    "select count(live.id), count(rebuilt.id), "
    "count(*) filter (where (live.organization_id, live.doc) is distinct from (rebuilt.organization_id, rebuilt.doc)) "
    "from public.{0} as live full join rebuild.{0} as rebuilt using (id)"
)
_DELETE = SQL(
    "delete from public.{0} as live where not exists (select from rebuild.{0} as rebuilt where rebuilt.id = live.id "
    "and rebuilt.organization_id = live.organization_id and rebuilt.doc = live.doc)"
)
_COPY = SQL(
    "insert into public.{0} (id, organization_id, doc) select id, organization_id, doc from rebuild.{0} as rebuilt "
    "where not exists (select from public.{0} as live where live.id = rebuilt.id)"
)

Connection = psycopg.AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One read model: its live rows, those that the log gives, and how many are missing, too many, or not equal."""

    table: str
    live: int
    rebuilt: int
    different: int


async def rebuild(dsn: str, *, switch: bool = False) -> list[Comparison]:
    """Build all read models from the log, beside the live ones, and compare; with `switch` put them in their place.

    Commands go on meanwhile. What they commit after the rebuild began is caught up with at the switch, in the one
    transaction that also replaces the rows that differ; appends wait for it.

    Args:
        dsn: the schema owner's. The schema `rebuild` is made anew, and dropped in the end.

    Returns:
        A comparison per table, as of one instant, before the switch.

    Raises:
        UnavailableError: the server cannot be reached.
    """
    mapper = LedgerMapper()
    with unavailable():
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            tables = await _create(connection)
            await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
            async with connection.transaction():
                position = await _position(connection)
                await _build(connection, mapper, _ALL)
                comparisons = [await _compare(connection, table) for table in tables]
            await connection.set_isolation_level(psycopg.IsolationLevel.READ_COMMITTED)
            if switch:
                async with connection.transaction():
                    await connection.execute(_LEDGER_LOCK)
                    await _build(connection, mapper, _SINCE.format(position))
                    comparisons = [await _compare(connection, table) for table in tables]
                    for table in tables:
                        await connection.execute(_DELETE.format(Identifier(table)))
                        await connection.execute(_COPY.format(Identifier(table)))
            await connection.execute("drop schema rebuild cascade")
    return comparisons


async def _create(connection: Connection) -> list[str]:
    """Empty tables of the same form in the schema `rebuild`; their names.

    Without unique keys: while streams are caught up with one after the other, two may seem to have the same.
    """
    cursor = await connection.execute("select name from read_models order by name")
    tables = [name for (name,) in await cursor.fetchall()]
    async with connection.transaction():
        await connection.execute("drop schema if exists rebuild cascade")
        await connection.execute("create schema rebuild")
        for table in tables:
            create = SQL("create table rebuild.{0} (like public.{0} including all excluding indexes, primary key (id))")
            await connection.execute(create.format(Identifier(table)))
    return tables


async def _position(connection: Connection) -> int:
    row = await (await connection.execute("select coalesce(max(notification_id), 0) from events")).fetchone()
    assert row is not None
    return int(row[0])


async def _build(connection: Connection, mapper: LedgerMapper, declare_log: str) -> None:
    """Write the rows of every stream that the statement reads."""
    await connection.execute(declare_log.encode())
    rows: list[views.Row] = []
    async for stream in _streams(connection):
        rows += views.rows(replay(mapper, stream))
        if len(rows) >= PAGE_SIZE:
            await _write(connection, rows)
            rows = []
    await _write(connection, rows)
    await connection.execute("close log")


async def _streams(connection: Connection) -> AsyncIterator[list[StoredEvent]]:
    stream: list[StoredEvent] = []
    async with connection.cursor(binary=True) as cursor:
        while page := await (await cursor.execute(f"fetch {PAGE_SIZE} from log")).fetchall():
            for event in (StoredEvent(*row) for row in page):
                if stream and stream[0].originator_id != event.originator_id:
                    yield stream
                    stream = []
                stream.append(event)
    if stream:
        yield stream


async def _write(connection: Connection, rows: Iterable[views.Row]) -> None:
    by_table: dict[str, list[tuple[UUID, UUID, str]]] = defaultdict(list)
    for row in rows:
        by_table[row.table].append((row.id, row.organization_id, msgspec.json.encode(row.doc).decode()))
    for table, values in by_table.items():
        columns = [list(column) for column in zip(*values, strict=True)]
        await connection.execute(_INSERT.format(Identifier(table)), columns)


async def _compare(connection: Connection, table: str) -> Comparison:
    row = await (await connection.execute(_COMPARE.format(Identifier(table)))).fetchone()
    assert row is not None
    return Comparison(table, *row)
