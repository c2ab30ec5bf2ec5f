"""The ledger on PostgreSQL: streams are read by one query each, and committed through the group commit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import StoredEvent
from eventsourcing.utils import get_topic
from psycopg.sql import SQL, Composed, Identifier

from domain.kernel.errors import NotFoundError
from domain.kernel.ledger import SequenceNumber
from projections import views
from projections.ledger.appending import Append
from projections.ledger.group_commit import GroupCommit
from projections.ledger.mapper import LedgerMapper
from projections.postgres import Database
from projections.usage.coalesce import Coalescer

A = TypeVar("A", bound=Aggregate)

COMMAND_CONSTRAINT: Final = "commands_pkey"
"""`DuplicateError.constraint` of a command that was committed before: see `PostgresLedger.find_command`."""

_COLUMNS = "select originator_id, originator_version, topic, state from events"
_EXISTS = "select from events where originator_id = %s limit 1"
_LOAD = f"{_COLUMNS} where originator_id = any(%b::uuid[]) order by originator_id, originator_version"
_FIND = SQL(
    "select asked.question, e.originator_id, e.originator_version, e.topic, e.state "
    "from {asked} cross join lateral ("
    "select v.id from {table} v where v.organization_id = %b and v.deleted_at is null{matches} offset 0"
    ") as found join events e on e.originator_id = found.id "
    "order by asked.question, e.originator_id, e.originator_version"
)
"""`offset 0` holds the planner to a look-up in the index for each question. Left to itself, and without statistics of a
young table, it reads all rows of the organization and compares each with each question."""

_COMMAND = "select fingerprint, topic, aggregate_id from commands where organization_id = %b and key = %s"


@dataclass(frozen=True, slots=True)
class CommandKey:
    """What a client called its command (`Idempotency-Key`), and a hash of what it asked for."""

    organization_id: UUID
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was committed, and the aggregate that its append named first."""

    key: CommandKey
    topic: str
    aggregate_id: UUID


current_command: ContextVar[CommandKey | None] = ContextVar("current_command", default=None)
"""Set by the API around a command. A command ends in one append, which commits its key: a second is a duplicate."""


class PostgresLedger:
    """Implements `domain.kernel.ledger.Ledger`. Belongs to the event loop that uses it first.

    Reads that are asked for while another one runs share the next query, as appends share a transaction.
    """

    def __init__(self, database: Database, *, patience_seconds: float = 5.0) -> None:
        self._database = database
        self._mapper = LedgerMapper()
        self._commits = GroupCommit(database.connect, patience_seconds=patience_seconds)
        self._streams: Coalescer[UUID, list[StoredEvent]] = Coalescer(self._read_streams)
        self._readers: dict[
            tuple[type[Aggregate], UUID, tuple[str, ...]], Coalescer[tuple[str, ...], list[list[StoredEvent]]]
        ] = {}

    async def close(self) -> None:
        await self._commits.close()

    async def load(self, kind: type[A], aggregate_id: UUID) -> A:
        return (await self.load_many(kind, [aggregate_id]))[0]

    async def exists(self, aggregate_id: UUID) -> bool:
        async with self._database.unbound() as connection:
            return await (await connection.execute(_EXISTS, (aggregate_id,), prepare=True)).fetchone() is not None

    async def load_many(self, kind: type[A], ids: Sequence[UUID]) -> list[A]:
        found: list[A] = []
        for stream in await self._streams.load(ids):
            aggregate = replay(self._mapper, stream) if stream else None
            if not isinstance(aggregate, kind):
                raise _not_found(kind)
            found.append(aggregate)
        return found

    async def history(self, kind: type[A], aggregate_id: UUID) -> list[A]:
        """The aggregate as of now, and as it was before each of its events but the first, the latest first.

        Raises:
            NotFoundError: as `load`.
        """
        [stream] = await self._streams.load([aggregate_id])
        past = [replay(self._mapper, stream[:length]) for length in range(len(stream), 0, -1)]
        found = [aggregate for aggregate in past if isinstance(aggregate, kind)]
        if not found:
            raise _not_found(kind)
        return found

    async def find(self, kind: type[A], organization_id: UUID, **key: str) -> A | None:
        """As the port says."""
        found = await self.find_all(kind, organization_id, **key)
        assert len(found) <= 1, f"{kind.__qualname__} has several with {key}: that is no key"
        return found[0] if found else None

    async def find_all(self, kind: type[A], organization_id: UUID, **key: str) -> list[A]:
        names = tuple(sorted(key))
        reader = self._readers.get((kind, organization_id, names))
        if reader is None:
            read = partial(self._read_found, organization_id, find_statement(kind, names))
            reader = self._readers[kind, organization_id, names] = Coalescer(read)
        [streams] = await reader.load([tuple(key[name] for name in names)])
        found = [replay(self._mapper, stream) for stream in streams]
        return [aggregate for aggregate in found if isinstance(aggregate, kind)]

    async def append(self, *aggregates: Aggregate, sequences: Sequence[SequenceNumber] = ()) -> None:
        """As the port says. After an error the aggregates must be thrown away: their pending events are gone.

        A placeholder may be an attribute of an aggregate, or a field of a dataclass that is one; it is written as a
        whole number, never formatted into a text.

        A command that changes nothing is kept too: done again later, after others have changed what it is about, it
        would have an effect.

        Raises:
            UnavailableError: see `GroupCommit.append`; the command may be tried again with the same ids and key.
        """
        changed = [(aggregate, aggregate.collect_events()) for aggregate in aggregates]
        events = [self._mapper.to_stored_event(event) for _, pending in changed for event in pending]
        command = _command_of(aggregates[0])
        if not events and command is None:
            return
        # Those of new aggregates last: a unique key that another gives up by the same append is free by then.
        in_order = sorted(changed, key=lambda one: bool(one[1]) and one[1][0].originator_version == 1)
        rows = [row for aggregate, pending in in_order if pending for row in views.rows(aggregate)]
        for number in sequences:
            assert any(str(number.placeholder).encode() in event.state for event in events), number
        appended = await self._commits.append(
            Append(
                events,
                [(row.table, row.id, row.organization_id, msgspec.json.encode(row.doc).decode()) for row in rows],
                command,
                sequences,
            )
        )
        numbers = {n.placeholder: value for n, value in zip(sequences, appended.numbers, strict=True)}
        if numbers:
            for aggregate in aggregates:
                vars(aggregate).update(_with_numbers(vars(aggregate), numbers))

    async def find_command(self, organization_id: UUID, key: str) -> Command | None:
        """The command that was committed under this key."""
        async with self._database.connection(organization_id) as connection:
            cursor = await connection.execute(_COMMAND, (organization_id, key), prepare=True)
            row = await cursor.fetchone()
        if row is None:
            return None
        fingerprint, topic, aggregate_id = row
        return Command(CommandKey(organization_id, key, fingerprint), topic, aggregate_id)

    async def _read_streams(self, ids: Sequence[UUID]) -> list[list[StoredEvent]]:
        """The events of each id, in order."""
        async with self._database.unbound() as connection, connection.cursor(binary=True) as cursor:
            await cursor.execute(_LOAD, [list(ids)], prepare=True)
            streams: dict[UUID, list[StoredEvent]] = {}
            for row in await cursor.fetchall():
                streams.setdefault(row[0], []).append(StoredEvent(*row))
        return [streams.get(aggregate_id, []) for aggregate_id in ids]

    async def _read_found(
        self, organization_id: UUID, statement: Composed, keys: Sequence[tuple[str, ...]]
    ) -> list[list[list[StoredEvent]]]:
        """Of each key the streams that have it."""
        columns = [list(column) for column in zip(*keys, strict=True)]
        async with self._database.connection(organization_id) as connection:
            async with connection.cursor(binary=True) as cursor:
                await cursor.execute(statement, [*columns, organization_id], prepare=True)
                rows = await cursor.fetchall()
        found: list[list[list[StoredEvent]]] = [[] for _ in keys]
        for (question, _), stream in groupby(rows, key=itemgetter(0, 1)):
            found[question - 1].append([StoredEvent(*row[1:]) for row in stream])
        return found


@cache
def find_statement(kind: type[Aggregate], names: tuple[str, ...]) -> Composed:
    """The query for streams by these columns: an array of texts for each of them, and the organization."""
    view = views.view(kind)
    assert view.keys >= set(names), f"{kind.__qualname__} is not found by {sorted(set(names) - view.keys)}"
    asked: SQL | Composed = SQL("(values (1::bigint)) as asked (question)")
    if names:
        arrays = SQL(", ").join(SQL("%b::text[]") for _ in names)
        asked = SQL("unnest({}) with ordinality as asked ({}, question)").format(
            arrays, SQL(", ").join(map(Identifier, names))
        )
    matches = (
        SQL(" and v.{0} = asked.{0}{1}").format(Identifier(name), SQL("::uuid" if name in view.uuids else ""))
        for name in names
    )
    return _FIND.format(asked=asked, table=Identifier(view.table), matches=SQL("").join(matches))


def replay(mapper: LedgerMapper, stream: Iterable[StoredEvent]) -> Aggregate:
    """The aggregate that the events of one stream, in order, make."""
    aggregate: Aggregate | None = None
    for stored_event in stream:
        event: Any = mapper.to_domain_event(stored_event)
        aggregate = event.mutate(aggregate)
    assert aggregate is not None, "a stream has an event"
    return aggregate


def _command_of(aggregate: Aggregate) -> tuple[UUID, str, str, str, UUID] | None:
    command = current_command.get()
    if command is None:
        return None
    return command.organization_id, command.key, command.fingerprint, get_topic(type(aggregate)), aggregate.id


def _with_numbers(state: Mapping[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    """The entries that hold a placeholder, themselves or in a field of the dataclass that they are, with the number."""
    changed: dict[str, Any] = {
        name: numbers[value] for name, value in state.items() if type(value) is int and value in numbers
    }
    if len(changed) < len(numbers):
        for name, value in state.items():
            if dataclasses.is_dataclass(value) and not isinstance(value, type):
                fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
                inner = {field: numbers[held] for field, held in fields if type(held) is int and held in numbers}
                if inner:
                    changed[name] = dataclasses.replace(value, **inner)
    return changed


def _not_found(kind: type[Aggregate]) -> NotFoundError:
    return NotFoundError(get_topic(kind))
