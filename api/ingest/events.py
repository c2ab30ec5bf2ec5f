"""One event: checked, and as a line of the ingest log.

Source: metering-pricing E2 to E6; api-surface Q40. Beyond Lago: limits of size, and no NUL characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from api.ingest import timestamps
from api.ingest.body import IncomingEvent, Number
from api.ingest.expressions import Computed
from api.ingest.properties import Properties, PropertiesError, plain, read
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


class EventError(BillingError):
    """An event that is refused. `details`: field -> codes, or a plain string where its expression failed (Q41)."""

    def __init__(self, details: Mapping[str, list[str]] | str) -> None:
        super().__init__("validation_errors")
        self.details = details


@dataclass(frozen=True, slots=True)
class Arrival:
    """What all events of a request have in common. `received_at` is the organization's time."""

    organization_id: UUID
    organization: str
    received_at: str
    expressions: Mapping[str, Computed]

    @classmethod
    def of(cls, organization_id: UUID, at: datetime, expressions: Mapping[str, Computed]) -> Arrival:
        return cls(organization_id, str(organization_id), timestamps.instant(at), expressions)


def to_line(event: IncomingEvent, arrival: Arrival) -> tuple[Line, bytes | None]:
    """The line, and its key in the log: None where the event names no subscription, and so never collides (E7).

    Raises:
        EventError
    """
    errors: dict[str, list[str]] = {}
    transaction_id = event.transaction_id
    if not _is_plain(transaction_id):
        transaction_id = _identifier(transaction_id, "transaction_id", errors) or _missing("transaction_id", errors)
    code = event.code
    if not _is_plain(code):
        code = _identifier(code, "code", errors) or _missing("code", errors)
    subscription = event.external_subscription_id
    if not _is_plain(subscription):
        subscription = _identifier(subscription, "external_subscription_id", errors)

    timestamp = arrival.received_at
    if event.timestamp is not None:
        microseconds = timestamps.microseconds(event.timestamp)
        if microseconds is None:
            errors["timestamp"] = ["invalid_format"]
        else:
            timestamp = timestamps.text(microseconds)
    cents = None
    if event.precise_total_amount_cents is not None:
        cents = _cents(event.precise_total_amount_cents, errors)
    properties: Properties = {}
    values: Properties = {}
    try:
        properties, values = read(event.properties)
    except PropertiesError as error:
        errors["properties"] = [str(error)]
    if errors:
        raise EventError(errors)

    if (computed := arrival.expressions.get(code)) is not None:
        properties = _with(computed, code, timestamp, properties)
        values = plain(properties)
    key = None
    if subscription:
        key = identity(arrival.organization_id.bytes, subscription, transaction_id)
        event_id = _dashed(key.hex())
    else:
        event_id = str(ids.new())
    line = Line(
        next_n(),
        arrival.organization,
        subscription,
        code,
        transaction_id,
        event_id,
        timestamp,
        arrival.received_at,
        properties,
        values,
        cents,
    )
    return line, key


def _is_plain(value: object) -> bool:
    return type(value) is str and 0 < len(value) <= MAX_CHARACTERS and not value.isspace() and "\0" not in value


def _identifier(value: object, field: str, errors: dict[str, list[str]]) -> str:
    """Text of an identifier that is no plain one; "" if there is none or it is refused."""
    if (isinstance(value, int) and not isinstance(value, bool)) or isinstance(value, Number):
        value = str(value)
    if value is None or value == "" or (isinstance(value, str) and value.isspace()):
        return ""
    if isinstance(value, str) and _is_plain(value):
        return value
    too_long = isinstance(value, str) and len(value) > MAX_CHARACTERS
    errors[field] = ["value_is_too_long" if too_long else "value_is_invalid"]
    return ""


def _missing(field: str, errors: dict[str, list[str]]) -> str:
    errors.setdefault(field, ["value_is_mandatory"])
    return ""


def _cents(value: object, errors: dict[str, list[str]]) -> str | None:
    """Decimal digits; a garbage string is 0, a value of a wrong shape is none. Source: metering-pricing E4."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    try:
        cents = Decimal(text) if len(text) <= MAX_CHARACTERS else Decimal("NaN")
    except ArithmeticError:
        cents = Decimal(0)
    if not cents.is_finite():
        cents = Decimal(0)
    if abs(cents) >= _CENTS_END:
        errors["precise_total_amount_cents"] = ["value_is_out_of_range"]
        return None
    with exact():
        return wire(cents.quantize(_CENTS_SCALE))


def _with(computed: Computed, code: str, timestamp: str, properties: Properties) -> Properties:
    try:
        return computed.add_to(properties, code=code, at=datetime.fromisoformat(f"{timestamp}+00:00"))
    except EvaluationError as error:
        raise EventError(f"expression_evaluation_failed: {error}") from None


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
