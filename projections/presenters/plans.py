"""Plans in wire form. Source: api-surface 3.6, 3.8, 3.9, Q8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projections.presenters import wire
from projections.presenters.charges import present_charge
from projections.presenters.taxes import present_taxes
from projections.views.plans import PlanCounts
from projections.views.reading import Doc
from projections.views.taxes import TaxView


def present_embedded_plan(
    doc: Doc, metric_codes: Mapping[str, str], taxes: Mapping[str, TaxView], counts: PlanCounts
) -> dict[str, Any]:
    """A plan inside a subscription; its charges' metrics and the taxes are those that are named, by id."""
    details = doc["details"]
    presented = {
        "lago_id": doc["id"],
        "name": details["name"],
        "invoice_display_name": details["invoice_display_name"],
        "created_at": wire.instant(doc["created_at"]),
        "code": details["code"],
        "interval": details["interval"],
        "description": details["description"],
        "amount_cents": details["amount_cents"],
        "amount_currency": details["amount_currency"],
        "trial_period": wire.number(details["trial_period"]),
        "pay_in_advance": details["pay_in_advance"],
        "bill_charges_monthly": details["bill_charges_monthly"],
        "bill_fixed_charges_monthly": details["bill_fixed_charges_monthly"],
        "customers_count": counts.customers,
        "active_subscriptions_count": counts.active_subscriptions,
        "draft_invoices_count": 0,
        "parent_id": doc["parent_id"],
        "pending_deletion": False,
        "charges": [
            present_charge(charge, metric_codes[charge["billable_metric_id"]], taxes) for charge in details["charges"]
        ],
        "usage_thresholds": [],
        "applicable_usage_thresholds": [],
        "taxes": present_taxes(details["tax_ids"], taxes),
    }
    if details["metadata"] is not None:
        presented["metadata"] = details["metadata"]
    return presented


def present_listed_plan(
    doc: Doc, metric_codes: Mapping[str, str], taxes: Mapping[str, TaxView], counts: PlanCounts
) -> dict[str, Any]:
    """A plan in a list."""
    return present_embedded_plan(doc, metric_codes, taxes, counts) | {"entitlements": []}


def present_whole_plan(
    doc: Doc, metric_codes: Mapping[str, str], taxes: Mapping[str, TaxView], counts: PlanCounts
) -> dict[str, Any]:
    """A plan read, made, changed or removed by itself."""
    return present_listed_plan(doc, metric_codes, taxes, counts) | {"fixed_charges": []}
