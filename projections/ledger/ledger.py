"""The ledger on PostgreSQL. Signatures first; the body follows."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.kernel.ledger import SequenceNumber
from projections.postgres import Database

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, slots=True)
class CommandKey:
    """What a client called its command (`Idempotency-Key`) and what it asked (`fingerprint`, a hash of the request)."""

    organization_id: UUID
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was committed: the fingerprint it had, and the aggregate that its append named first."""

    key: CommandKey
    topic: str
    aggregate_id: UUID


current_command: ContextVar[CommandKey | None] = ContextVar("current_command", default=None)


class PostgresLedger:
    def __init__(self, database: Database) -> None: ...
    async def close(self) -> None: ...
    async def load(self, kind: type[A], aggregate_id: UUID) -> A: ...
    async def load_many(self, kind: type[A], ids: Sequence[UUID]) -> list[A]: ...
    async def find(self, kind: type[A], organization_id: UUID, **key: str) -> A | None: ...
    async def append(self, *aggregates: Aggregate, sequences: Sequence[SequenceNumber] = ()) -> None: ...
    async def find_command(self, organization_id: UUID, key: str) -> Command | None: ...
