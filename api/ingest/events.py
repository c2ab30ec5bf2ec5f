"""One event: checked, and as a line of the ingest log.

Source: metering-pricing E2 to E6; api-surface Q40. Beyond Lago: limits of size, and no NUL characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from api.ingest import timestamps
from api.ingest.body import IncomingEvent, has_nul
from api.ingest.expressions import Computed
from api.ingest.numbers import Number, NumberRangeError, encode
from api.ingest.properties import Properties, lines
from domain.kernel import ids
from domain.kernel.decimals import exact, wire
from domain.kernel.errors import BillingError
from domain.metering.expression import EvaluationError
from projections.usage.lines import Line, identity, next_n

MAX_CHARACTERS = 255
"""Of identifiers and codes."""

_CENTS_SCALE = Decimal("1e-15")
_CENTS_END = Decimal("1e25")
"""`precise_total_amount_cents` is a decimal(40, 15). Source: metering-pricing E4."""

_Errors = dict[str, list[str]]


class EventError(BillingError):
    """An event that is refused. `details`: field -> codes, or a plain string where its expression failed (Q41)."""

    def __init__(self, details: Mapping[str, list[str]] | str) -> None:
        super().__init__("validation_errors")
        self.details = details


@dataclass(slots=True)
class Arrival:
    """What all events of a request have in common.

    Attributes:
        received_at: the organization's time, as in `Line`.
        expressions: by the metric's code.
        has_nul: whether some of them has a NUL character.
    """

    organization_id: bytes
    organization: str
    received_at: str
    expressions: Mapping[str, Computed]
    has_nul: bool

    @classmethod
    def of(cls, organization_id: UUID, at: datetime, expressions: Mapping[str, Computed], content: bytes) -> Arrival:
        return cls(organization_id.bytes, str(organization_id), timestamps.instant(at), expressions, has_nul(content))


def to_line(event: IncomingEvent, arrival: Arrival) -> tuple[Line, bytes | None]:
    """The line, and its key in the log: None where the event names no subscription, and so never collides (E7).

    Raises:
        EventError
    """
    errors: _Errors = {}
    transaction_id = event.transaction_id
    if type(transaction_id) is not str or not 0 < len(transaction_id) <= MAX_CHARACTERS or transaction_id[0] <= " ":
        transaction_id = _identifier(transaction_id, "transaction_id", errors, mandatory=True)
    code = event.code
    if type(code) is not str or not 0 < len(code) <= MAX_CHARACTERS or code[0] <= " ":
        code = _identifier(code, "code", errors, mandatory=True)
    subscription = event.external_subscription_id
    if type(subscription) is not str or not 0 < len(subscription) <= MAX_CHARACTERS or subscription[0] <= " ":
        subscription = _identifier(subscription, "external_subscription_id", errors)
    timestamp: str | None = arrival.received_at
    if event.timestamp is not None:
        timestamp = timestamps.parse(event.timestamp)
        if timestamp is None:
            errors["timestamp"] = ["invalid_format"]
    cents = event.precise_total_amount_cents
    if cents is not None:
        cents = _cents(cents, errors)
    properties = {} if event.properties is None else event.properties
    if type(properties) is not dict:
        errors["properties"] = ["value_is_invalid"]
    if arrival.has_nul:
        _find_nul(event, errors)
    if errors:
        raise EventError(errors)
    assert timestamp is not None
    try:
        if arrival.expressions and (computed := arrival.expressions.get(code)) is not None:
            properties = _with(computed, code, timestamp, properties)
        kept, values = lines(properties)
    except NumberRangeError:
        raise EventError({"properties": ["value_is_out_of_range"]}) from None

    if subscription:
        key = identity(arrival.organization_id, subscription, transaction_id)
        digits = key.hex()
        event_id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    else:
        key, event_id = None, str(ids.new())
    return Line(
        next_n(),
        arrival.organization,
        subscription,
        code,
        transaction_id,
        event_id,
        timestamp,
        arrival.received_at,
        kept,
        values,
        cents,
    ), key


def _identifier(value: object, field: str, errors: _Errors, *, mandatory: bool = False) -> str:
    """The text of an identifier; "" if there is none (null or blank) or it is refused."""
    if isinstance(value, Number):
        value = value.text
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or (isinstance(value, str) and (not value or value.isspace())):
        if mandatory:
            errors[field] = ["value_is_mandatory"]
        return ""
    if not isinstance(value, str):
        errors[field] = ["value_is_invalid"]
        return ""
    if len(value) > MAX_CHARACTERS:
        errors[field] = ["value_is_too_long"]
        return ""
    return value


def _cents(value: Any, errors: _Errors) -> str | None:
    """Decimal digits; a garbage string is 0, a value of a wrong shape is none. Source: metering-pricing E4."""
    if isinstance(value, bool) or not isinstance(value, int | str | Number):
        return None
    text = value.text if isinstance(value, Number) else str(value)
    try:
        cents = Decimal(text) if len(text) <= MAX_CHARACTERS else Decimal(0)
    except ArithmeticError:
        cents = Decimal(0)
    if not cents.is_finite():
        cents = Decimal(0)
    if abs(cents) >= _CENTS_END:
        errors["precise_total_amount_cents"] = ["value_is_out_of_range"]
        return None
    with exact():
        return wire(cents.quantize(_CENTS_SCALE))


def _find_nul(event: IncomingEvent, errors: _Errors) -> None:
    for field in ("transaction_id", "code", "external_subscription_id"):
        value = getattr(event, field)
        if isinstance(value, str) and "\0" in value:
            errors[field] = ["value_is_invalid"]
    if has_nul(encode(event.properties)):
        errors["properties"] = ["value_is_invalid"]


def _with(computed: Computed, code: str, timestamp: str, properties: Properties) -> Properties:
    try:
        return computed.add_to(properties, code=code, at=datetime.fromisoformat(f"{timestamp}+00:00"))
    except EvaluationError as error:
        raise EventError(f"expression_evaluation_failed: {error}") from None
