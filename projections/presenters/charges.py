"""Charges of plans in wire form. Source: api-surface 3.6, Q13; metering-pricing M1, R2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projections.presenters import wire
from projections.presenters.taxes import present_taxes
from projections.views.reading import Doc
from projections.views.taxes import TaxView

_BOUNDS = ("from_value", "to_value")


def present_charge(charge: Doc, metric_code: str, taxes: Mapping[str, TaxView]) -> dict[str, Any]:
    """A charge, from the doc of its plan."""
    return {
        "lago_id": charge["id"],
        "lago_billable_metric_id": charge["billable_metric_id"],
        "lago_parent_id": charge["parent_id"],
        "code": charge["code"],
        "invoice_display_name": charge["invoice_display_name"],
        "billable_metric_code": metric_code,
        "created_at": wire.instant(charge["created_at"]),
        "charge_model": charge["charge_model"],
        "invoiceable": charge["invoiceable"],
        "regroup_paid_fees": charge["regroup_paid_fees"],
        "pay_in_advance": charge["pay_in_advance"],
        "prorated": charge["prorated"],
        "min_amount_cents": charge["min_amount_cents"],
        "accepts_target_wallet": charge["accepts_target_wallet"],
        "properties": present_properties(charge["properties"]),
        "filters": [present_charge_filter(filter_, charge["code"]) for filter_ in charge["filters"]],
        "applied_pricing_unit": _pricing_unit(charge["applied_pricing_unit"]),
        "taxes": present_taxes(charge["tax_ids"], taxes),
    }


def _pricing_unit(applied: Doc | None) -> dict[str, Any] | None:
    if applied is None:
        return None
    return {key: applied[key] for key in ("code", "short_name", "conversion_rate")}


def present_charge_filter(filter_: Doc, charge_code: str) -> dict[str, Any]:
    return {
        "lago_id": filter_["id"],
        "charge_code": charge_code,
        "invoice_display_name": filter_["invoice_display_name"],
        "properties": present_properties(filter_["properties"]),
        "values": wire.by_name(filter_["values"]),
    }


def present_properties(properties: Doc) -> dict[str, Any]:
    """As they were sent: bounds of ranges are numbers again, and grouping keys have their old name too."""
    presented = {key: _present_ranges(value) for key, value in wire.by_name(properties).items()}
    if properties.get("pricing_group_keys"):
        presented["grouped_by"] = properties["pricing_group_keys"]
    return presented


def _present_ranges(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        {key: float(inner) if key in _BOUNDS and isinstance(inner, str) else inner for key, inner in item.items()}
        if isinstance(item, dict)
        else item
        for item in value
    ]
