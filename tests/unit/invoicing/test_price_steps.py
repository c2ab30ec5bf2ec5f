"""The steps on an invoice add up to what pricing says is owed. Vectors: metering-pricing 12.2, 12.4 to 12.7."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest

from domain.invoicing.price_steps import PriceStep, price_steps
from domain.pricing.registry import ChargeModel, PricedUsage, price


def ranges(*rows: tuple[int, int | None, str, str], amount: str = "per_unit_amount") -> list[dict[str, Any]]:
    return [dict(zip(("from_value", "to_value", amount, "flat_amount"), row, strict=True)) for row in rows]


TIERS = ranges((0, 10, "10", "2"), (11, 20, "5", "3"), (21, None, "5", "3"))
RATES = ranges((0, 10, "1", "200"), (11, 20, "2", "300"), (21, None, "3", "400"), amount="rate")
PACKAGE = {"amount": "100", "package_size": 10, "free_units": 10}
BOUNDED = {"rate": "2.99", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "12"}
FREE = {"rate": "1.3", "fixed_amount": "2", "free_units_per_events": 3, "free_units_per_total_aggregation": "250"}


@pytest.mark.parametrize(
    ("charge_model", "properties", "usage", "kinds"),
    [
        ("standard", {"amount": "5"}, PricedUsage(units=D(10)), []),
        ("graduated", {"graduated_ranges": TIERS}, PricedUsage(units=D(0)), ["flat"]),
        ("graduated", {"graduated_ranges": TIERS}, PricedUsage(units=D("12.5")), ["range", "flat", "range", "flat"]),
        (
            "graduated_percentage",
            {"graduated_percentage_ranges": RATES},
            PricedUsage(units=D(12)),
            ["range", "flat", "range", "flat"],
        ),
        ("package", PACKAGE, PricedUsage(units=D(0)), []),
        ("package", PACKAGE, PricedUsage(units=D(7)), ["free_units"]),
        ("package", PACKAGE, PricedUsage(units=D("120.01")), ["free_units", "packages"]),
        (
            "percentage",
            FREE,
            PricedUsage(units=D(800), events_count=4, running_totals=(D(50), D(150), D(400))),
            ["free_units", "free_events", "units", "transactions"],
        ),
        (
            "percentage",
            BOUNDED,
            PricedUsage(units=D(10090), events_count=3, values=(D(10), D(80), D(10000))),
            ["units", "adjustment"],
        ),
        ("volume", {"volume_ranges": TIERS}, PricedUsage(units=D("100.5")), ["units", "flat"]),
        ("volume", {"volume_ranges": TIERS}, PricedUsage(units=D("3.3"), full_units=D(15)), ["units", "flat"]),
        ("volume", {"volume_ranges": TIERS}, PricedUsage(units=D(0)), ["flat"]),
    ],
)
def test_steps_add_up(
    charge_model: ChargeModel, properties: dict[str, Any], usage: PricedUsage, kinds: list[str]
) -> None:
    priced = price(charge_model, properties, usage)
    steps = price_steps(priced.amount_details, usage.units)
    assert [step.kind for step in steps] == kinds
    if steps:
        assert sum(step.amount for step in steps) == priced.amount
    for step in steps:
        if step.unit_amount is not None and step.units is not None:
            assert step.units * step.unit_amount == step.amount


def test_units_of_a_prorated_volume_are_those_that_were_priced() -> None:
    priced = price("volume", {"volume_ranges": TIERS}, PricedUsage(units=D("3.3"), full_units=D(15)))
    assert price_steps(priced.amount_details, D(15))[0] == PriceStep(
        kind="units", units=D("3.3"), unit_amount=D(5), amount=D("16.5")
    )


def test_negative_usage_has_no_steps() -> None:
    priced = price("graduated", {"graduated_ranges": TIERS}, PricedUsage(units=D(-1)))
    assert price_steps(priced.amount_details, D(0)) == ()


def test_fee_without_details() -> None:
    assert price_steps({"plan_amount_cents": "1000"}, D(1)) == ()
