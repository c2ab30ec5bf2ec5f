"""Answers of ingest on the wire. Source: metering-pricing E11; api-surface 3.2, 3.6, 3.7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from api.errors import present_error
from api.ingest.events import EventError
from domain.kernel.errors import InvalidInputError
from projections.usage.lines import Line

_encode = msgspec.json.Encoder().encode


class _Event(msgspec.Struct, gc=False):
    lago_id: str
    transaction_id: str
    code: str
    timestamp: str
    precise_total_amount_cents: str | None
    properties: msgspec.Raw
    external_subscription_id: str | None
    created_at: str
    lago_customer_id: None = None
    lago_subscription_id: None = None


class _Single(msgspec.Struct, gc=False):
    event: _Event


class _Batch(msgspec.Struct, gc=False):
    events: list[_Event]


def single(line: Line) -> bytes:
    return _encode(_Single(_event(line, _created_at(line))))


def batch(lines: Sequence[Line]) -> bytes:
    created_at = _created_at(lines[0])
    return _encode(_Batch([_event(line, created_at) for line in lines]))


def error(error: Exception) -> tuple[int, bytes]:
    """Status and body."""
    if isinstance(error, EventError):
        return refusal(error.details)
    status, body = present_error(error)
    return status, _encode(body)


def refusal(details: Mapping[str, object] | str) -> tuple[int, bytes]:
    """The answer 422 with these `error_details`, a plain string among them or alone (Q41)."""
    status, body = present_error(InvalidInputError({}))
    return status, _encode({**body, "error_details": details})


def _event(line: Line, created_at: str) -> _Event:
    return _Event(
        line.event_id,
        line.transaction_id,
        line.code,
        f"{line.timestamp[:23]}Z",
        line.precise_total_amount_cents,
        line.properties,
        line.external_subscription_id or None,
        created_at,
    )


def _created_at(line: Line) -> str:
    return f"{line.received_at[:19]}Z"
