"""The ledger as commands see it: aggregates are loaded, decide, and are appended; that append is the only commit."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from eventsourcing.domain import Aggregate

A = TypeVar("A", bound=Aggregate)


@dataclass(frozen=True, slots=True)
class SequenceNumber:
    """The next number of a gapless sequence, known once the append commits.

    The append itself takes the number (it is the one place where writers meet), so nobody waits for anybody and a
    refused append leaves no gap. Until then `placeholder` stands in events and rows where the number will be.

    Attributes:
        scope: names the sequence, unique in the ledger (so it holds the organization's id).
        placeholder: a negative random number that no input can forge.
    """

    scope: str
    placeholder: int

    @classmethod
    def next(cls, scope: str) -> SequenceNumber:
        return cls(scope, -secrets.randbits(62) - (1 << 61))


class Ledger(Protocol):
    """Streams of events of aggregates. Implemented on PostgreSQL by `projections/ledger/`."""

    async def load(self, kind: type[A], aggregate_id: UUID) -> A:
        """The aggregate as of now.

        Raises:
            NotFoundError: no event of this id; the resource is the kind's topic.
        """
        ...

    async def exists(self, aggregate_id: UUID) -> bool:
        """Whether any event has this id."""
        ...

    async def load_many(self, kind: type[A], ids: Sequence[UUID]) -> list[A]:
        """Several at once, in the order asked for, by one query. Raises as `load`."""
        ...

    async def find(self, kind: type[A], organization_id: UUID, **key: str) -> A | None:
        """The one that is not deleted and has these values in the indexed columns of its read model, else None."""
        ...

    async def find_all(self, kind: type[A], organization_id: UUID, **key: str) -> list[A]:
        """All that are not deleted and have these values, by one query, in the order of their ids."""
        ...

    async def append(self, *aggregates: Aggregate, sequences: Sequence[SequenceNumber] = ()) -> None:
        """Commit the pending events of all, the rows that follow from them and the command's key, or nothing.

        Attributes of the aggregates that held a placeholder of `sequences` hold the number afterwards.

        Raises:
            ConflictError: one of the aggregates has moved on since it was loaded (or exists already).
            DuplicateError: a unique constraint of a read model.
        """
        ...
