"""JSON numbers that are no integers, kept as they were sent: a float would lose digits."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec


class NumberRangeError(ValueError):
    """The exponent is out of all proportion."""


class Number:
    """A fraction, or a number with an exponent, by its text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def decimal(self) -> Decimal:
        """Exact. Raises `NumberRangeError`."""
        try:
            return Decimal(self.text)
        except InvalidOperation:
            raise NumberRangeError(self.text) from None

    @property
    def is_plain(self) -> bool:
        """Whether it is written as `jsonb` would write it: without exponent, and zero without a sign."""
        return "e" not in self.text and "E" not in self.text and not self.text.startswith("-0")

    def plain(self, max_digits: int) -> Number:
        """The same number written plainly: 1.5e3 is 1500. Raises `NumberRangeError` beyond `max_digits`."""
        number = self.decimal()
        if abs(number.adjusted()) + len(self.text) > max_digits:
            raise NumberRangeError(self.text)
        return Number(format(number if number else number.copy_abs(), "f"))


def _raw(value: object) -> msgspec.Raw:
    assert isinstance(value, Number), type(value)
    return msgspec.Raw(value.text.encode())


_encode = msgspec.json.Encoder(enc_hook=_raw).encode


def encode(value: Any) -> bytes:
    """JSON on one line, numbers as they were sent."""
    return _encode(value)
