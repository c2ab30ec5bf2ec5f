"""The ingest log: requests that arrive together are committed together, each with a fate of its own.

Source: engine 0.6, 2.4, 3; the function `ingest_append` (migration 0003).
"""

from __future__ import annotations

import asyncio
import struct
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from domain.kernel import ids
from domain.kernel.errors import UnavailableError
from projections.postgres import Connection, unavailable

MAX_REQUESTS = 1_000
MAX_BYTES = 8 << 20
"""Of lines in one transaction; a larger request has one to itself."""

MAX_WAITING_BYTES = 64 << 20
"""Of lines that wait for a transaction: beyond, requests are refused, for the server does not keep up."""

_PAUSE_SECONDS = 0.1
_APPEND = "select ingest_append(%b::uuid, %b, %b::bytea, %b::int[], %b::int[], %b::int[])"


class _Uuids(bytes):
    """An array of UUIDs as PostgreSQL's protocol writes it: thousands of keys need no Python object each."""

    @classmethod
    def of(cls, keys: Sequence[bytes]) -> _Uuids:
        if not keys:
            return cls(struct.pack(">iiI", 0, 0, _UUID))
        length = struct.pack(">i", 16)
        return cls(struct.pack(">iiIii", 1, 0, _UUID, len(keys), 1) + length + length.join(keys))


_UUID = 2950
_UUID_ARRAY = 2951


class _UuidsDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_ARRAY

    def dump(self, obj: _Uuids) -> bytes:
        return obj


class _Waiting:
    __slots__ = ("answer", "body", "events", "keys")

    def __init__(self, keys: Sequence[bytes], body: bytes, events: int) -> None:
        self.keys, self.body, self.events = keys, body, events
        self.answer: asyncio.Future[tuple[int, ...]] = asyncio.get_running_loop().create_future()

    def answered(self, taken: tuple[int, ...]) -> None:
        if not self.answer.done():
            self.answer.set_result(taken)

    def failed(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class IngestLog:
    """The one writer of a process, on a connection of its own. Belongs to the event loop that first appends.

    Args:
        connect: makes the connection (`Database.connect`).
        patience_seconds: how long a batch tries to reach the server; its callers wait at most for the batch before
            theirs and their own.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], *, patience_seconds: float = 5.0) -> None:
        self._connect = connect
        self._patience_seconds = patience_seconds
        self._connection: Connection | None = None
        self._queue: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def append(self, keys: Sequence[bytes], body: bytes, events: int) -> tuple[int, ...]:
        """Commit the events of one request, or none of them.

        Args:
            keys: identities (16 bytes each, none twice) of those events that have one.
            body: lines (`lines.encode`).
            events: how many lines, > 0.

        Returns:
            Which of `keys` are taken (indexes, ascending): then nothing was written. () once the events are committed.

        Raises:
            UnavailableError: the server cannot be reached or does not keep up. Nothing is committed, unless the
                connection was lost on the way and the server did not come back in time to be asked: then it may be.
        """
        if self._closing or self._waiting_bytes > MAX_WAITING_BYTES:
            raise UnavailableError("ingest log")
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="ingest log")
        waiting = _Waiting(keys, body, events)
        self._queue.append(waiting)
        self._waiting_bytes += len(body)
        self._wake.set()
        return await waiting.answer

    async def close(self) -> None:
        """Commit what waits, then disconnect."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._disconnect()

    async def _run(self) -> None:
        while self._queue or not self._closing:
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._take()
            behind = len(self._queue)
            try:
                await self._commit(batch)
            except Exception as error:  # whatever it is, somebody waits for an answer
                if self._connection is None:  # patience is over, also that of who waited behind the batch all the time
                    batch += self._pop(behind)
                for waiting in batch:
                    waiting.failed(error)

    def _take(self) -> list[_Waiting]:
        """The next batch. Of two requests with the same key the later waits, to find it taken."""
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        keys: set[bytes] = set()
        size = 0
        while self._queue and len(batch) < MAX_REQUESTS:
            waiting = self._queue.popleft()
            if not keys.isdisjoint(waiting.keys):
                later.append(waiting)
                continue
            size += len(waiting.body)
            if batch and size > MAX_BYTES:
                later.append(waiting)
                break
            keys.update(waiting.keys)
            batch.append(waiting)
        self._queue.extendleft(reversed(later))
        self._waiting_bytes -= sum(len(waiting.body) for waiting in batch)
        return batch

    def _pop(self, number: int) -> list[_Waiting]:
        popped = [self._queue.popleft() for _ in range(number)]
        self._waiting_bytes -= sum(len(waiting.body) for waiting in popped)
        return popped

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Try until the batch has an answer, or patience ends.

        A connection that is lost leaves open whether its transaction committed. The token settles that: calling again
        commits only what the first call has not, and can no more.
        """
        deadline = time.monotonic() + self._patience_seconds
        parameters = _parameters(batch)
        while True:
            try:
                with unavailable():
                    if self._connection is None:
                        self._connection = await self._connected()
                    async with self._connection.cursor(binary=True) as cursor:
                        await cursor.execute(_APPEND, parameters, prepare=True)
                        row = await cursor.fetchone()
                break
            except UnavailableError:
                if self._connection is not None and not self._connection.closed:
                    raise  # it answered: nothing is committed, nor will be
                await self._disconnect()
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)
        assert row is not None
        assert row[0] is not None, "a key twice in one batch"
        _tell(batch, row[0])

    async def _connected(self) -> Connection:
        connection = await self._connect()
        connection.adapters.register_dumper(_Uuids, _UuidsDumper)
        return connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


def _parameters(batch: Sequence[_Waiting]) -> tuple[Any, ...]:
    keys: list[bytes] = []
    key_ends, body_ends, event_ends = [], [], []
    size = events = 0
    for waiting in batch:
        keys += waiting.keys
        size += len(waiting.body)
        events += waiting.events
        key_ends.append(len(keys))
        body_ends.append(size)
        event_ends.append(events)
    token: UUID = ids.new()
    body = b"".join(waiting.body for waiting in batch)
    return token, _Uuids.of(keys), body, key_ends, body_ends, event_ends


def _tell(batch: Sequence[_Waiting], refused: Sequence[int]) -> None:
    """Tell each request which of its own keys are among `refused` (positions in all keys, from 1, ascending)."""
    positions = deque(position - 1 for position in refused)
    start = 0
    for waiting in batch:
        end = start + len(waiting.keys)
        taken = []
        while positions and positions[0] < end:
            taken.append(positions.popleft() - start)
        waiting.answered(tuple(taken))
        start = end
