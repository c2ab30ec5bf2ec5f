"""metering-pricing 12.4."""

from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.registry import PricedUsage, price

D = Decimal


def properties(*rows: tuple[int, int | None, str, str]) -> dict[str, Any]:
    keys = ("from_value", "to_value", "rate", "flat_amount")
    return {"graduated_percentage_ranges": [dict(zip(keys, row, strict=True)) for row in rows]}


THREE = properties((0, 10, "1", "200"), (11, 20, "2", "300"), (21, None, "3", "400"))
TOUCHING = properties((0, 10, "1", "200"), (10, 20, "2", "300"), (20, None, "3", "400"))
TWO = properties((0, 2, "10", "10"), (3, None, "20", "20"))


@pytest.mark.parametrize(
    ("ranges", "units", "owed", "why"),
    [
        (THREE, "0", "200", "the first flat amount is owed without usage"),
        (THREE, "1", "200.01", "1 % of one unit"),
        (THREE, "10", "200.1", "an upper bound is inclusive"),
        (THREE, "11", "500.12", "2 % of the eleventh unit"),
        (THREE, "12", "500.14", "and of the twelfth"),
        (THREE, "21", "900.33", "all three ranges"),
        (TOUCHING, "11", "500.12", "Q11: ranges that touch count a unit once"),
        (TWO, "5", "30.8", "0.2 + 0.6 + 30"),
    ],
)
def test_graduated_percentage(ranges: dict[str, Any], units: str, owed: str, why: str) -> None:
    assert price("graduated_percentage", ranges, PricedUsage(units=D(units))).amount == D(owed), why


def test_unit_amount_and_details() -> None:
    priced = price("graduated_percentage", THREE, PricedUsage(units=D(21)))
    assert round(priced.unit_amount, 2) == D("42.87")
    assert priced.amount_details["graduated_percentage_ranges"][1] == {
        "from_value": 11,
        "to_value": 20,
        "units": "10.0",
        "flat_unit_amount": "300.0",
        "rate": "2.0",
        "per_unit_total_amount": "0.2",
        "total_with_flat_amount": "300.2",
    }
