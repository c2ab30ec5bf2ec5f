"""Prices of fixed charges. Figures: metering-pricing W5, W8, W9, 12.3; invoicing-money 18.9."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.fixed_charge import UnexpiredFee, less_unexpired, price_change, price_window
from domain.pricing.registry import ChargeModel

TIERS = [
    {"from_value": 0, "to_value": 5, "per_unit_amount": "10", "flat_amount": "100"},
    {"from_value": 6, "to_value": None, "per_unit_amount": "5", "flat_amount": "50"},
]


def properties(charge_model: str, amount: str = "10") -> dict[str, Any]:
    return {"amount": amount} if charge_model == "standard" else {f"{charge_model}_ranges": TIERS}


@pytest.mark.parametrize(
    ("model", "amount", "units", "prorated", "cents", "unit_amount", "why"),
    [
        ("standard", "10", "10", None, 10000, "10", "whole"),
        ("standard", "1", "10", "4.193548", 419, "0.4193548", "13 of 31 days; the unit amount is spread over all"),
        ("standard", "3", "5", "2.096774", 629, "1.2580644", "likewise"),
        ("standard", "10", "7", "8.838709", 8839, "12.626727142857143", "more units before the last change"),
        ("graduated", "", "8", None, 21500, "26.875", "5 x 10 + 100 + 3 x 5 + 50"),
        ("graduated", "", "1", "0.7", 10700, "107", "one pseudo event: 0.7 x 10 + 100"),
        ("graduated", "", "10", "5", 18750, "18.75", "half the month: (5 x 10 + 5 x 5) / 2 + 150"),
        ("graduated", "", "0", None, 10000, "0", "the first flat amount without any unit"),
        ("volume", "", "8", None, 9000, "11.25", "8 x 5 + 50"),
        ("volume", "", "8", "4", 7000, "8.75", "all units choose the range, prorated ones are priced: 4 x 5 + 50"),
        ("standard", "10", "0", None, 0, "0", "nothing"),
    ],
)
def test_a_window(
    model: ChargeModel, amount: str, units: str, prorated: str | None, cents: int, unit_amount: str, why: str
) -> None:
    fee = price_window(
        model,
        properties(model, amount),
        units=Decimal(units),
        prorated_units=None if prorated is None else Decimal(prorated),
        currency="EUR",
    )
    assert (fee.amount_cents, fee.units) == (cents, Decimal(units)), why
    assert fee.precise_unit_amount == Decimal(unit_amount), why


@pytest.mark.parametrize(
    ("model", "units", "billed", "days_left", "expected", "why"),
    [
        ("standard", "15", "10", None, ("5", 5000, 1000), "5 more"),
        ("standard", "5", "10", None, ("0", 0, 0), "fewer cost nothing"),
        ("standard", "10", "10", None, ("0", 0, 0), "as many"),
        ("standard", "20", "10", None, ("10", 10000, 1000), "up again after fewer: 10 were billed"),
        ("standard", "10", "0", 17, ("10", 5484, 548), "prorated, from the 15th of 31 days on"),
        ("graduated", "20", "10", None, ("10", 22500, 2250), "the ranges begin anew with the 10 more"),
    ],
)
def test_a_change(
    model: ChargeModel, units: str, billed: str, days_left: int | None, expected: tuple[str, int, int], why: str
) -> None:
    fee = price_change(
        model,
        properties(model),
        units=Decimal(units),
        billed_units=Decimal(billed),
        days_left=days_left,
        duration_days=31,
        currency="EUR",
    )
    assert (fee.units, fee.amount_cents, fee.unit_amount_cents) == (Decimal(expected[0]), *expected[1:]), why


@pytest.mark.parametrize(
    ("units", "cents", "unit_amount_cents", "why"),
    [
        ("1e-20", 10000, 0, "100.00 over next to no units is more per unit than is shown"),
        ("1e-44", 10000, 0, "likewise"),
        ("0.00000000001", 10000, 10**15, "1e13 a unit fits"),
    ],
)
def test_a_change_to_next_to_no_units(units: str, cents: int, unit_amount_cents: int, why: str) -> None:
    fee = price_change(
        "volume",
        properties("volume"),
        units=Decimal(units),
        billed_units=Decimal(0),
        days_left=None,
        duration_days=31,
        currency="EUR",
    )
    assert (fee.amount_cents, fee.unit_amount_cents) == (cents, unit_amount_cents), why
    assert (fee.precise_unit_amount > 0) == (unit_amount_cents > 0), why
    paid = less_unexpired(fee, [UnexpiredFee(amount_cents=100, days_left=31, days=31)], "EUR")
    assert (paid.amount_cents, paid.precise_unit_amount > 0) == (cents - 100, unit_amount_cents > 0), why


@pytest.mark.parametrize(
    ("cents", "unexpired", "expected", "why"),
    [
        (3548, [(1500, 11, 31)], 3016, "an upgrade on 21 August: 3548 - 532"),
        (3548, [], 3548, "an add-on that the old plan did not have"),
        (3548, [(1500, 11, 31), (500, 11, 12)], 2558, "a change of units in August was paid, too: 458 more"),
        (3548, [(9000, 31, 31)], 0, "the same day: all of it, never below zero"),
    ],
)
def test_what_an_old_plan_was_paid_for(
    cents: int, unexpired: list[tuple[int, int, int]], expected: int, why: str
) -> None:
    units = Decimal(10) * 11 / 31
    fee = price_window(
        "standard", {"amount": "10"}, units=Decimal(10), prorated_units=units.quantize(Decimal("1e-6")), currency="EUR"
    )
    assert fee.amount_cents == cents
    paid = [UnexpiredFee(amount_cents=amount, days_left=left, days=days) for amount, left, days in unexpired]
    assert less_unexpired(fee, paid, "EUR").amount_cents == expected, why
