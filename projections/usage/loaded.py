"""How far the ingest log goes, and how much of it is in ClickHouse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from domain.kernel.errors import UnavailableError
from projections.followers import Followed
from projections.postgres import Database
from projections.usage.coalesce import Coalescer
from projections.usage.store import UsageStore

LOADED = "usage_loaded"
"""The position in `positions` up to which (inclusive) the log is in ClickHouse."""

LOADING = "usage_loading"
"""The position that the loader is about to reach."""

_LAST = "select coalesce(max(seq), 0) from ingest_log"
_TRUSTED_SECONDS = 2.0


class Loaded:
    """Waits for the loader. Whoever waits at one time shares the asking.

    Args:
        patience_seconds: how long at most.
    """

    def __init__(self, database: Database, store: UsageStore, *, patience_seconds: float = 10.0) -> None:
        self._database, self._store = database, store
        self._last: Coalescer[None, int] = Coalescer(self._read_last)
        self._loader = Followed(database, LOADED, what="usage loader", patience_seconds=patience_seconds)
        self._looking: asyncio.Task[None] | None = None
        self._marked, self._trusted_until = 0, 0.0

    async def acknowledged(self) -> int:
        """The position of the last row that is committed, 0 where there is none. Raises `UnavailableError`."""
        [position] = await self._last.load([None])
        return position

    async def _read_last(self, asked: Sequence[None]) -> list[int]:
        async with self._database.unbound() as connection:
            row = await (await connection.execute(_LAST, prepare=True)).fetchone()
        assert row is not None
        return [int(row[0])] * len(asked)

    async def reach(self, position: int) -> None:
        """Return once the log is loaded up to `position`.

        Raises:
            UnavailableError: it is not in time.
        """
        await self._loader.reach(position)
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
            self._loader.forget()
            raise UnavailableError("usage: the store has lost events, they are loaded again")

    async def _look(self) -> None:
        self._marked = await self._store.marked()
        self._trusted_until = time.monotonic() + _TRUSTED_SECONDS
