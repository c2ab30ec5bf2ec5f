"""An event's properties: kept as sent, to the last digit, and as the texts that filters, groups and numbers look at.

Source: metering-pricing E5, G4, G7; numbers as text are those of `jsonb`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from api.ingest.numbers import Number, encode

MAX_PLAIN_DIGITS = 16_384
"""Of all numbers of one event that are not written plainly, when they are: 1e999999999 is a short text."""

Properties = dict[str, Any]


def lines(properties: Properties) -> tuple[msgspec.Raw, msgspec.Raw]:
    """`Line.properties` and `Line.values`: the same but for numbers, which are written plainly in the second.

    Raises:
        NumberRangeError: they are too long to be written plainly.
    """
    kept = msgspec.Raw(encode(properties))
    for value in properties.values():
        if type(value) is Number and not value.is_plain:
            return kept, msgspec.Raw(encode(_plain(properties)))
    return kept, kept


def decimals(properties: Properties) -> Mapping[str, Any]:
    """With numbers as int or Decimal. Raises `NumberRangeError`."""
    return {name: value.decimal() if isinstance(value, Number) else value for name, value in properties.items()}


def _plain(properties: Properties) -> Properties:
    plain, digits = properties.copy(), 0
    for name, value in properties.items():
        if isinstance(value, Number) and not value.is_plain:
            plain[name] = value.plain(MAX_PLAIN_DIGITS - digits)
            digits += len(plain[name].text)
    return plain
