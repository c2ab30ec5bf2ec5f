"""metering-pricing 12.1."""

from decimal import Decimal

import pytest

from domain.pricing.registry import PricedUsage, price

D = Decimal


@pytest.mark.parametrize(
    ("units", "full_units", "amount", "owed", "unit_amount", "why"),
    [
        ("10", None, "5.12345", "51.2345", "5.12345", "each unit has the price, nothing is rounded"),
        ("10", "100", "5.12345", "51.2345", "0.512345", "the unit amount is spread over the units before proration"),
        ("10", None, "10", "100", "10", "a fixed charge of ten units"),
        ("0.02218", None, "100", "2.218", "100", "a weighted sum has fractions of units"),
        ("0", None, "7", "0", "0", "no units, no unit amount"),
        ("-3", None, "7", "-21", "7", "negative usage is left to the fee"),
        ("3", None, "1E-7", "3E-7", "1E-7", "a Python client writes small decimals with an exponent"),
    ],
)
def test_standard(units: str, full_units: str | None, amount: str, owed: str, unit_amount: str, why: str) -> None:
    usage = PricedUsage(units=D(units), full_units=None if full_units is None else D(full_units))
    priced = price("standard", {"amount": amount}, usage)
    assert (priced.amount, priced.unit_amount, priced.amount_details) == (D(owed), D(unit_amount), {}), why
