"""What all who follow a log share: one of them leads, it is woken by notifications, and its position is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, LiteralString

from projections.postgres import Connection, Database, unavailable

POLL_SECONDS: Final = 1.0
"""How long a lost notification, or the end of another follower, may go unnoticed."""

_POSITION = "select position from positions where name = %s"
_STORE = """insert into positions (name, position) values (%s, %s)
            on conflict (name) do update set position = greatest(positions.position, excluded.position)"""
_LEAD = "select pg_try_advisory_lock(4245, hashtext(%s))"


@asynccontextmanager
async def leading(database: Database, name: str, channel: LiteralString) -> AsyncIterator[Connection]:
    """A connection that listens to `channel`, and that alone holds the name: both end with it."""
    connection = await database.connect()
    try:
        with unavailable():
            await connection.execute(f"listen {channel}")
            while await (await connection.execute(_LEAD, (name,))).fetchone() != (True,):  # noqa: ASYNC110 - no event
                await asyncio.sleep(POLL_SECONDS)
        yield connection
    finally:
        await connection.close()


async def notified(connection: Connection) -> None:
    """Return when something is new, or may be. Raises UnavailableError."""
    with unavailable():
        async for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            pass


async def read_position(database: Database, name: str) -> int:
    """How far a follower has come: 0 where none has begun."""
    async with database.unbound() as connection:
        row = await (await connection.execute(_POSITION, (name,))).fetchone()
        return row[0] if row else 0


async def store_position(database: Database, name: str, position: int) -> None:
    """Never backwards."""
    async with database.unbound() as connection:
        await connection.execute(_STORE, (name, position), prepare=True)
