"""Exact decimals: one precision everywhere, and no way in for a float."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

PRECISION = 60
"""Significant digits while pricing: 64-bit counts times prices of 15 decimals leave room to spare."""


@contextmanager
def exact() -> Iterator[None]:
    """Compute with `PRECISION` digits, half away from zero where a division must end, floats refused."""
    with decimal.localcontext() as context:
        context.prec = PRECISION
        context.rounding = decimal.ROUND_HALF_UP
        context.traps[decimal.FloatOperation] = True
        yield


def set_up() -> None:
    """Make `exact` the rule of this process (every thread made afterwards): called by process roots and tests."""
    for context in (decimal.DefaultContext, decimal.getcontext()):
        context.prec = PRECISION
        context.rounding = decimal.ROUND_HALF_UP
        context.traps[decimal.FloatOperation] = True


def wire(value: Decimal) -> str:
    """A decimal as Lago writes it: at least one fractional digit, no exponent, no trailing zeros ("10.0", "0.05").

    Source: metering-pricing N6.
    """
    if value == 0:  # of either sign
        return "0.0"
    text = format(value, "f")
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text
