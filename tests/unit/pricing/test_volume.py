"""metering-pricing 12.7."""

from decimal import Decimal

import pytest

from domain.pricing.registry import PricedUsage, price

D = Decimal

RANGES = {
    "volume_ranges": [
        {"from_value": 0, "to_value": 100, "per_unit_amount": "2", "flat_amount": "10"},
        {"from_value": 101, "to_value": 200, "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": 201, "to_value": None, "per_unit_amount": "0.5", "flat_amount": "50"},
    ]
}


@pytest.mark.parametrize(
    ("units", "full_units", "owed", "unit_amount", "why"),
    [
        ("0", None, "10", "0.00", "the first flat amount is owed without usage"),
        ("1", None, "12", "12.00", "the first range"),
        ("100", None, "210", "2.10", "its upper bound belongs to it"),
        ("100.5", None, "100.5", "1.00", "half a unit more is in the second"),
        ("101", None, "101", "1.00", "the second range, without a flat amount"),
        ("200", None, "200", "1.00", "its upper bound"),
        ("210", None, "155", "0.74", "the last range"),
        ("300", None, "200", "0.67", "all units at its price"),
        ("198.6", "300", "149.3", "0.50", "full units choose the range, prorated ones are priced"),
        ("-5", None, "10", "-2.00", "Q12: no units; the fee makes nothing of it"),
    ],
)
def test_volume(units: str, full_units: str | None, owed: str, unit_amount: str, why: str) -> None:
    usage = PricedUsage(units=D(units), full_units=None if full_units is None else D(full_units))
    priced = price("volume", RANGES, usage)
    assert (priced.amount, round(priced.unit_amount, 2)) == (D(owed), D(unit_amount)), why


@pytest.mark.parametrize(
    ("units", "full_units", "owed", "why"),
    [
        ("10", None, "20", "the end of the first range"),
        ("10.5", None, "15.5", "rounded up 11: no range of Lago's, so the one above"),
        ("11", None, "16", "likewise"),
        ("11.5", None, "16.5", "rounded up 12, where the second begins"),
        ("12", None, "17", "its lower bound"),
        ("5.5", "11", "10.5", "full units fall into the hole, prorated ones are priced"),
    ],
)
def test_hole(units: str, full_units: str | None, owed: str, why: str) -> None:
    ranges = [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "2", "flat_amount": "0"},
        {"from_value": 12, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"},
    ]
    usage = PricedUsage(units=D(units), full_units=None if full_units is None else D(full_units))
    assert price("volume", {"volume_ranges": ranges}, usage).amount == D(owed), why


def test_details() -> None:
    assert price("volume", RANGES, PricedUsage(units=D(210))).amount_details == {
        "flat_unit_amount": "50.0",
        "per_unit_amount": "0.5",
        "per_unit_total_amount": "105.0",
    }
