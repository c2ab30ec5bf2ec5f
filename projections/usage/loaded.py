"""How far the ingest log goes, and how much of it is in ClickHouse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from domain.kernel.errors import UnavailableError
from projections.postgres import Database
from projections.usage.coalesce import Coalescer
from projections.usage.store import UsageStore

LOADED = "usage_loaded"
"""The position in `positions` up to which (inclusive) the log is in ClickHouse."""

LOADING = "usage_loading"
"""The position that the loader is about to reach."""

_TRUSTED_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.05


class Loaded:
    """Waits for the loader. Whoever waits at one time shares the asking.

    Args:
        patience_seconds: how long at most.
    """

    def __init__(self, database: Database, store: UsageStore, *, patience_seconds: float = 10.0) -> None:
        self._database, self._store = database, store
        self._patience_seconds = patience_seconds
        self._last: Coalescer[None, int] = Coalescer(self._read_last)
        self._position = 0
        self._pause_seconds = 0.0
        self._asking: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._marked, self._trusted_until = 0, 0.0

    async def acknowledged(self) -> int:
        """The position of the last row that is committed, 0 where there is none. Raises `UnavailableError`."""
        [position] = await self._last.load([None])
        return position

    async def _read_last(self, asked: Sequence[None]) -> list[int]:
        return [await self._number("select coalesce(max(seq), 0) from ingest_log", ())] * len(asked)

    async def reach(self, position: int) -> None:
        """Return once the log is loaded up to `position`.

        Raises:
            UnavailableError: it is not in time.
        """
        try:
            async with asyncio.timeout(self._patience_seconds):
                while self._position < position:
                    if self._asking is None or self._asking.done():
                        self._asking = asyncio.create_task(self._ask())
                    await asyncio.shield(self._asking)
        except TimeoutError:
            raise UnavailableError("usage loader") from None
        await self.verify(position)

    async def verify(self, position: int) -> None:
        """Be sure that the store still holds what was loaded; looked at again after `_TRUSTED_SECONDS`.

        An emptied store answers as if nothing had ever been used: that must never be billed.

        Raises:
            UnavailableError: it does not, or cannot be asked.
        """
        for _ in range(2):  # a look that others began may have seen what was there before
            if self._marked >= position and time.monotonic() < self._trusted_until:
                return
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
            await asyncio.shield(self._looking)
        if self._marked < position:
            self._position = 0
            raise UnavailableError("usage: the store has lost events, they are loaded again")

    async def _look(self) -> None:
        self._marked = await self._store.marked()
        self._trusted_until = time.monotonic() + _TRUSTED_SECONDS

    async def _ask(self) -> None:
        await asyncio.sleep(self._pause_seconds)
        before = self._position
        self._position = await self._number(
            "select coalesce((select position from positions where name = %s), 0)", (LOADED,)
        )
        if self._position > before:
            self._pause_seconds = 0.0
        else:
            self._pause_seconds = min(max(2 * self._pause_seconds, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)

    async def _number(self, sql: str, parameters: tuple[str, ...]) -> int:
        async with self._database.unbound() as connection:
            row = await (await connection.execute(sql.encode(), parameters, prepare=True)).fetchone()
        assert row is not None
        return int(row[0])
