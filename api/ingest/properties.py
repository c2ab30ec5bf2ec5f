"""An event's properties: kept as sent, to the last digit, and as the texts that filters, groups and numbers look at.

Source: metering-pricing E5, G4, G7; numbers as text are those of `jsonb`.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

MAX_DEPTH = 500
"""Of nesting. ClickHouse reads 1,000."""

MAX_PLAIN_DIGITS = 65_536
"""Of the numbers of one event that are written with an exponent, when written without: 1e999999999 is a short text."""

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode
_MAYBE_ODD = re.compile(rb":\s*-?(?:[0-9.]+[eE]|0(?<=-0))").search
_ODD = re.compile(rb"-?[0-9.]+[eE]|-0").match
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000").search
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]').finditer

Properties = dict[str, msgspec.Raw]


class PropertiesError(Exception):
    """Properties that cannot be kept; the message is a code of Lago's vocabulary."""


def read(raw: msgspec.Raw) -> tuple[Properties, Properties]:
    """Properties, and their values for `Line.values`: the same but for numbers, which are written plainly there.

    Of a name that is there twice the last one counts. Both are free of raw newlines.

    Raises:
        PropertiesError: no object, a NUL character, nested too deeply, or a number too long to write.
    """
    text = bytes(raw)
    if b"\n" in text:
        text = text.replace(b"\n", b" ")  # between tokens, for in strings JSON has none
    if len(text) > 2 * MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise PropertiesError("value_is_too_deep")
    if b"\\u0000" in text and _NUL(text):
        raise PropertiesError("value_is_invalid")
    try:
        properties = _decode(text)
    except msgspec.ValidationError:
        raise PropertiesError("value_is_invalid") from None
    if not properties:
        return {}, {}
    return properties, plain(properties) if _MAYBE_ODD(text) else properties


def plain(properties: Properties) -> Properties:
    """The same with every number written without an exponent, and zero without a sign: 1.5e3 is 1500, -0 is 0."""
    values, digits = properties, 0
    for name, raw in properties.items():
        if _ODD(raw):
            text = bytes(raw).decode()
            try:
                number = Decimal(text)
            except InvalidOperation:  # an exponent that no Decimal has
                raise PropertiesError("value_is_out_of_range") from None
            digits += abs(number.adjusted()) + len(text)
            if digits > MAX_PLAIN_DIGITS:
                raise PropertiesError("value_is_out_of_range")
            values = properties.copy() if values is properties else values
            values[name] = msgspec.Raw(format(number if number else number.copy_abs(), "f").encode())
    return values


def decoded(properties: Properties) -> dict[str, Any]:
    """As values of Python, numbers exact."""
    return {name: msgspec.json.Decoder(float_hook=Decimal).decode(raw) for name, raw in properties.items()}


def _depth(text: bytes) -> int:
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    for token in _TOKEN(text):
        first = token.group()[0]
        depth += (first in b"[{") - (first in b"]}")
        deepest = max(deepest, depth)
    return deepest
