"""metering-pricing 12.2."""

from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.registry import PricedUsage, price

D = Decimal


def properties(*rows: tuple[object, object, str, str]) -> dict[str, Any]:
    keys = ("from_value", "to_value", "per_unit_amount", "flat_amount")
    return {"graduated_ranges": [dict(zip(keys, row, strict=True)) for row in rows]}


CLASSIC = properties((0, 10, "10", "2"), (11, 20, "5", "3"), (21, None, "5", "3"))
FROM_ONE = properties((1, 10, "10", "2"), (11, 20, "5", "3"), (21, None, "5", "3"))
ADJACENT = properties((0, 10, "10", "2"), (10, 20, "5", "3"), (20, None, "5", "3"))
DECIMALS = properties((0, 0.1, "10", "0"), (0.1, 1, "5", "0"), (1, None, "2", "0"))
STORED_DECIMALS = properties((0, "0.1", "10", "0"), ("0.1", 1, "5", "0"), (1, None, "2", "0"))


@pytest.mark.parametrize("ranges", [CLASSIC, FROM_ONE, ADJACENT], ids=["classic", "from one", "adjacent"])
@pytest.mark.parametrize(
    ("units", "owed", "unit_amount", "why"),
    [
        ("0", "2", "0", "the first flat amount is owed without usage"),
        ("1", "12", "12", "the flat amount is part of the unit amount"),
        ("10", "102", "10.2", "an upper bound is inclusive, the next flat amount is not owed"),
        ("10.5", "107.5", "10.2381", "half a unit is in the second range, and brings its flat amount"),
        ("11", "110", "10", "the second range and its flat amount"),
        ("12", "115", "9.5833", "two units in it"),
        ("20", "155", "7.75", "exactly its end"),
        ("21", "163", "7.7619", "the last range"),
    ],
)
def test_graduated(ranges: dict[str, Any], units: str, owed: str, unit_amount: str, why: str) -> None:
    priced = price("graduated", ranges, PricedUsage(units=D(units)))
    assert priced.amount == D(owed), why
    assert round(priced.unit_amount, 4) == D(unit_amount), why


@pytest.mark.parametrize(
    ("units", "owed", "why"),
    [("0.05", "0.5", "inside the first range"), ("0.5", "3.0", "0.1 at 10 and 0.4 at 5"), ("2", "7.5", "and one at 2")],
)
@pytest.mark.parametrize("ranges", [DECIMALS, STORED_DECIMALS], ids=["numbers", "strings"])
def test_bounds_may_have_decimals(ranges: dict[str, Any], units: str, owed: str, why: str) -> None:
    assert price("graduated", ranges, PricedUsage(units=D(units))).amount == D(owed), why


def test_details_list_the_ranges_that_were_reached() -> None:
    assert price("graduated", CLASSIC, PricedUsage(units=D(12))).amount_details == {
        "graduated_ranges": [
            {
                "from_value": 0,
                "to_value": 10,
                "units": "10.0",
                "flat_unit_amount": "2.0",
                "per_unit_amount": "10.0",
                "per_unit_total_amount": "100.0",
                "total_with_flat_amount": "102.0",
            },
            {
                "from_value": 11,
                "to_value": 20,
                "units": "2.0",
                "flat_unit_amount": "3.0",
                "per_unit_amount": "5.0",
                "per_unit_total_amount": "10.0",
                "total_with_flat_amount": "13.0",
            },
        ]
    }


def test_details_of_no_usage_and_of_decimal_bounds() -> None:
    (nothing,) = price("graduated", CLASSIC, PricedUsage(units=D(0))).amount_details["graduated_ranges"]
    assert (nothing["units"], nothing["per_unit_amount"], nothing["total_with_flat_amount"]) == ("0.0", "0.0", "2.0")
    first, _, last = price("graduated", DECIMALS, PricedUsage(units=D(2))).amount_details["graduated_ranges"]
    assert (first["to_value"], last["from_value"], last["to_value"]) == ("0.1", 1, None)
