"""metering-pricing Y4."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.fee import PricedFee, settle
from domain.pricing.projection import Elapsed, project
from domain.pricing.registry import ChargeModel, PricedUsage, price

D = Decimal
JUNE, END = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 6, 30, 23, 59, 59, 999999, UTC)
THIRD = Elapsed(days=10, of_days=30)
RANGES = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "2", "flat_amount": "10"},
    {"from_value": 11, "to_value": None, "per_unit_amount": "1", "flat_amount": "3"},
]
SHARES = [
    {"from_value": 0, "to_value": 100, "rate": "10", "flat_amount": "1"},
    {"from_value": 101, "to_value": None, "rate": "20", "flat_amount": "1"},
]


def fee(charge_model: ChargeModel, properties: dict[str, Any], usage: PricedUsage, currency: str = "EUR") -> PricedFee:
    return settle(price(charge_model, properties, usage), usage.units, usage.events_count, currency)


@pytest.mark.parametrize(
    ("at", "timezone", "days", "why"),
    [
        (datetime(2024, 6, 1, tzinfo=UTC), "UTC", 1, "the first instant is of the first day"),
        (datetime(2024, 6, 10, 12, tzinfo=UTC), "UTC", 10, "a day that has begun counts"),
        (datetime(2024, 6, 30, 12, tzinfo=UTC), "UTC", 30, "the last day"),
        (datetime(2024, 9, 1, tzinfo=UTC), "UTC", 30, "complete after the end"),
        (datetime(2024, 5, 1, tzinfo=UTC), "UTC", 1, "not yet begun"),
        (datetime(2024, 6, 10, 22, tzinfo=UTC), "Europe/Paris", 11, "local midnight opens a day"),
    ],
)
def test_elapsed(at: datetime, timezone: str, days: int, why: str) -> None:
    start = JUNE if timezone == "UTC" else datetime(2024, 5, 31, 22, tzinfo=UTC)
    end = END if timezone == "UTC" else datetime(2024, 6, 30, 21, 59, 59, 999999, UTC)
    assert Elapsed.at(at, from_at=start, to_at=end, timezone=timezone) == Elapsed(days=days, of_days=30), why


def test_a_window_that_begins_within_a_day() -> None:
    start = datetime(2024, 6, 1, 12, 12, tzinfo=UTC)
    assert Elapsed.at(start, from_at=start, to_at=END, timezone="UTC") == Elapsed(days=1, of_days=30)


@pytest.mark.parametrize(
    ("charge_model", "properties", "usage", "units", "cents", "why"),
    [
        ("standard", {"amount": "1.5"}, PricedUsage(units=D(4)), "12", 1800, "three times as much"),
        ("graduated", {"graduated_ranges": RANGES}, PricedUsage(units=D(4)), "12", 3500, "the second range is reached"),
        ("volume", {"volume_ranges": RANGES}, PricedUsage(units=D(4)), "12", 1500, "all in the second range"),
        (
            "package",
            {"amount": "5", "package_size": 10, "free_units": 0},
            PricedUsage(units=D(4)),
            "12",
            1000,
            "two packages",
        ),
        ("percentage", {"rate": "10"}, PricedUsage(units=D(4), events_count=2), "12", 120, "the amount"),
        (
            "graduated_percentage",
            {"graduated_percentage_ranges": SHARES},
            PricedUsage(units=D(90)),
            "270",
            3000,
            "the amount: the range is not looked at",
        ),
        ("dynamic", {}, PricedUsage(units=D(4), precise_total_amount=D("0.335")), "12", 101, "before it was rounded"),
        ("custom", {}, PricedUsage(units=D(4), precise_total_amount=D("0.335")), "12", 101, "likewise"),
        ("graduated", {"graduated_ranges": RANGES}, PricedUsage(units=D(0)), "0", 1000, "the flat amount of no units"),
        (
            "graduated",
            {"graduated_ranges": RANGES},
            PricedUsage(units=D(-3)),
            "0",
            0,
            "below zero nothing is owed (K4)",
        ),
    ],
)
def test_projections(
    charge_model: ChargeModel, properties: dict[str, Any], usage: PricedUsage, units: str, cents: int, why: str
) -> None:
    current = fee(charge_model, properties, usage)
    projected = project(charge_model, properties, current, THIRD, recurring=False, currency="EUR")
    assert (projected.units, projected.amount_cents) == (D(units), cents), why


def test_projected_units_are_rounded_and_priced_so() -> None:
    current = fee("standard", {"amount": "100"}, PricedUsage(units=D(1)))
    projected = project(
        "standard", {"amount": "100"}, current, Elapsed(days=7, of_days=30), recurring=False, currency="EUR"
    )
    assert (projected.units, projected.amount_cents) == (D("4.29"), 42900)


def test_recurring_units_stay() -> None:
    current = fee("standard", {"amount": "1.5"}, PricedUsage(units=D(4)))
    assert project("standard", {"amount": "1.5"}, current, THIRD, recurring=True, currency="EUR") == current


@pytest.mark.parametrize("charge_model", ["standard", "percentage"])
def test_at_the_end_the_projection_is_the_usage(charge_model: ChargeModel) -> None:
    terms = {"amount": "1.5"} if charge_model == "standard" else {"rate": "7"}
    current = fee(charge_model, terms, PricedUsage(units=D("4.25"), events_count=1), "JPY")
    complete = Elapsed(days=30, of_days=30)
    projected = project(charge_model, terms, current, complete, recurring=False, currency="JPY")
    assert (projected.units, projected.amount_cents) == (current.units, current.amount_cents)
