"""Events come back from JSON as they were, whatever their fields hold, and old versions as new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.aggregate import Aggregate
from projections.ledger.mapper import LedgerMapper

MAPPER = LedgerMapper()
AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    weight: Decimal
    kind: Literal["small", "large"] = "small"
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Parcel(Aggregate):
    TOPIC = "test_parcel"

    class Created(Aggregate.Created):
        TOPIC = "test_parcel.created"
        organization_id: UUID

    class Packed(Aggregate.Event):
        TOPIC = "test_parcel.packed"
        class_version = 3  # 2: sender; 3: parts instead of one part
        parts: tuple[Part, ...]
        sender: UUID | None
        ship_on: date
        due_at: datetime | None
        count: int
        extra: Mapping[str, Any]

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["sender"] = None

        @staticmethod
        def upcast_v2_v3(state: dict[str, Any]) -> None:
            state["parts"] = [state.pop("part")]

    def __init__(self, organization_id: UUID) -> None:
        self.organization_id = organization_id


def packed(**changes: Any) -> Parcel.Packed:
    values: dict[str, Any] = {
        "parts": (Part(weight=Decimal("1.50")), Part(weight=Decimal("-1E+3"), kind="large", labels={"a": ("b", "c")})),
        "sender": UUID(int=7),
        "ship_on": date(2026, 2, 1),
        "due_at": AT.astimezone(timezone(timedelta(hours=5, minutes=30))),
        "count": -(2**63),
        "extra": {"any": [1, "two", None]},
    }
    return Parcel.Packed(originator_id=UUID(int=1), originator_version=2, timestamp=AT, **{**values, **changes})


@given(
    st.lists(st.decimals(allow_nan=False, allow_infinity=False), max_size=3),
    st.datetimes(timezones=st.integers(-839, 839).map(lambda minutes: timezone(timedelta(minutes=minutes)))),
    st.dates(),
    st.one_of(st.none(), st.uuids()),
)
def test_an_event_comes_back_as_it_was(
    weights: list[Decimal], due_at: datetime, ship_on: date, sender: UUID | None
) -> None:
    parts = tuple(Part(weight=weight) for weight in weights)
    event = packed(parts=parts, due_at=due_at, ship_on=ship_on, sender=sender)
    found = MAPPER.to_domain_event(MAPPER.to_stored_event(event))
    assert isinstance(found, Parcel.Packed)
    assert vars(found) == vars(event)
    assert [str(part.weight) for part in found.parts] == [str(weight) for weight in weights]


def test_what_is_stored_is_readable() -> None:
    stored = MAPPER.to_stored_event(packed(extra={}))
    assert stored.topic == "test_parcel.packed"
    assert stored.state == (
        b'{"timestamp":"2026-01-31T12:00:00.123456Z",'
        b'"parts":[{"weight":"1.50","kind":"small","labels":{}},'
        b'{"weight":"-1E+3","kind":"large","labels":{"a":["b","c"]}}],'
        b'"sender":"00000000-0000-0000-0000-000000000007","ship_on":"2026-02-01",'
        b'"due_at":"2026-01-31T17:30:00.123456+05:30","count":-9223372036854775808,"extra":{},"class_version":3}'
    )


def stored(state: bytes) -> StoredEvent:
    return StoredEvent(UUID(int=1), 2, "test_parcel.packed", state)


REST = b'"timestamp":"2026-01-31T12:00:00Z","ship_on":"2026-02-01","due_at":null,"count":1,"extra":{}'


def test_an_old_version_is_read_as_a_new_one() -> None:
    found = MAPPER.to_domain_event(stored(b'{"part":{"weight":"2"},%b}' % REST))
    assert isinstance(found, Parcel.Packed)
    assert (found.parts, found.sender) == ((Part(weight=Decimal(2)),), None)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (b'{"parts":[],"sender":null,"class_version":4,%b}' % REST, "version 4 is newer than this code"),
        (b'{"parts":[{}],"sender":null,"class_version":3,%b}' % REST, "missing required field `weight`"),
        (b'{"parts":[],"sender":"x","class_version":3,%b}' % REST, "Invalid UUID"),
        (b'{"parts":[],"sender":null,"class_version":3,%b}' % REST.replace(b'00Z"', b'00"'), "timezone"),
        (b"not JSON", "malformed"),
    ],
)
def test_what_is_not_such_an_event_is_refused(state: bytes, why: str) -> None:
    with pytest.raises(MapperDeserialisationError, match=why):
        MAPPER.to_domain_event(stored(state))


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(AssertionError, match="due_at"):
        MAPPER.to_stored_event(packed(due_at=AT.replace(tzinfo=None)))
