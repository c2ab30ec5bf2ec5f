"""Appends of concurrent callers share a transaction: while one commits the next gathers. Each keeps a fate of its own.

Source: engine 1.9, 0.3 (no pipeline mode: it can hang on large values).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing.persistence import StoredEvent

from domain.kernel.errors import ConflictError, DuplicateError, UnavailableError
from domain.kernel.ledger import SequenceNumber
from projections.postgres import Connection, unavailable

MAX_APPENDS = 500
MAX_BYTES = 8 << 20
"""Of events and rows in one transaction; a larger append has one to itself."""

_PAUSE_SECONDS = 0.1
_UNIQUE = ("23505", "23P01")  # unique_violation, exclusion_violation
_COLUMNS = (
    *("int", "uuid", "bigint", "text", "bytea"),  # events
    *("int", "text", "uuid", "uuid", "text"),  # rows
    *("int", "uuid", "text", "text", "text", "uuid"),  # commands
    *("int", "text", "bigint"),  # sequences
)
_FUNCTION = f"ledger_append({', '.join(f'%b::{column}[]' for column in _COLUMNS)})"
_APPEND = f"select request, notification_ids, numbers, refused, refused_by, message from {_FUNCTION}"  # noqa: S608 - constants
_STORED = """select originator_id, originator_version, topic, state, notification_id
             from events join unnest(%b::uuid[], %b::bigint[]) as e (i, v)
             on originator_id = e.i and originator_version = e.v"""


class AppendRefusedError(Exception):
    """The database refused a value of the append: an error of the code, which must not write such things."""


@dataclass(frozen=True, slots=True)
class Append:
    """What one caller wants to be committed, or nothing of it.

    Attributes:
        events: at least one; placeholders of `sequences` stand in their states, and each in one at least.
        rows: (table, id, organization, doc as JSON).
        command: (organization, key, fingerprint, topic, aggregate id).
    """

    events: Sequence[StoredEvent]
    rows: Sequence[tuple[str, UUID, UUID, str]] = ()
    command: tuple[UUID, str, str, str, UUID] | None = None
    sequences: Sequence[SequenceNumber] = ()

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return sum(len(event.state) for event in self.events) + sum(len(doc) for *_, doc in self.rows)


@dataclass(frozen=True, slots=True)
class Appended:
    """Positions in the log, one per event, and what the sequences gave, in the order of the append."""

    notification_ids: list[int]
    numbers: list[int]


@dataclass(slots=True)
class _Waiting:
    append: Append
    answer: asyncio.Future[Appended]
    versions: set[tuple[Any, int]] = field(init=False)

    def __post_init__(self) -> None:
        self.versions = {(event.originator_id, event.originator_version) for event in self.append.events}

    def succeed(self, appended: Appended) -> None:
        if not self.answer.done():
            self.answer.set_result(appended)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


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
        assert append.events
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
            self._queue.popleft().fail(UnavailableError("ledger"))
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
                try:
                    await self._commit(batch)
                except Exception as error:  # whatever it is, somebody waits for an answer
                    for waiting in batch:
                        waiting.fail(error)
        finally:  # cancelled with its event loop
            self._closing = True
            for waiting in (*batch, *self._queue):
                waiting.fail(UnavailableError("ledger"))

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
        while True:
            try:
                with unavailable():
                    connection = await self._connected()
                    sent = True
                    await self._send(connection, [waiting for waiting in batch if not waiting.answer.done()], again)
                return
            except UnavailableError as error:
                await self._disconnect()
                if time.monotonic() > deadline or (sent and _rolled_back(error.__cause__)):
                    raise
                again |= sent
                sent = False
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _send(self, connection: Connection, batch: list[_Waiting], again: bool) -> None:
        try:
            rows = await _append(connection, [waiting.append for waiting in batch])
        except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError, ValueError) as error:
            # a value that does not even reach the function
            if len(batch) == 1:
                raise AppendRefusedError(str(error)) from error
            for waiting in batch:
                try:
                    await self._send(connection, [waiting], again)
                except AppendRefusedError as its_own:
                    waiting.fail(its_own)
            return
        for request, notification_ids, numbers, refused, refused_by, message in rows:
            waiting = batch[request - 1]
            if refused is None:
                waiting.succeed(Appended(notification_ids, numbers or []))
            elif again and (appended := await _find(connection, waiting.append)) is not None:
                waiting.succeed(appended)
            else:
                waiting.fail(_refusal(refused, refused_by, message))

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


def _refusal(sqlstate: str, constraint: str, message: str) -> Exception:
    if sqlstate not in _UNIQUE:
        return AppendRefusedError(f"{sqlstate} {message}")
    return ConflictError() if constraint == "events_pkey" else DuplicateError(constraint)


async def _append(connection: Connection, appends: Sequence[Append]) -> list[tuple[Any, ...]]:
    events = [
        (n, e.originator_id, e.originator_version, e.topic, e.state) for n, a in _numbered(appends) for e in a.events
    ]
    rows = [(n, *row) for n, a in _numbered(appends) for row in a.rows]
    commands = [(n, *a.command) for n, a in _numbered(appends) if a.command is not None]
    sequences = [(n, s.scope, s.placeholder) for n, a in _numbered(appends) for s in a.sequences]
    columns = chain(_columns(events, 5), _columns(rows, 5), _columns(commands, 6), _columns(sequences, 3))
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_APPEND, list(columns), prepare=True)
        return await cursor.fetchall()


def _numbered(appends: Sequence[Append]) -> enumerate[Append]:
    return enumerate(appends, start=1)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


async def _find(connection: Connection, append: Append) -> Appended | None:
    """What became of an append that was sent before: not None if its very events are stored."""
    async with connection.cursor(binary=True) as cursor:
        ids = [event.originator_id for event in append.events]
        await cursor.execute(_STORED, (ids, [event.originator_version for event in append.events]))
        stored = {(row[0], row[1]): row[2:] for row in await cursor.fetchall()}
    notification_ids: list[int] = []
    numbers: dict[int, int] = {}
    for event in append.events:
        topic, state, notification_id = stored.get((event.originator_id, event.originator_version), (None, b"", 0))
        found = _numbers_in(bytes(state), event.state, append.sequences)
        if topic != event.topic or found is None:
            return None
        notification_ids.append(notification_id)
        numbers |= found
    return Appended(notification_ids, [numbers[sequence.placeholder] for sequence in append.sequences])


def _numbers_in(stored: bytes, sent: bytes, sequences: Sequence[SequenceNumber]) -> dict[int, int] | None:
    """The numbers that stand where `sent` has placeholders; None if anything else differs."""
    present = [sequence.placeholder for sequence in sequences if str(sequence.placeholder).encode() in sent]
    if not present:
        return {} if stored == sent else None
    pattern = re.escape(sent)
    for index, placeholder in enumerate(present):
        escaped, group = re.escape(str(placeholder).encode()), f"n{index}".encode()
        pattern = pattern.replace(escaped, b"(?P<%b>\\d+)" % group, 1).replace(escaped, b"(?P=%b)" % group)
    match = re.fullmatch(pattern, stored)
    return match and {placeholder: int(match[f"n{index}"]) for index, placeholder in enumerate(present)}
