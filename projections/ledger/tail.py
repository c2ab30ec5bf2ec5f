"""Following the log of events: whole pages, in order, none missed, from where the last one who did so came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import StoredEvent

from domain.kernel.errors import UnavailableError
from projections.ledger.mapper import LedgerMapper
from projections.postgres import Connection, Database, unavailable

PAGE_SIZE: Final = 500
POLL_SECONDS: Final = 1.0
"""How long a lost notification, or the end of another follower, may go unnoticed."""

_POSITION = "select position from positions where name = %s"
_STORE = """insert into positions (name, position) values (%s, %s)
            on conflict (name) do update set position = greatest(positions.position, excluded.position)"""
_PAGE = """select notification_id, originator_id, originator_version, topic, state
           from events where notification_id > %b order by notification_id limit %b"""
_LEAD = "select pg_try_advisory_lock(4245, hashtext(%s))"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event and its place in the log. Places ascend in the order of commits; there are gaps."""

    notification_id: int
    event: DomainEventProtocol[UUID]


Handle = Callable[[Sequence[Recorded]], Awaitable[None]]


async def follow(database: Database, name: str, handle: Handle, *, topics: Collection[str]) -> None:
    """Hand the events with these topics to `handle`, page by page, for as long as it is not cancelled.

    Of several that follow under one name one does, the others stand by. The position is stored after `handle` returns,
    so a page may come again, after a crash or where `handle` raised: it must be idempotent. While the database cannot
    be reached, or `handle` says so of something else (`UnavailableError`), it waits and tries again.

    Args:
        name: of the position; a new name begins with the first event ever.
        topics: what is decoded and handed over; events of other topics are passed by.
    """
    mapper = LedgerMapper()
    while True:
        try:
            async with _leading(database, name) as connection:
                position = await read_position(database, name)
                while True:
                    position = await _catch_up(database, name, position, handle, mapper, frozenset(topics))
                    await _notified(connection)
        except UnavailableError as error:
            _log.warning("follow.unavailable", name=name, what=error.what)
            await asyncio.sleep(POLL_SECONDS)


async def read_position(database: Database, name: str) -> int:
    """How far a follower has come: 0 where none has begun."""
    async with database.unbound() as connection:
        row = await (await connection.execute(_POSITION, (name,))).fetchone()
        return row[0] if row else 0


@asynccontextmanager
async def _leading(database: Database, name: str) -> AsyncIterator[Connection]:
    """A connection that listens, and that alone holds the name: both end with it."""
    connection = await database.connect()
    try:
        with unavailable():
            await connection.execute("listen events")
            while await (await connection.execute(_LEAD, (name,))).fetchone() != (True,):  # noqa: ASYNC110 - no event
                await asyncio.sleep(POLL_SECONDS)
        yield connection
    finally:
        await connection.close()


async def _notified(connection: Connection) -> None:
    with unavailable():
        async for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass


async def _catch_up(
    database: Database, name: str, position: int, handle: Handle, mapper: LedgerMapper, topics: frozenset[str]
) -> int:
    """Handle all pages that there are; the position after them."""
    while page := await _read(database, position):
        recorded = [Recorded(n, mapper.to_domain_event(event)) for n, event in page if event.topic in topics]
        if recorded:
            await handle(recorded)
        position = page[-1][0]
        async with database.unbound() as connection:
            await connection.execute(_STORE, (name, position), prepare=True)
        if len(page) < PAGE_SIZE:
            break
    return position


async def _read(database: Database, position: int) -> list[tuple[int, StoredEvent]]:
    async with database.unbound() as connection, connection.cursor(binary=True) as cursor:
        await cursor.execute(_PAGE, (position, PAGE_SIZE), prepare=True)
        return [(row[0], StoredEvent(*row[1:])) for row in await cursor.fetchall()]
