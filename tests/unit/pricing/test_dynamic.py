"""metering-pricing 12.8."""

from decimal import Decimal

import pytest

from domain.pricing.registry import PricedUsage, price

D = Decimal


@pytest.mark.parametrize(
    ("units", "total", "owed", "unit_amount", "why"),
    [
        ("20", "0.402", "0.402", "0.0201", "40.2 cents"),
        ("20", "9.12", "9.12", "0.456", "10.1 and 901.9 cents"),
        ("0", "3", "0", "0", "amounts without units are not owed"),
    ],
)
def test_dynamic(units: str, total: str, owed: str, unit_amount: str, why: str) -> None:
    priced = price("dynamic", {}, PricedUsage(units=D(units), precise_total_amount=D(total)))
    assert (priced.amount, priced.unit_amount, priced.amount_details) == (D(owed), D(unit_amount), {}), why
