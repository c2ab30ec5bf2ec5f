"""Bodies of `POST /events` and `/events/batch`, split into events whose values are not looked at yet.

Source: metering-pricing E1, E9; api-surface 3.2, Q48 (null means absent).
"""

from __future__ import annotations

from typing import Any

import msgspec

from api.errors import bad_request, missing_parameter
from domain.kernel.errors import InvalidInputError

MAX_BYTES = 5 << 20
MAX_EVENTS = 100
"""Of a batch. Source: api-surface 3.10."""


class Number(str):
    """The text of a JSON number that is no integer: kept as sent, for a float would lose digits."""

    __slots__ = ()


class IncomingEvent(msgspec.Struct, gc=False):
    """What a client sent. Scalars: str, int or `Number`; anything else is of a wrong shape."""

    transaction_id: Any = None
    code: Any = None
    external_subscription_id: Any = None
    external_customer_id: Any = None
    customer_id: Any = None
    timestamp: Any = None
    precise_total_amount_cents: Any = None
    properties: msgspec.Raw = msgspec.Raw(b"null")


class _Single(msgspec.Struct):
    event: IncomingEvent | None = None


class _Batch(msgspec.Struct):
    events: list[IncomingEvent] | None = None


_decode_single = msgspec.json.Decoder(_Single, float_hook=Number).decode
_decode_batch = msgspec.json.Decoder(_Batch, float_hook=Number).decode


def single(body: bytes) -> IncomingEvent:
    """The event under the key `event`.

    Raises:
        RequestError: 400, the body is not JSON or the key is missing, null, empty or of another shape.
    """
    event: IncomingEvent | None = _decoded(body, _decode_single, "event").event
    if event is None or (event == IncomingEvent() and msgspec.json.decode(body)["event"] == {}):
        raise missing_parameter("event")
    return event


def batch(body: bytes) -> list[IncomingEvent]:
    """The events under the key `events`, 1 to `MAX_EVENTS`.

    Raises:
        RequestError: 400, the body is not JSON or the key is not a list of objects.
        InvalidInputError: there are none, or too many.
    """
    events: list[IncomingEvent] | None = _decoded(body, _decode_batch, "events").events
    if not events:
        raise InvalidInputError({"events": ["no_events"]})
    if len(events) > MAX_EVENTS:
        raise InvalidInputError({"events": ["too_many_events"]})
    return events


def _decoded(body: bytes, decode: Any, wrapper: str) -> Any:
    try:
        body.decode()  # msgspec leaves raw values unchecked
        return decode(body if body and not body.isspace() else b"{}")
    except msgspec.ValidationError:
        raise missing_parameter(wrapper) from None
    except (
        msgspec.DecodeError,
        RecursionError,
        ValueError,
    ):  # ValueError: not UTF-8
        raise bad_request() from None
