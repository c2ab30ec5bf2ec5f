"""The events that the code knows, and a made-up one of each: what `write_events` stores and `test_events` looks for."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from eventsourcing.domain import AggregateEvent
from eventsourcing.utils import get_topic

from domain.kernel.aggregate import Aggregate
from projections.ledger.mapper import register_topics

FOLDER = Path(__file__).parent / "events"
ORIGINATOR_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")

_SAMPLES: dict[Any, Any] = {
    UUID: UUID("01890a5d-ac96-774b-bcce-b302099a8058"),
    Decimal: Decimal("12.3450"),
    datetime: datetime(2026, 1, 31, 12, 30, 15, 250000, tzinfo=UTC),
    date: date(2026, 2, 28),
    bool: True,
    int: 7,
    str: "text",
    Any: "anything",
}


@dataclass(frozen=True, slots=True)
class EventClass:
    """A class of events with a topic of its own, and the aggregate that it belongs to."""

    aggregate: type[Aggregate]
    event: type[AggregateEvent]

    @property
    def path(self) -> Path:
        """Where the golden one of this topic and version is."""
        version = getattr(self.event, "class_version", 1)
        return FOLDER / f"{get_topic(self.event)}.v{version}.json"

    def sample(self) -> AggregateEvent:
        """One with a value for every field, and none of them empty."""
        hints = get_type_hints(self.event, include_extras=True)
        values = {field.name: sample(hints[field.name]) for field in dataclasses.fields(self.event)}
        if "originator_topic" in values:
            values["originator_topic"] = get_topic(self.aggregate)
        return self.event(**{**values, "originator_id": ORIGINATOR_ID, "originator_version": 1})


def event_classes() -> Iterator[EventClass]:
    register_topics()
    aggregates = list(Aggregate.__subclasses__())
    for aggregate in aggregates:
        aggregates += aggregate.__subclasses__()
        if not aggregate.__module__.startswith("domain."):
            continue
        for member in vars(aggregate).values():
            if isinstance(member, type) and issubclass(member, AggregateEvent) and hasattr(member, "TOPIC"):
                yield EventClass(aggregate, member)


def sample(hint: Any) -> Any:
    """A value of the annotated type; of a union the first that is not None."""
    if hint in _SAMPLES:
        return _SAMPLES[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint, include_extras=True)
        return hint(**{field.name: sample(hints[field.name]) for field in dataclasses.fields(hint)})
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return sample(next(argument for argument in arguments if argument is not types.NoneType))
    if origin is tuple:
        return tuple(sample(argument) for argument in arguments if argument is not ...)
    if origin in (list, Sequence):
        return [sample(arguments[0])]
    if origin in (dict, Mapping):
        return {sample(arguments[0]): sample(arguments[1])}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    assert isinstance(hint, TypeVar), f"no sample of {hint}"
    return None  # of the library's own, which the caller replaces
