"""Appends of concurrent callers share a transaction: while one commits the next gathers. Each keeps a fate of its own.

Source: engine 1.9, 0.3 (no pipeline mode: it can hang on large values).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from domain.kernel.errors import UnavailableError
from projections.ledger.appending import Append, Appended, AppendRefusedError, find, send
from projections.postgres import Connection, unavailable

MAX_APPENDS = 500
MAX_BYTES = 8 << 20
"""Of events and rows in one transaction; a larger append has one to itself."""

_PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class _Waiting:
    append: Append
    answer: asyncio.Future[Appended]
    versions: set[tuple[Any, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.versions = {(event.originator_id, event.originator_version) for event in self.append.events}

    def settle(self, outcome: Appended | Exception) -> None:
        """Answer, unless the caller has its answer or has gone."""
        if self.answer.done():
            return
        if isinstance(outcome, Appended):
            self.answer.set_result(outcome)
        else:
            self.answer.set_exception(outcome)


class GroupCommit:
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
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def append(self, append: Append) -> Appended:
        """Commit.

        Raises:
            ConflictError: one of the versions is taken.
            DuplicateError: a unique constraint of a row, or of the command's key (`commands_pkey`).
            AppendRefusedError: the database refuses a value.
            UnavailableError: the server cannot be reached. Nothing is committed, unless the connection was lost on the
                way and the server did not come back in time to be asked: then it may be.
        """
        assert append.events or append.command
        if self._closing:
            raise UnavailableError("ledger")
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="group commit")
        waiting = _Waiting(append, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake.set()
        return await waiting.answer

    async def close(self) -> None:
        """Refuse what waits, finish what is being committed, and disconnect."""
        self._closing = True
        while self._queue:
            self._queue.popleft().settle(UnavailableError("ledger"))
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._disconnect()

    async def _run(self) -> None:
        batch: list[_Waiting] = []
        try:
            while not self._closing:
                if not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                batch = self._take()
                behind = len(self._queue)
                try:
                    await self._commit(batch)
                except Exception as error:  # whatever it is, somebody waits for an answer
                    if isinstance(error, UnavailableError):  # so long waited who stood behind the batch, too
                        batch += [self._queue.popleft() for _ in range(min(behind, len(self._queue)))]
                    for waiting in batch:
                        waiting.settle(error)
        finally:  # cancelled with its event loop
            self._closing = True
            for waiting in (*batch, *self._queue):
                waiting.settle(UnavailableError("ledger"))

    def _take(self) -> list[_Waiting]:
        """The next batch. Of two appends that want the same version of a stream the later waits, to fail properly."""
        batch: list[_Waiting] = []
        later: list[_Waiting] = []
        versions: set[tuple[Any, int]] = set()
        size = 0
        while self._queue and len(batch) < MAX_APPENDS:
            waiting = self._queue.popleft()
            if waiting.answer.cancelled():
                continue
            if not versions.isdisjoint(waiting.versions):
                later.append(waiting)
                continue
            size += waiting.append.size
            if batch and size > MAX_BYTES:
                later.append(waiting)
                break
            versions |= waiting.versions
            batch.append(waiting)
        self._queue.extendleft(reversed(later))
        return batch

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Try until the batch has an answer, or patience ends.

        A connection that is lost leaves open whether its transaction committed. Sending the same events again settles
        that: either they commit now, and the first can no more, or their versions are taken, and by whom is looked up.
        """
        deadline = time.monotonic() + self._patience_seconds
        sent = again = False
        while batch := [waiting for waiting in batch if not waiting.answer.done()]:
            try:
                with unavailable():
                    connection = await self._connected()
                    sent = True
                    await self._send(connection, batch, again)
            except UnavailableError as error:
                await self._disconnect()
                if time.monotonic() > deadline or (sent and _rolled_back(error.__cause__)):
                    raise
                again |= sent
                sent = False
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _send(self, connection: Connection, batch: list[_Waiting], again: bool) -> None:
        try:
            outcomes = await send(connection, [waiting.append for waiting in batch])
        except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError, ValueError) as error:
            # a value that does not even reach the function
            if len(batch) == 1:
                raise AppendRefusedError(str(error)) from error
            for waiting in batch:
                try:
                    await self._send(connection, [waiting], again)
                except AppendRefusedError as its_own:
                    waiting.settle(its_own)
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            stored = await find(connection, waiting.append) if again and isinstance(outcome, Exception) else None
            waiting.settle(stored or outcome)

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await self._connect()
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


def _rolled_back(error: BaseException | None) -> bool:
    """Whether the server itself said that it gave up, and goes on living: such a transaction never commits."""
    return isinstance(error, psycopg.Error) and error.diag.severity_nonlocalized == "ERROR"
