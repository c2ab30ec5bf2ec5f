"""metering-pricing Y5, Y6 and 24 item 23."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.kernel.errors import InvalidInputError
from domain.metering.ports import AggregationType, Metric
from domain.metering.usage_event import UsageEvent
from domain.pricing.estimate import check_number, estimate_fee, instant_fee
from domain.pricing.pay_in_advance import UsageBefore
from domain.pricing.registry import ChargeModel
from tests.unit.pricing.advance import (
    COUNT,
    JUNE,
    JUNE_DAYS,
    RECURRING_UNIQUE,
    SUM,
    UNIQUE,
    event,
    fees,
    moves,
    sums,
    usage_before,
)

D = Decimal
AT = JUNE + timedelta(days=10, hours=10)
FLAT = {"graduated_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "100"}]}


@pytest.mark.parametrize(
    ("charge_model", "properties", "metric", "history", "estimated", "cents", "units", "why"),
    [
        ("standard", {"amount": "10"}, COUNT, [], {}, 1000, "1", "the first call"),
        (
            "percentage",
            {"rate": "0.5", "per_transaction_min_amount": "12"},
            SUM,
            [],
            {"v": 4},
            1200,
            "4",
            "0.5 % of 4 is raised to 12",
        ),
        (
            "percentage",
            {"rate": "0.5", "per_transaction_min_amount": "12"},
            SUM,
            sums("4"),
            {"v": 20000},
            10000,
            "20000",
            "the earlier event's 12 is no part of it",
        ),
        ("standard", {"amount": "10"}, UNIQUE, [], {"v": "1234"}, 1000, "1", "the first seat"),
        ("standard", {"amount": "10"}, UNIQUE, moves("1234"), {"v": "1234"}, 0, "0", "there already"),
        ("standard", {"amount": "10"}, UNIQUE, moves("1234"), {"v": "5678"}, 1000, "1", "another one"),
        (
            "standard",
            {"amount": "10"},
            UNIQUE,
            moves("1234"),
            {"v": "1234", "operation_type": "remove"},
            0,
            "0",
            "nothing is given back",
        ),
        ("standard", {"amount": "1"}, SUM, sums("10 -4"), {"v": 8}, 400, "4", "above the paid ten"),
        ("graduated", FLAT, SUM, [], {"v": 2}, 10200, "2", "the first flat amount too (Q15)"),
        ("graduated", FLAT, SUM, sums("1"), {"v": 2}, 200, "2", "it is owed already"),
    ],
)
def test_estimates(
    charge_model: ChargeModel,
    properties: dict[str, Any],
    metric: Metric,
    history: list[UsageEvent],
    estimated: dict[str, Any],
    cents: int,
    units: str,
    why: str,
) -> None:
    before = usage_before(history, charge_model, properties, metric)
    sent = event(99, estimated)
    fee = estimate_fee(charge_model, properties, metric, sent, before, at=AT, currency="EUR")
    assert fee is not None
    assert (fee.amount_cents, fee.units, fee.events_count) == (cents, D(units), 1), why
    then = fees(charge_model, properties, metric, [*history, event(99, estimated, at=AT)])[-1]
    assert fee == then, "it is the fee that the event then gets"


def test_an_estimate_is_of_now_whatever_time_the_event_says() -> None:
    long_ago = event(0, {"v": "a"}, at=JUNE)
    fee = estimate_fee(
        "standard",
        {"amount": "30"},
        RECURRING_UNIQUE,
        long_ago,
        UsageBefore(),
        at=AT,
        currency="EUR",
        prorated=JUNE_DAYS,
    )
    assert fee is not None
    assert (fee.amount_cents, fee.units) == (2000, D(1)), "20 of 30 days"


def test_what_counts_for_nothing_has_no_estimate() -> None:
    nothing = event(0, {})
    assert estimate_fee("standard", {"amount": "1"}, UNIQUE, nothing, UsageBefore(), at=AT, currency="EUR") is None


@pytest.mark.parametrize("aggregation_type", ["sum_agg", "max_agg", "latest_agg"])
@pytest.mark.parametrize("properties", [{}, {"v": "abc"}, {"v": ""}])
def test_numbers_are_asked_for(aggregation_type: AggregationType, properties: dict[str, Any]) -> None:
    metric = Metric(code="c", aggregation_type=aggregation_type, field_name="v")
    with pytest.raises(InvalidInputError) as refused:
        check_number(metric, properties)
    assert refused.value.details == {"properties": ["value_is_not_valid_number"]}
    check_number(metric, {"v": 0})


def test_counts_need_no_number() -> None:
    check_number(COUNT, {})
    check_number(UNIQUE, {"v": "abc"})


@pytest.mark.parametrize(
    ("charge_model", "properties", "metric", "sent", "cents", "precise", "why"),
    [
        ("percentage", {"rate": "2.99"}, SUM, "20", 60, "59.8", "20 at 2.99 %"),
        ("percentage", {"rate": "2.99", "fixed_amount": "10"}, SUM, "20", 1060, "1059.8", "and 10"),
        ("percentage", {"rate": "2.99", "per_transaction_max_amount": "0.1"}, SUM, "20", 10, "10", "0.1 at most"),
        ("percentage", {"rate": "2.99", "per_transaction_min_amount": "5.5"}, SUM, "20", 550, "550", "5.5 at least"),
        ("percentage", {"rate": "0.1"}, SUM, "500", 50, "50", "500 at 0.1 %"),
        (
            "percentage",
            {"rate": "1", "free_units_per_events": 5},
            SUM,
            "500",
            500,
            "500",
            "free allowances are ignored",
        ),
        ("percentage", {"rate": "1", "fixed_amount": "1"}, SUM, "-5", 0, "0", "less than nothing"),
        ("percentage", {"rate": "1", "fixed_amount": "1"}, SUM, "0", 100, "100", "a transaction of nothing"),
        ("standard", {"amount": "1.5"}, SUM, "3", 450, "450", "by unit"),
        ("standard", {"amount": "1.5"}, SUM, "-3", 0, "0", "less than nothing"),
        ("standard", {"amount": "1.5"}, SUM, "abc", 0, "0", "no number"),
        ("standard", {"amount": "10"}, COUNT, "7", 1000, "1000", "one event"),
        ("standard", {"amount": "10"}, UNIQUE, "7", 1000, "1000", "one value"),
    ],
)
def test_instant_fees(
    charge_model: ChargeModel, properties: dict[str, Any], metric: Metric, sent: str, cents: int, precise: str, why: str
) -> None:
    fee = instant_fee(charge_model, properties, metric, event(0, {"v": sent}), rounding=None, currency="EUR")
    assert (fee.amount_cents, fee.precise_amount_cents) == (cents, D(precise)), why
    assert fee.events_count == 1


def test_instant_units_are_rounded_as_the_metric_asks() -> None:
    fee = instant_fee("standard", {"amount": "2"}, SUM, event(0, {"v": "2.31"}), rounding=("ceil", 1), currency="EUR")
    assert (fee.units, fee.amount_cents, fee.precise_unit_amount) == (D("2.4"), 480, D(2))
