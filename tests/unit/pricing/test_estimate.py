"""metering-pricing Y5, Y6 and 24 item 23. (Estimates with history: tests/api/test_estimates.py.)"""

from decimal import Decimal
from typing import Any

import pytest

from domain.kernel.errors import InvalidInputError
from domain.metering.ports import AggregationType, Metric
from domain.pricing.estimate import check_number, instant_fee
from domain.pricing.registry import ChargeModel
from tests.unit.pricing.advance import COUNT, SUM, UNIQUE, event

D = Decimal


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
