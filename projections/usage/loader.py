"""Copies the ingest log to ClickHouse, each row exactly once.

A range of rows is named before it is inserted, and its name is the insert's token: whatever ends between the two, the
next try inserts the same rows under the same token, and ClickHouse takes what it does not have (an insert is atomic per
month). Where rows were deleted, to be loaded again, names are new ones: ClickHouse remembers the old ones all the same.
Source: engine 0.6, 2.1, 3.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import structlog

from domain.kernel.errors import UnavailableError
from projections.postgres import Connection, Database, unavailable
from projections.settings import Settings
from projections.usage.lines import with_seq
from projections.usage.loaded import LOADED, LOADING
from projections.usage.store import UsageStore, connector

MAX_ROWS = 1_000
MAX_BYTES = 32 << 20
MAX_EVENTS = 100_000
"""Of the log, in one insert. A row that is larger has one to itself."""

_LEADER_LOCK = 4245
_SECONDS_BETWEEN_LOOKS = 1.0
"""How long a notification may be missed, and how often who does not lead asks whether it may."""

_PAUSE_SECONDS = 0.5

RELOADS = "usage_reloads"
"""No position, though kept among them: how often some of the log was loaded again."""

_POSITIONS = """
select coalesce(max(position) filter (where name = %s), 0), coalesce(max(position) filter (where name = %s), 0),
       coalesce(max(position) filter (where name = %s), 0)
from positions
"""
_NEXT = """
insert into positions (name, position)
select %s, max(seq) from (
  select seq, row_number() over w as row, sum(octet_length(body)) over w as bytes, sum(events) over w as events
  from ingest_log where seq > %s window w as (order by seq) order by seq limit %s
) as log
where row = 1 or (bytes <= %s and events <= %s)
having count(*) > 0
on conflict (name) do update set position = excluded.position
returning position
"""
_ROWS = "select seq, body from ingest_log where seq > %s and seq <= %s order by seq"
_BACK = """
with back as (update positions set position = %s where name in (%s, %s))
insert into positions (name, position) values (%s, 1) on conflict (name) do update set position = positions.position + 1
"""
_DONE = """
insert into positions (name, position) values (%s, %s)
on conflict (name) do update set position = excluded.position
"""

_log = structlog.get_logger()


async def run(settings: Settings, stop: asyncio.Event | None = None) -> None:
    """The role `loader`, until `stop` is set or the task is cancelled. Owns chDB where that is embedded.

    It may be ended at any point. Several may run: one at a time copies.
    """
    assert settings.database_url is not None, "the embedded stack sets it"
    assert settings.clickhouse_url is not None, "the embedded stack sets it"
    url = settings.clickhouse_url.get_secret_value()
    async with AsyncExitStack() as stack:
        if settings.clickhouse_path is not None:
            from projections.usage.chdb_server import serving  # chDB is half a gigabyte that a server does not need

            stack.enter_context(serving(Path(settings.clickhouse_path), url))
        store = UsageStore(connector(url))
        stack.push_async_callback(store.close)
        await follow(Database(settings.database_url.get_secret_value()), store, stop or asyncio.Event())


async def follow(database: Database, store: UsageStore, stop: asyncio.Event) -> None:
    """Copy what is committed, as it is committed, until `stop` is set. What is away is tried again."""
    created = False
    while not stop.is_set():
        try:
            if not created:
                await store.create()
                created = True
            connection = await database.connect()
            try:
                await _lead(connection, store, stop)
            finally:
                await connection.close()
        except UnavailableError as error:
            _log.warning("usage cannot be loaded", what=error.what, because=str(error.__cause__)[:300])
            await asyncio.sleep(_PAUSE_SECONDS)


async def copy_next(connection: Connection, store: UsageStore) -> bool:
    """Copy the next range; whether there was one. Raises `UnavailableError`."""
    with unavailable():
        row = await (await connection.execute(_POSITIONS, (LOADED, LOADING, RELOADS), prepare=True)).fetchone()
        assert row is not None
        loaded, loading, reloads = row
        if loading <= loaded:
            limits = (LOADING, loaded, MAX_ROWS, MAX_BYTES, MAX_EVENTS)
            row = await (await connection.execute(_NEXT, limits, prepare=True)).fetchone()
            if row is None:
                return False
            (loading,) = row
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(_ROWS, (loaded, loading), prepare=True)
            lines = [with_seq(seq, body) for seq, body in await cursor.fetchall()]
    await store.insert(b"".join(lines), f"ingest-log-{reloads}-{loaded}-{loading}")
    await store.mark(loading)
    with unavailable():
        await connection.execute(_DONE, (LOADED, loading), prepare=True)
    return True


async def _lead(connection: Connection, store: UsageStore, stop: asyncio.Event) -> None:
    with unavailable():
        while not await _elected(connection):
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            if stop.is_set():
                return
        await connection.execute("listen ingest_log")
        await _heal(connection, store)
        while not stop.is_set():
            while await copy_next(connection, store):
                pass
            async for _ in connection.notifies(timeout=_SECONDS_BETWEEN_LOOKS, stop_after=1):
                pass


async def _heal(connection: Connection, store: UsageStore) -> None:
    """Where the store holds less than it was given (lost, or restored from a backup), load the rest again."""
    row = await (await connection.execute(_POSITIONS, (LOADED, LOADING, RELOADS), prepare=True)).fetchone()
    assert row is not None
    marked = await store.marked()
    if marked < row[0]:
        _log.error("usage was lost from the store, loading it again", loaded=row[0], found=marked)
        await store.forget_after(marked)
        await connection.execute(_BACK, (marked, LOADED, LOADING, RELOADS))


async def _elected(connection: Connection) -> bool:
    row = await (await connection.execute("select pg_try_advisory_lock(%s)", (_LEADER_LOCK,))).fetchone()
    return row == (True,)
