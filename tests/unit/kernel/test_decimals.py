import decimal
from collections.abc import Callable
from decimal import Decimal

import pytest

from domain.kernel.decimals import PRECISION, exact, wire


@pytest.mark.parametrize(
    ("value", "text"),
    [  # metering-pricing N6
        ("10", "10.0"),
        ("10.0", "10.0"),
        ("10.000", "10.0"),
        ("0.05", "0.05"),
        ("121", "121.0"),
        ("1E+3", "1000.0"),
        ("1E-7", "0.0000001"),
        ("100", "100.0"),
        ("1366.60", "1366.6"),
        ("0", "0.0"),
        ("-0.00", "0.0"),
        ("-1.50", "-1.5"),
    ],
)
def test_wire(value: str, text: str) -> None:
    assert wire(Decimal(value)) == text


def test_exact_computes_with_one_precision() -> None:
    with exact():
        assert len((Decimal(1) / 3).as_tuple().digits) == PRECISION
        assert Decimal(5) / 2 == Decimal("2.5")
        assert Decimal("0.5").quantize(Decimal(1)) == 1
        assert Decimal("2.5").quantize(Decimal(1)) == 3, "half away from zero"


@pytest.mark.parametrize("mixed", [lambda: Decimal(float("0.1")), lambda: Decimal(1) < 0.1])
def test_exact_refuses_floats(mixed: Callable[[], object]) -> None:
    with exact(), pytest.raises(decimal.FloatOperation):
        mixed()


def test_exact_leaves_the_rest_of_the_thread_alone() -> None:
    before = decimal.getcontext().copy()
    with exact():
        pass
    after = decimal.getcontext()
    assert (after.prec, after.rounding) == (before.prec, before.rounding)
