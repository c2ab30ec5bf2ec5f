"""What all who follow a log share: one of them leads, it is woken by notifications, and its position is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, LiteralString

from domain.kernel.errors import UnavailableError
from projections.postgres import Connection, Database, unavailable

POLL_SECONDS: Final = 1.0
"""How long a lost notification, or the end of another follower, may go unnoticed."""
_FIRST_PAUSE_SECONDS: Final = 0.001
_LONGEST_PAUSE_SECONDS: Final = 0.05

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
            while await (await connection.execute(_LEAD, (name,))).fetchone() != (True,):  # noqa: ASYNC110 - no event
                await asyncio.sleep(POLL_SECONDS)
            await connection.execute(f"listen {channel}")  # not before: who stands by would keep all that it hears
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
        row = await (await connection.execute(_POSITION, (name,), prepare=True)).fetchone()
        return row[0] if row else 0


async def store_position(database: Database, name: str, position: int) -> None:
    """Never backwards."""
    async with database.unbound() as connection:
        await connection.execute(_STORE, (name, position), prepare=True)


class Followed:
    """Waits for a follower. Whoever waits at one time shares the asking.

    Args:
        name: of its position.
        what: what cannot be reached while it lags.
        patience_seconds: how long at most.
    """

    def __init__(self, database: Database, name: str, *, what: str, patience_seconds: float) -> None:
        self._database, self._name, self._what = database, name, what
        self._patience_seconds = patience_seconds
        self._position = 0
        self._pause_seconds = 0.0
        self._asking: asyncio.Task[None] | None = None

    async def reach(self, position: int) -> None:
        """Return once it has come that far.

        Raises:
            UnavailableError: it does not in time.
        """
        try:
            async with asyncio.timeout(self._patience_seconds):
                while self._position < position:
                    if self._asking is None or self._asking.done():
                        self._asking = asyncio.create_task(self._ask())
                    await asyncio.shield(self._asking)
        except TimeoutError:
            raise UnavailableError(self._what) from None

    def forget(self) -> None:
        """It may have to go the way again."""
        self._position = 0

    async def _ask(self) -> None:
        await asyncio.sleep(self._pause_seconds)
        before = self._position
        self._position = await read_position(self._database, self._name)
        if self._position > before:
            self._pause_seconds = 0.0
        else:
            self._pause_seconds = min(max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
