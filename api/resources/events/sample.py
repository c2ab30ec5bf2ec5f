"""An event in a body that is looked at and not stored.

Source: api-surface Q48 (null means absent); metering-pricing E3, E5.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from api.fields import Fields, decimal_of
from api.ingest import timestamps
from domain.kernel.errors import InvalidInputError
from domain.metering.usage_event import UsageEvent

_MAX_PLAIN_DIGITS = 1_000
"""Of a number when it is written plainly: 1e999999999 is a short text."""


def read_sample(fields: Fields, *, at: datetime) -> UsageEvent:
    """The event, without checks of what it names; `at` is its time where it has none.

    Raises:
        InvalidInputError: `timestamp: invalid_format`, or properties that are none.
    """
    amount = decimal_of(fields.values.get("precise_total_amount_cents"))
    return UsageEvent(
        transaction_id=fields.text("transaction_id") or "",
        code=fields.text("code") or "",
        external_subscription_id=fields.text("external_subscription_id") or "",
        timestamp=_timestamp(fields.values.get("timestamp"), at),
        properties=_properties(fields.values.get("properties")),
        precise_total_amount_cents=None if amount is None or abs(amount.adjusted()) > _MAX_PLAIN_DIGITS else amount,
    )


def _timestamp(value: object, at: datetime) -> datetime:
    if value is None:
        return at
    number = decimal_of(value) if isinstance(value, Decimal) else None
    if number is not None and abs(number.adjusted()) <= _MAX_PLAIN_DIGITS:
        value = format(number, "f")
    parsed = timestamps.parse(value)
    if parsed is None:
        raise InvalidInputError({"timestamp": ["invalid_format"]})
    return datetime.fromisoformat(parsed).replace(tzinfo=UTC)


def _properties(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInputError({"properties": ["value_is_invalid"]})
    if any(isinstance(one, Decimal) and _is_long(one) for one in value.values()):
        raise InvalidInputError({"properties": ["value_is_out_of_range"]})
    return value


def _is_long(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), number
    return max(abs(number.adjusted()), -exponent) > _MAX_PLAIN_DIGITS
