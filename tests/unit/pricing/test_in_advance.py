"""metering-pricing V5, V7, V10 and the examples in advance of section 12."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any

import pytest

from domain.metering.aggregations import sum as sum_aggregation
from domain.pricing.fee import PricedFee
from domain.pricing.in_advance import price_event
from domain.pricing.registry import ChargeModel, PricedUsage

D = Decimal


def graduated(*rows: tuple[int, int | None, str, str]) -> dict[str, Any]:
    keys = ("from_value", "to_value", "per_unit_amount", "flat_amount")
    return {"graduated_ranges": [dict(zip(keys, row, strict=True)) for row in rows]}


SHARES = {
    "graduated_percentage_ranges": [
        {"from_value": 0, "to_value": 100, "rate": "20", "flat_amount": "10"},
        {"from_value": 101, "to_value": 200, "rate": "30", "flat_amount": "7"},
        {"from_value": 201, "to_value": None, "rate": "40", "flat_amount": "5"},
    ]
}
BOUNDED = {"rate": "1", "fixed_amount": "0.5", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "2"}


def fees(charge_model: ChargeModel, properties: dict[str, Any], values: Sequence[D]) -> list[PricedFee]:
    """The fee of each event of a sum, in their order."""

    def usage(count: int) -> PricedUsage:
        totals = sum_aggregation.running_totals(
            values[:count],
            free_events=properties.get("free_units_per_events") or 0,
            free_units=D(properties.get("free_units_per_total_aggregation") or 0),
        )
        return PricedUsage(
            units=sum(values[:count], D(0)), events_count=count, running_totals=totals, values=values[:count]
        )

    usages = [usage(count) for count in range(len(values) + 1)]
    return [
        price_event(charge_model, properties, before=before, after=after, units=value, currency="EUR")
        for (before, after), value in zip(pairwise(usages), values, strict=True)
    ]


@pytest.mark.parametrize(
    ("charge_model", "properties", "values", "cents", "why"),
    [
        ("standard", {"amount": "10"}, "1 1", [1000, 1000], "every event alike"),
        (
            "graduated",
            graduated((0, 5, "0.02", "0.01"), (6, None, "0.01", "0.01")),
            "3 1 2",
            [7, 2, 4],
            "the first event carries the first flat amount, the third the second",
        ),
        ("graduated", graduated((0, 2, "0", "0"), (3, None, "2", "0")), "1 1 1", [0, 0, 200], "two free ones"),
        ("graduated_percentage", SHARES, "50 100", [2000, 3200], "10 + 10 flat; 50 at 20 %, 50 at 30 %, 7 flat"),
        ("package", {"amount": "100", "package_size": 2, "free_units": 3}, "3 1 2", [0, 10000, 10000], "100 each"),
        (
            "percentage",
            {"rate": "5", "fixed_amount": "1", "free_units_per_events": 2},
            "8 5 3",
            [0, 0, 115],
            "two free",
        ),
        (
            "percentage",
            {"rate": "5", "fixed_amount": "1", "free_units_per_total_aggregation": "120"},
            "100 10 20 20",
            [0, 0, 150, 200],
            "half of the third is free",
        ),
        (
            "percentage",
            {"rate": "5", "fixed_amount": "1", "free_units_per_total_aggregation": "3"},
            "5 1",
            [110, 105],
            "two of the first five are paid",
        ),
        ("percentage", BOUNDED, "100 1000 10000", [175, 200, 200], "each within its bounds"),
        ("percentage", BOUNDED, "0 0", [175, 175], "an event of no units owes the minimum as well"),
        ("graduated", graduated((0, None, "1", "10")), "0 5", [0, 1500], "no units, no flat amount yet"),
    ],
)
def test_events_in_advance(
    charge_model: ChargeModel, properties: dict[str, Any], values: str, cents: list[int], why: str
) -> None:
    priced = fees(charge_model, properties, [D(value) for value in values.split()])
    assert [fee.amount_cents for fee in priced] == cents, why
    assert {fee.events_count for fee in priced} == {1}


@pytest.mark.parametrize(("amounts", "cents"), [("12.3456 0.021", [1235, 2])])
def test_dynamic_rounds_each_event_on_its_own(amounts: str, cents: list[int]) -> None:
    totals = list(accumulate((D(amount) for amount in amounts.split()), initial=D(0)))
    usages = [PricedUsage(units=D(place), precise_total_amount=total) for place, total in enumerate(totals)]
    priced = [
        price_event("dynamic", {}, before=before, after=after, units=D(1), currency="EUR")
        for before, after in pairwise(usages)
    ]
    assert [fee.amount_cents for fee in priced] == cents


def test_the_unit_amount_follows_the_rounded_amount() -> None:
    before, after = PricedUsage(units=D(0)), PricedUsage(units=D(4))
    fee = price_event("percentage", {"rate": "2.9"}, before=before, after=after, units=D(4), currency="EUR")
    assert (fee.amount_cents, fee.precise_amount_cents, fee.precise_unit_amount) == (12, D("11.6"), D("0.03"))


def test_details_are_those_of_the_event() -> None:
    _, second = fees("graduated_percentage", SHARES, [D(50), D(100)])
    first_range, second_range = second.amount_details["graduated_percentage_ranges"]
    assert (first_range["units"], first_range["rate"], first_range["flat_unit_amount"]) == ("50.0", "20.0", "0.0")
    assert (second_range["units"], second_range["total_with_flat_amount"]) == ("50.0", "22.0")
    *_, third = fees("percentage", {"rate": "5", "fixed_amount": "1", "free_units_per_events": 2}, [D(8), D(5), D(3)])
    assert (third.amount_details["paid_units"], third.amount_details["paid_events"]) == ("3.0", 1)
    assert (third.amount_details["free_events"], third.amount_details["fixed_fee_total_amount"]) == (0, "1.0")
    assert fees("standard", {"amount": "1"}, [D(1)])[0].amount_details == {}
