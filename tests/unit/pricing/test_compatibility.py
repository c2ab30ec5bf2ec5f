"""metering-pricing A3, A20, A21, M4, M5, W1."""

from typing import Any

import pytest

from domain.metering.ports import AggregationType
from domain.pricing.compatibility import check, check_fixed
from domain.pricing.registry import ChargeModel

BAD_PAIR = "invalid_aggregation_type_or_charge_model"
BAD_PRORATION = {"prorated": ["invalid_billable_metric_or_charge_model"]}


@pytest.mark.parametrize(
    ("charge_model", "aggregation_type", "charge", "errors", "why"),
    [
        ("standard", "count_agg", {}, {}, "goes with everything"),
        ("volume", "latest_agg", {}, {}, "goes with everything"),
        ("package", "weighted_sum_agg", {}, {}, "goes with everything"),
        ("percentage", "latest_agg", {}, {"properties": ["invalid_value"]}, "no percentage of a latest value"),
        ("graduated_percentage", "latest_agg", {}, {"properties": ["invalid_value"]}, "nor by ranges"),
        ("percentage", "max_agg", {}, {}, "of a maximum it is fine"),
        ("dynamic", "sum_agg", {}, {}, "the one metric it takes"),
        ("dynamic", "count_agg", {}, {"charge_model": [BAD_PAIR]}, "any other"),
        ("custom", "custom_agg", {}, {}, "neither goes without the other"),
        ("custom", "custom_agg", {"pay_in_advance": True}, {}, "can be paid in advance"),
        ("custom", "custom_agg", {"prorated": True, "recurring": True}, BAD_PRORATION, "but not prorated"),
        ("custom", "sum_agg", {}, {"charge_model": [BAD_PAIR]}, "the events make no amount"),
        ("standard", "custom_agg", {}, {"charge_model": [BAD_PAIR]}, "they have made it already"),
        ("dynamic", "custom_agg", {}, {"charge_model": [BAD_PAIR]}, "once"),
        ("standard", "sum_agg", {"pay_in_advance": True}, {}, "can be paid in advance"),
        (
            "volume",
            "sum_agg",
            {"pay_in_advance": True},
            {"pay_in_advance": [BAD_PAIR]},
            "all units are priced at the end",
        ),
        ("standard", "max_agg", {"pay_in_advance": True}, {"pay_in_advance": [BAD_PAIR]}, "no event adds to a maximum"),
        ("standard", "latest_agg", {"pay_in_advance": True}, {"pay_in_advance": [BAD_PAIR]}, "nor to a latest value"),
        (
            "standard",
            "weighted_sum_agg",
            {"pay_in_advance": True},
            {"pay_in_advance": [BAD_PAIR]},
            "known at the end only",
        ),
        ("graduated", "sum_agg", {"prorated": True, "recurring": True}, {}, "prorated in arrears"),
        ("volume", "unique_count_agg", {"prorated": True, "recurring": True}, {}, "prorated in arrears"),
        ("package", "sum_agg", {"prorated": True, "recurring": True}, BAD_PRORATION, "packages are whole"),
        ("standard", "sum_agg", {"prorated": True}, BAD_PRORATION, "only what recurs can be prorated"),
        ("standard", "weighted_sum_agg", {"prorated": True, "recurring": True}, BAD_PRORATION, "weighted already"),
        ("standard", "sum_agg", {"prorated": True, "recurring": True, "pay_in_advance": True}, {}, "standard alone"),
        (
            "graduated",
            "sum_agg",
            {"prorated": True, "recurring": True, "pay_in_advance": True},
            BAD_PRORATION,
            "not this",
        ),
        ("standard", "sum_agg", {"min_amount_cents": 1}, {}, "a minimum in arrears"),
        (
            "standard",
            "sum_agg",
            {"min_amount_cents": 1, "pay_in_advance": True},
            {"min_amount_cents": ["not_compatible_with_pay_in_advance"]},
            "single events have no minimum",
        ),
        ("standard", "sum_agg", {"min_amount_cents": -1}, {"min_amount_cents": ["value_is_out_of_range"]}, "negative"),
        ("standard", "sum_agg", {"invoiceable": False, "pay_in_advance": True}, {}, "standalone fees"),
        (
            "standard",
            "sum_agg",
            {"invoiceable": False},
            {"invoiceable": ["must_be_true_unless_pay_in_advance"]},
            "in arrears there is an invoice",
        ),
        (
            "standard",
            "sum_agg",
            {"invoiceable": False, "pay_in_advance": True, "regroup_paid_fees": "invoice"},
            {},
            "standalone fees on one invoice later",
        ),
        (
            "standard",
            "sum_agg",
            {"pay_in_advance": True, "regroup_paid_fees": "invoice"},
            {"regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"]},
            "they are on invoices already",
        ),
    ],
)
def test_check(
    charge_model: ChargeModel,
    aggregation_type: AggregationType,
    charge: dict[str, Any],
    errors: dict[str, list[str]],
    why: str,
) -> None:
    found = check(
        charge_model=charge_model,
        aggregation_type=aggregation_type,
        recurring=charge.get("recurring", False),
        **{key: value for key, value in charge.items() if key != "recurring"},
    )
    assert found == errors, why


@pytest.mark.parametrize(
    ("charge_model", "pay_in_advance", "prorated", "errors", "why"),
    [
        ("standard", True, True, {}, "goes with everything"),
        ("volume", False, True, {}, "in arrears too"),
        ("volume", True, False, {"pay_in_advance": ["invalid_charge_model"]}, "all units are priced at the end"),
        ("volume", True, True, {"pay_in_advance": ["invalid_charge_model"]}, "prorated or not"),
        ("graduated", True, False, {}, "whole units in advance"),
        ("graduated", False, True, {}, "parts in arrears"),
        ("graduated", True, True, {"prorated": ["invalid_charge_model"]}, "not both"),
    ],
)
def test_fixed_charges(
    charge_model: ChargeModel, pay_in_advance: bool, prorated: bool, errors: dict[str, list[str]], why: str
) -> None:
    found = check_fixed(charge_model=charge_model, pay_in_advance=pay_in_advance, prorated=prorated)
    assert found == errors, why
