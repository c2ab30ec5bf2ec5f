"""Domain events as they are stored: JSON by msgspec, read back into the types of the event's annotations."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from datetime import datetime
from functools import cache
from typing import Annotated, Any, get_type_hints
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import JSONTranscoder, Mapper, MapperDeserialisationError, StoredEvent
from eventsourcing.utils import get_topic, resolve_topic

import domain

_OF_THE_STREAM = ("originator_id", "originator_version")

_encode = msgspec.json.Encoder().encode


class _Version(msgspec.Struct):
    class_version: int = 1


_decode_version = msgspec.json.Decoder(_Version).decode


class LedgerMapper(Mapper[UUID]):
    """The library's mapper, but for how a state is written.

    A state is a JSON object of the event's own fields, and of `class_version` where that is above 1. Nested frozen
    dataclasses, tuples, Decimals and UUIDs (strings), instants (RFC 3339) and dates come back as what they were.
    """

    def __init__(self) -> None:
        super().__init__(JSONTranscoder())  # the base class wants one; it is not used
        register_topics()

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        state = dict(vars(domain_event))
        originator_id, originator_version = (state.pop(name) for name in _OF_THE_STREAM)
        for name, value in state.items():
            assert not isinstance(value, datetime) or value.tzinfo is not None, f"{name} is not aware"
        class_version = _class_version(type(domain_event))
        if class_version > 1:
            state["class_version"] = class_version
        return StoredEvent(originator_id, originator_version, get_topic(type(domain_event)), _encode(state))

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Raises `MapperDeserialisationError` where the state is not of the event's class, or of a later version."""
        kind = resolve_topic(stored_event.topic)
        try:
            state = _decode(kind, stored_event.state)
        except msgspec.DecodeError as error:
            raise MapperDeserialisationError(
                f"{stored_event.topic} {stored_event.originator_id}:{stored_event.originator_version}: {error}"
            ) from error
        state["originator_id"] = stored_event.originator_id
        state["originator_version"] = stored_event.originator_version
        event: DomainEventProtocol[UUID] = object.__new__(kind)
        object.__setattr__(event, "__dict__", state)
        return event


def _decode(kind: type, state: bytes) -> dict[str, Any]:
    class_version = _class_version(kind)
    stored_version = _decode_version(state).class_version if class_version > 1 else 1
    if stored_version == class_version:
        return msgspec.structs.asdict(_decoder(kind).decode(state))
    if stored_version > class_version:
        raise msgspec.DecodeError(f"version {stored_version} is newer than this code")
    values: dict[str, Any] = msgspec.json.decode(state)
    for version in range(values.pop("class_version", 1), class_version):
        getattr(kind, f"upcast_v{version}_v{version + 1}")(values)
    return msgspec.structs.asdict(msgspec.convert(values, _decoder(kind).type))


def _class_version(kind: type) -> int:
    version: int = getattr(kind, "class_version", 1)
    return version


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    """A decoder of the event's fields, but for those of its stream. Instants must have an offset."""
    hints = get_type_hints(kind, include_extras=True)
    fields: list[Any] = []
    for field in dataclasses.fields(kind):
        if field.name in _OF_THE_STREAM:
            continue
        hint = Annotated[datetime, msgspec.Meta(tz=True)] if hints[field.name] is datetime else hints[field.name]
        default = () if field.default is dataclasses.MISSING else (field.default,)
        fields.append((field.name, hint, *default))
    return msgspec.json.Decoder(msgspec.defstruct(kind.__name__, fields, kw_only=True))


@cache
def register_topics() -> None:
    """Import the whole domain: a stored topic names a class only once the class has been defined."""
    for module in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}."):
        importlib.import_module(module.name)
