"""Following the log of events: whole pages, in order, none missed, from where the last one who did so came to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import StoredEvent

from domain.kernel.errors import UnavailableError
from projections.followers import POLL_SECONDS, leading, notified, read_position, store_position
from projections.ledger.mapper import LedgerMapper
from projections.postgres import Database

PAGE_SIZE: Final = 500
_PAGE = """select notification_id, originator_id, originator_version, topic, state
           from events where notification_id > %b order by notification_id limit %b"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event and its place in the log. Places ascend in the order of commits; there are gaps."""

    notification_id: int
    event: DomainEventProtocol[UUID]


__all__ = ["Recorded", "follow", "read_position"]

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
            async with leading(database, name, "events") as connection:
                position = await read_position(database, name)
                while True:
                    position = await _catch_up(database, name, position, handle, mapper, frozenset(topics))
                    await notified(connection)
        except UnavailableError as error:
            _log.warning("follow.unavailable", name=name, what=error.what)
            await asyncio.sleep(POLL_SECONDS)


async def _catch_up(
    database: Database, name: str, position: int, handle: Handle, mapper: LedgerMapper, topics: frozenset[str]
) -> int:
    """Handle all pages that there are; the position after them."""
    while page := await _read(database, position):
        recorded = [Recorded(n, mapper.to_domain_event(event)) for n, event in page if event.topic in topics]
        if recorded:
            await handle(recorded)
        position = page[-1][0]
        await store_position(database, name, position)
        if len(page) < PAGE_SIZE:
            break
    return position


async def _read(database: Database, position: int) -> list[tuple[int, StoredEvent]]:
    async with database.unbound() as connection, connection.cursor(binary=True) as cursor:
        await cursor.execute(_PAGE, (position, PAGE_SIZE), prepare=True)
        return [(row[0], StoredEvent(*row[1:])) for row in await cursor.fetchall()]
