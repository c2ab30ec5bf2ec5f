"""metering-pricing 12.5."""

from decimal import Decimal

import pytest

from domain.pricing.registry import PricedUsage, price

D = Decimal


@pytest.mark.parametrize(
    ("units", "amount", "size", "free", "owed", "unit_amount", "why"),
    [
        ("121", "100", 10, 0, "1300", "10.74", "the thirteenth package has one unit"),
        ("121", "100", 10, 10, "1200", "10.81", "the unit amount is spread over the paid units"),
        ("121", "100", 10, 200, "0", "0.00", "all units are free"),
        ("5", "10", 2, 1, "20", "5.00", "four paid units, two packages"),
        ("10.01", "100", 10, 10, "100", "10000.00", "a hundredth of a unit starts a package"),
        ("20", "100", 10, 10, "100", "10.00", "ten paid units fill one exactly"),
        ("10", "100", 10, 10, "0", "0.00", "exactly the free units"),
        ("0", "100", 10, 0, "0", "0.00", "nothing used"),
        ("-4", "100", 10, 0, "0", "0.00", "negative usage starts none"),
    ],
)
def test_package(units: str, amount: str, size: int, free: int, owed: str, unit_amount: str, why: str) -> None:
    properties = {"amount": amount, "package_size": size, "free_units": free}
    priced = price("package", properties, PricedUsage(units=D(units)))
    assert (priced.amount, round(priced.unit_amount, 2)) == (D(owed), D(unit_amount)), why


def test_details() -> None:
    properties = {"amount": "100", "package_size": 10, "free_units": 10}
    assert price("package", properties, PricedUsage(units=D(121))).amount_details == {
        "free_units": "10.0",
        "paid_units": "111.0",
        "per_package_size": 10,
        "per_package_unit_amount": "100.0",
    }
    assert price("package", properties, PricedUsage(units=D(0))).amount_details == {
        "free_units": "0.0",
        "paid_units": "0.0",
        "per_package_size": 0,
        "per_package_unit_amount": "0.0",
    }
