from decimal import Decimal

import pytest

from domain.kernel.currency import EXPONENTS
from domain.kernel.errors import AmountOutOfRangeError
from domain.kernel.money import Money, major_units, minor_units

D = Decimal


@pytest.mark.parametrize(
    ("amount", "currency", "settled", "why"),
    [  # metering-pricing N2, N3, C2
        ("54.83870967741935", "EUR", 5484, "to the cent"),
        ("0.005", "EUR", 1, "half away from zero"),
        ("0.015", "EUR", 2, "and not to even"),
        ("0.025", "EUR", 3, "and not to even"),
        ("-0.005", "EUR", -1, "below zero too"),
        ("0.00499999999999999", "EUR", 0, "less than half"),
        ("0.5", "JPY", 1, "yen have no minor unit"),
        ("1.4", "HUF", 1, "nor have forints, unlike in ISO 4217"),
        ("1.0005", "KWD", 1001, "fils are thousandths"),
        ("1.00005", "CLF", 10001, "four decimals"),
        ("92233720368547758.07", "USD", 2**63 - 1, "all that a bigint holds"),
        ("922337203685477.58074", "CLF", 2**63 - 1, "what counts is the amount once it is rounded"),
    ],
)
def test_settle(amount: str, currency: str, settled: int, why: str) -> None:
    assert Money.settle(D(amount), currency) == Money(settled, currency), why


@pytest.mark.parametrize("amount", ["92233720368547758.075", "-92233720368547758.08", "1e40"])
def test_more_than_a_bigint_holds(amount: str) -> None:
    with pytest.raises(AmountOutOfRangeError):
        Money.settle(D(amount), "USD")


def test_conversions_do_not_round() -> None:
    assert minor_units(D("0.015"), "EUR") == D("1.5")
    assert minor_units(D("0.015"), "JPY") == D("0.015")
    assert major_units(1001, "KWD") == D("1.001")
    assert major_units(D("1.5"), "EUR") == D("0.015")


def test_sums() -> None:
    assert Money(3, "EUR") + Money(4, "EUR") == Money(7, "EUR")
    assert Money(3, "EUR") - Money(4, "EUR") == Money(-1, "EUR")


def test_currencies_do_not_mix() -> None:
    with pytest.raises(AssertionError):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(AssertionError):
        Money(1, "EUR") - Money(1, "USD")


@pytest.mark.parametrize(
    ("total", "weights", "shares", "why"),
    [
        (100, ["1", "1", "1"], [34, 33, 33], "of equal remainders the first takes the unit"),
        (100, ["1", "2"], [33, 67], "the largest remainder takes it"),
        (5, ["0", "1"], [0, 5], "no weight, no share"),
        (-100, ["1", "1", "1"], [-33, -33, -34], "below zero too"),
        (2, ["1", "1", "1"], [1, 1, 0], "fewer units than shares"),
        (0, ["0.5", "0.5"], [0, 0], "nothing to share"),
    ],
)
def test_allocate(total: int, weights: list[str], shares: list[int], why: str) -> None:
    allocated = Money(total, "EUR").allocate([D(weight) for weight in weights])
    assert [share.minor_units for share in allocated] == shares, why


@pytest.mark.parametrize("weights", [[], [D(0)], [D(2), D(-1)]])
def test_weights_that_share_nothing_out(weights: list[Decimal]) -> None:
    with pytest.raises(AssertionError):
        Money(1, "EUR").allocate(weights)


def test_currencies() -> None:
    """metering-pricing C1: 142 codes, less MRO, whose amounts do not settle exactly."""
    assert len(EXPONENTS) == 141
    assert "MRO" not in EXPONENTS
    assert set(EXPONENTS.values()) == {0, 2, 3, 4}
