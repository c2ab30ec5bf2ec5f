"""What all aggregates share."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from eventsourcing.domain import Aggregate as LibraryAggregate

A = TypeVar("A", bound="Aggregate")


class Aggregate(LibraryAggregate):
    """A stream of events of one organization.

    Public attributes are its state as its read model keeps it, so they hold plain values only: frozen dataclasses,
    tuples, dicts of JSON, Decimals, UUIDs, instants and dates.
    """

    if TYPE_CHECKING:  # else the library would make it an argument of every `Created`, also the organization's own
        organization_id: UUID

    @classmethod
    def begin(cls: type[A], aggregate_id: UUID, *, at: datetime, **state: Any) -> A:
        """A new aggregate with this id, by its `Created` event at the instant `at`."""
        created: Any = cls.__dict__["Created"]
        return cls._create(created, id=aggregate_id, timestamp=at, **state)
