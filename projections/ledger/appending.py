"""Appends in one round trip: how they are told to `ledger_append`, and how to find out what became of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from domain.kernel.errors import ConflictError, DuplicateError
from domain.kernel.ledger import SequenceNumber
from projections.postgres import Connection

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
        events: at least one, unless there is a command; placeholders of `sequences` stand in their states, and each in
            one at least.
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


async def send(connection: Connection, appends: Sequence[Append]) -> list[Appended | Exception]:
    """Commit each of them, or none of it. What became of them, in their order: see `GroupCommit.append`.

    Raises psycopg's errors where the server did not get as far as to tell them apart.
    """
    events = [
        (n, e.originator_id, e.originator_version, e.topic, e.state) for n, a in _numbered(appends) for e in a.events
    ]
    rows = [(n, *row) for n, a in _numbered(appends) for row in a.rows]
    commands = [(n, *a.command) for n, a in _numbered(appends) if a.command is not None]
    sequences = [(n, s.scope, s.placeholder) for n, a in _numbered(appends) for s in a.sequences]
    columns = chain(_columns(events, 5), _columns(rows, 5), _columns(commands, 6), _columns(sequences, 3))
    async with connection.cursor(binary=True) as cursor:
        await cursor.execute(_APPEND, list(columns), prepare=True)
        outcomes = {n: _outcome(*outcome) for n, *outcome in await cursor.fetchall()}
    return [outcomes[n] for n, _ in _numbered(appends)]


def _outcome(
    notification_ids: list[int], numbers: list[int] | None, sqlstate: str | None, constraint: str, message: str
) -> Appended | Exception:
    if sqlstate is None:
        return Appended(notification_ids, numbers or [])
    if sqlstate not in _UNIQUE:
        return AppendRefusedError(f"{sqlstate} {message}")
    return ConflictError() if constraint == "events_pkey" else DuplicateError(constraint)


def _numbered(appends: Sequence[Append]) -> enumerate[Append]:
    return enumerate(appends, start=1)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


async def find(connection: Connection, append: Append) -> Appended | None:
    """What became of an append that was sent before: not None if its very events are stored.

    One without events cannot be told from the same command sent by somebody else, and need not: it had no effect.
    """
    if not append.events:
        return None
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
