"""metering-pricing R1, N8."""

from decimal import Decimal

import pytest

from domain.metering.rounding import round_units

D = Decimal


@pytest.mark.parametrize(
    ("units", "function", "precision", "rounded", "why"),
    [
        ("123.456", "round", 2, "123.46", "half up"),
        ("2.5", "round", 0, "3", "away from zero"),
        ("-2.5", "round", 0, "-3", "on either side"),
        ("123.456", "ceil", 0, "124", "toward +infinity"),
        ("-1.5", "ceil", 0, "-1", "toward +infinity"),
        ("9.721", "ceil", 2, "9.73", "with decimals"),
        ("29.434", "ceil", 2, "29.44", "with decimals"),
        ("123.456", "floor", -2, "100", "hundreds"),
        ("-1.5", "floor", 0, "-2", "toward -infinity"),
        ("150", "round", -2, "200", "half a hundred"),
        ("7", "ceil", 2, "7", "nothing to round"),
        ("7", "ceil", -1, "10", "up to tens"),
    ],
)
def test_round_units(units: str, function: str, precision: int, rounded: str, why: str) -> None:
    assert round_units(D(units), function, precision) == D(rounded), why
