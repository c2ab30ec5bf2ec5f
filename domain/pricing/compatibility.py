"""Which metric goes with which charge: checks across the fields of a charge, usage or fixed.

Source: metering-pricing A3, A20, A21, M4, M5, W1.
"""

from __future__ import annotations

from collections import defaultdict

from domain.metering.ports import AggregationType
from domain.pricing.registry import ChargeModel

_IN_ADVANCE_AGGREGATIONS: frozenset[AggregationType] = frozenset(
    {"count_agg", "sum_agg", "unique_count_agg", "custom_agg"}
)
_PERCENTAGE_MODELS: frozenset[ChargeModel] = frozenset({"percentage", "graduated_percentage"})
_PRORATED_MODELS: dict[bool, frozenset[ChargeModel]] = {
    False: frozenset({"standard", "volume", "graduated"}),
    True: frozenset({"standard"}),
}
"""By `pay_in_advance`."""


def check(
    *,
    charge_model: ChargeModel,
    aggregation_type: AggregationType,
    recurring: bool,
    pay_in_advance: bool = False,
    prorated: bool = False,
    invoiceable: bool = True,
    min_amount_cents: int = 0,
    regroup_paid_fees: str | None = None,
) -> dict[str, list[str]]:
    """Field -> codes of what does not go together; empty if everything does.

    Args:
        aggregation_type, recurring: of the billable metric.
    """
    errors: defaultdict[str, list[str]] = defaultdict(list)
    is_pair = (charge_model == "custom") == (aggregation_type == "custom_agg")  # neither goes without the other (A20)
    if not is_pair or (charge_model == "dynamic" and aggregation_type != "sum_agg"):
        errors["charge_model"].append("invalid_aggregation_type_or_charge_model")
    if charge_model in _PERCENTAGE_MODELS and aggregation_type == "latest_agg":
        errors["properties"].append("invalid_value")
    if pay_in_advance and (charge_model == "volume" or aggregation_type not in _IN_ADVANCE_AGGREGATIONS):
        errors["pay_in_advance"].append("invalid_aggregation_type_or_charge_model")
    if prorated and not _can_be_prorated(charge_model, aggregation_type, recurring, pay_in_advance):
        errors["prorated"].append("invalid_billable_metric_or_charge_model")
    if min_amount_cents < 0:
        errors["min_amount_cents"].append("value_is_out_of_range")
    elif min_amount_cents > 0 and pay_in_advance:
        errors["min_amount_cents"].append("not_compatible_with_pay_in_advance")
    if not invoiceable and not pay_in_advance:
        errors["invoiceable"].append("must_be_true_unless_pay_in_advance")
    if regroup_paid_fees is not None and (invoiceable or not pay_in_advance):
        errors["regroup_paid_fees"].append("only_compatible_with_pay_in_advance_and_non_invoiceable")
    return dict(errors)


def check_fixed(*, charge_model: ChargeModel, pay_in_advance: bool, prorated: bool) -> dict[str, list[str]]:
    """Likewise of a fixed charge, which has no metric (W1)."""
    if pay_in_advance and charge_model == "volume":
        return {"pay_in_advance": ["invalid_charge_model"]}
    if pay_in_advance and prorated and charge_model == "graduated":
        return {"prorated": ["invalid_charge_model"]}
    return {}


def _can_be_prorated(
    charge_model: ChargeModel, aggregation_type: AggregationType, recurring: bool, pay_in_advance: bool
) -> bool:
    """Weighted sums weigh time already."""
    return recurring and aggregation_type != "weighted_sum_agg" and charge_model in _PRORATED_MODELS[pay_in_advance]
