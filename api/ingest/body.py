"""Bodies of `POST /events` and `/events/batch`, split into events whose values are not looked at yet.

Source: metering-pricing E1, E9; api-surface 3.2, Q48 (null means absent).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from api.errors import RequestError, bad_request, missing_parameter
from api.ingest.numbers import Number
from domain.kernel.errors import InvalidInputError

MAX_BYTES = 5 << 20
MAX_EVENTS = 100
"""Of a batch. Source: api-surface 3.10."""

MAX_DEPTH = 500
"""Of nesting; ClickHouse reads 1,000."""

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class IncomingEvent(msgspec.Struct, gc=False):
    """What a client sent: values of JSON, where a number that is no integer is a `Number`."""

    transaction_id: Any = None
    code: Any = None
    external_subscription_id: Any = None
    external_customer_id: Any = None
    customer_id: Any = None
    timestamp: Any = None
    precise_total_amount_cents: Any = None
    properties: Any = None


class _Single(msgspec.Struct):
    event: IncomingEvent | None = None


class _Batch(msgspec.Struct):
    events: list[IncomingEvent] | None = None


_decode_single = msgspec.json.Decoder(_Single, float_hook=Number).decode
_decode_batch = msgspec.json.Decoder(_Batch, float_hook=Number).decode


def single(body: bytes) -> IncomingEvent:
    """The event under the key `event`.

    Raises:
        RequestError: 400, the body is not JSON, too deep, or the key is missing, null, empty or of another shape.
    """
    event: IncomingEvent | None = _decoded(body, _decode_single, "event").event
    if event is None or (event == IncomingEvent() and msgspec.json.decode(body)["event"] == {}):
        raise missing_parameter("event")
    return event


def batch(body: bytes) -> list[IncomingEvent]:
    """The events under the key `events`, 1 to `MAX_EVENTS`.

    Raises:
        RequestError: 400, the body is not JSON, too deep, or the key is not a list of objects.
        InvalidInputError: there are none, or too many.
    """
    events: list[IncomingEvent] | None = _decoded(body, _decode_batch, "events").events
    if not events:
        raise InvalidInputError({"events": ["no_events"]})
    if len(events) > MAX_EVENTS:
        raise InvalidInputError({"events": ["too_many_events"]})
    return events


def has_nul(json: bytes) -> bool:
    """Whether a string in it has a NUL character: raw ones are no JSON."""
    return b"\\u0000" in json and _NUL.search(json) is not None


def _decoded(body: bytes, decode: Any, wrapper: str) -> Any:
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise RequestError(400, "BadRequest: nested too deeply")
    try:
        return decode(body if body and not body.isspace() else b"{}")
    except msgspec.ValidationError:
        raise missing_parameter(wrapper) from None
    except (msgspec.DecodeError, ValueError):  # ValueError: not UTF-8
        raise bad_request() from None


def _depth(json: bytes) -> int:
    deepest = depth = 0
    for byte in _STRING.sub(b"", json):
        if byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest
