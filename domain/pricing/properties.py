"""Numbers in the properties of a charge, as they come over the wire.

Decimals are JSON strings, bounds of ranges and counts are JSON numbers. Source: metering-pricing M3.
"""

from __future__ import annotations

import re
from decimal import Decimal

MAX_DIGITS = 20
"""Digits before and after the decimal point. More could not be priced exactly with `decimals.PRECISION` digits."""

_DECIMAL = re.compile(r"\+?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


def decimal(value: object) -> Decimal | None:
    """A finite decimal >= 0 in a string ("10", "0.05", "1E-7"), or None if it is none."""
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        return None
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)  # the pattern lets neither NaN nor infinity through
    return number if number.adjusted() < MAX_DIGITS and exponent >= -MAX_DIGITS else None


def bound(value: object) -> Decimal | None:
    """A bound of a range, >= 0, or None if it is none. A JSON number, or the string that a stored decimal became."""
    if value is None or isinstance(value, bool):
        return None
    return decimal(str(value))


def whole(value: object, *, at_least: int) -> bool:
    """Whether `value` is a JSON integer of at least `at_least`."""
    return isinstance(value, int) and not isinstance(value, bool) and at_least <= value < 10**MAX_DIGITS
