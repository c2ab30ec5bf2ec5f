"""metering-pricing 12.9, A20; V5 for what is paid in advance."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.aggregations import custom
from domain.metering.ports import CustomAggregator, Metric
from domain.metering.usage_event import UsageEvent
from domain.pricing.charge_models.custom import parse, validate_for
from domain.pricing.fee import PricedFee
from domain.pricing.pay_in_advance import UsageBefore, price_event
from domain.pricing.registry import PricedUsage, price, validate, with_defaults
from tests.unit.pricing.advance import JUNE, sums

D = Decimal
PRICE = {"custom_properties": {"price": "2"}}
SEATS = CustomAggregator(
    total_units="state.total_units + event.properties.v", amount="event.properties.v * custom_properties.price"
)
LEVEL = CustomAggregator(
    total_units="event.properties.v",
    amount="greatest(event.properties.v - state.total_units, 0) * custom_properties.price",
)
"""What rises is owed for, at the level of each event."""


@pytest.mark.parametrize(
    ("units", "amount", "unit_amount", "why"),
    [
        ("10", "20", "2", "the example of 12.9"),
        ("0", "20", "0", "an amount without units is owed"),
        ("3", "0", "0", "units without an amount are not"),
    ],
)
def test_price(units: str, amount: str, unit_amount: str, why: str) -> None:
    priced = price("custom", PRICE, PricedUsage(units=D(units), precise_total_amount=D(amount)))
    assert (priced.amount, priced.unit_amount, priced.amount_details) == (D(amount), D(unit_amount), {}), why


@pytest.mark.parametrize(
    ("properties", "codes", "served", "why"),
    [
        ({}, [], False, "nothing given"),
        ({"custom_properties": None}, [], False, "null"),
        ({"custom_properties": {"price": "2.50", "other": "x"}}, [], True, "a decimal in a text"),
        ({"custom_properties": {"price": 3}}, [], True, "a whole number"),
        ({"custom_properties": {"price": "dear"}}, [], False, "no number"),
        ({"custom_properties": {"price": D("2.5")}}, ["invalid_custom_properties"], None, "a decimal is a text (M3)"),
        ({"custom_properties": {"price": {"eur": "1"}}}, ["invalid_custom_properties"], None, "nested"),
        ({"custom_properties": ["2"]}, ["invalid_custom_properties"], None, "a list"),
        ({"custom_properties": "2"}, ["invalid_custom_properties"], None, "a text"),
    ],
)
def test_properties(properties: dict[str, Any], codes: list[str], served: bool | None, why: str) -> None:
    assert validate("custom", properties) == codes, why
    if served is not None:
        assert validate_for(SEATS, properties) == ([] if served else ["missing_custom_properties"]), why


def test_defaults() -> None:
    assert with_defaults("custom", {}) == {"custom_properties": {}}
    assert with_defaults("custom", {**PRICE, "amount": "1"}) == PRICE


def fees(aggregator: CustomAggregator, events: Sequence[UsageEvent]) -> list[PricedFee | None]:
    """Of each event in advance, on the state of those before it."""
    metric = Metric(code="c", aggregation_type="custom_agg", custom_aggregator=aggregator)
    priced = []
    for place, one in enumerate(events):
        usage = custom.aggregate(events[:place], metric, parse(PRICE), from_at=JUNE)
        before = PricedUsage(units=usage.units, events_count=usage.events_count, precise_total_amount=usage.amount)
        priced.append(price_event("custom", PRICE, metric, one, UsageBefore(usage=before), currency="EUR"))
    return priced


@pytest.mark.parametrize(
    ("aggregator", "values", "owed", "units", "why"),
    [
        (SEATS, "3 1 2", [600, 200, 400], "3 1 2", "what each adds"),
        (SEATS, "3 -2 4", [600, 0, 800], "3 0 4", "nothing is given back, and the next is owed in full: no peak"),
        (SEATS, "0.333", [67], "0.333", "rounded event by event"),
        (SEATS, "3 abc 1", [600, None, 200], "3 1", "what counts for nothing has no fee"),
        (LEVEL, "3 1 5", [600, 0, 800], "3 0 4", "from 1 to 5"),
        (LEVEL, "0 2", [0, 400], "0 2", "an event of nothing"),
    ],
)
def test_in_advance(aggregator: CustomAggregator, values: str, owed: list[int | None], units: str, why: str) -> None:
    priced = fees(aggregator, sums(values))
    assert [None if fee is None else fee.amount_cents for fee in priced] == owed, why
    assert [fee.units for fee in priced if fee is not None] == [D(number) for number in units.split()], why
    assert {fee.events_count for fee in priced if fee is not None} == {1}


def test_an_amount_without_units_is_owed_in_advance() -> None:
    setup = CustomAggregator(total_units="0", amount="event.properties.v")
    (fee,) = fees(setup, sums("7"))
    assert fee is not None
    assert (fee.units, fee.amount_cents, fee.precise_unit_amount) == (D(0), 700, D(0))
