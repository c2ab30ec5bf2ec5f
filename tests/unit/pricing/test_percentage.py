"""metering-pricing 12.6."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.registry import PricedUsage, price

D = Decimal

FIXED = {"rate": "1.3", "fixed_amount": "2"}
BOUNDED = {"rate": "2.99", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "12"}
TOTALS = ("50", "150", "400")


def free(n: int | None = None, z: str | None = None) -> dict[str, Any]:
    return {"free_units_per_events": n, "free_units_per_total_aggregation": z}


@pytest.mark.parametrize(
    ("properties", "units", "events", "totals", "owed", "why"),
    [
        (FIXED | free(3, "250"), "800", 4, TOTALS, "11.15", "the free amount ends first: 550 units and 2 events paid"),
        (FIXED | free(3), "800", 4, TOTALS, "7.2", "three free events hold 400 units"),
        (FIXED, "800", 4, (), "18.4", "nothing is free"),
        (FIXED | free(3, "500"), "800", 4, TOTALS, "7.2", "the free events end first"),
        (FIXED | free(None, "250"), "800", 4, TOTALS, "11.15", "a free amount alone"),
        ({"rate": "0", "fixed_amount": "2"}, "800", 4, (), "8", "the fixed amount of each event"),
        (FIXED, "0", 0, (), "0", "nothing used"),
        (FIXED, "0", 2, (), "0", "events that add up to nothing owe no fixed amount"),
        (FIXED | free(5), "400", 3, TOTALS, "0", "more free events than there are"),
        ({"rate": "2.9"}, "4", 4, (), "0.116", "not rounded"),
        (FIXED | free(None, "500"), "400", 3, TOTALS, "0", "less than the free amount"),
        (FIXED | free(2), "100", 3, (), "3.3", "Q9: no running totals, yet two events are free of the fixed amount"),
        (FIXED, "-5", 1, (), "2", "no share of negative usage (the fee makes nothing of it)"),
    ],
)
def test_percentage(
    properties: dict[str, Any], units: str, events: int, totals: Sequence[str], owed: str, why: str
) -> None:
    usage = PricedUsage(units=D(units), events_count=events, running_totals=[D(total) for total in totals])
    assert price("percentage", properties, usage).amount == D(owed), why


@pytest.mark.parametrize(
    ("n", "z", "units", "free_units", "free_events", "why"),
    [
        (2, None, 5, "2.0", 2, "two of five"),
        (None, "3", 5, "3.0", 2, "Q9: the third event brings the units to exactly 3 and pays the fixed amount"),
        (None, "2.5", 5, "2.5", 2, "half of the third unit is free"),
        (None, "9", 5, "5.0", 5, "all"),
        (2, "4", 5, "2.0", 2, "the free events end first"),
        (None, "1000000000", 10_000_000, "10000000.0", 10_000_000, "as many as there are, at once"),
    ],
)
def test_free_allowances_of_a_count(
    n: int | None, z: str | None, units: int, free_units: str, free_events: int, why: str
) -> None:
    usage = PricedUsage(units=D(units), events_count=units, running_totals=range(1, units + 1))
    details = price("percentage", FIXED | free(n, z), usage).amount_details
    assert (details["free_units"], details["free_events"]) == (free_units, free_events), why


@pytest.mark.parametrize(
    ("properties", "values", "owed", "why"),
    [
        ({"rate": "2.99"}, "10 80 10000", "301.691", "without bounds"),
        (BOUNDED, "10 80 10000", "16.142", "1.75 + 2.392 + 12"),
        (BOUNDED | {"fixed_amount": "2"}, "10 80 10000", "18.691", "the fixed amount counts against the bounds"),
        (BOUNDED | free(2), "10 80 10000", "12", "two free events"),
        (BOUNDED | free(None, "30"), "10 80 10000", "13.794", "the first 30 units: 60 of the second event are paid"),
        (BOUNDED | free(3, "10000"), "10 80 10000", "2.691", "90 units of the third event are paid"),
        (BOUNDED | free(None, "10"), "10 80", "4.142", "an event of exactly the free amount owes the minimum"),
        ({"rate": "1", "per_transaction_min_amount": "5"}, "0 1", "10", "a minimum alone, of events without units too"),
        ({"rate": "1", "per_transaction_max_amount": "5"}, "100 1000", "6", "a maximum alone"),
        (BOUNDED, "", "0", "no events, no minimum"),
        (
            {
                "rate": "1",
                "fixed_amount": "1",
                "per_transaction_min_amount": "1.75",
                "per_transaction_max_amount": "12",
            },
            "100 1000 10000 20",
            "26.75",
            "2 + 11 + 12 + 1.75",
        ),
    ],
)
def test_bounds_per_transaction(properties: dict[str, Any], values: str, owed: str, why: str) -> None:
    of_events = [D(value) for value in values.split()]
    usage = PricedUsage(units=sum(of_events, D(0)), events_count=len(of_events), values=of_events)
    assert price("percentage", properties, usage).amount == D(owed), why


def test_details() -> None:
    usage = PricedUsage(units=D(800), events_count=4, running_totals=[D(total) for total in TOTALS])
    priced = price("percentage", FIXED | free(3, "250"), usage)
    assert priced.unit_amount == D("0.0139375")
    assert priced.amount_details == {
        "units": "800.0",
        "free_units": "250.0",
        "free_events": 2,
        "paid_units": "550.0",
        "paid_events": 2,
        "rate": "1.3",
        "per_unit_total_amount": "7.15",
        "fixed_fee_unit_amount": "2.0",
        "fixed_fee_total_amount": "4.0",
        "min_max_adjustment_total_amount": "0.0",
    }


def test_details_tell_what_the_bounds_changed() -> None:
    usage = PricedUsage(units=D(10090), events_count=3, values=[D(10), D(80), D(10000)])
    details = price("percentage", BOUNDED, usage).amount_details
    assert (details["per_unit_total_amount"], details["min_max_adjustment_total_amount"]) == ("301.691", "-285.549")
