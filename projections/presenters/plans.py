"""Plans in wire form. Source: api-surface 3.6, 3.8, 3.9, Q8."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projections.presenters import wire
from projections.presenters.charges import present_charge
from projections.presenters.fixed_charges import present_fixed_charge
from projections.presenters.taxes import present_taxes
from projections.views.plans import PlanCounts
from projections.views.reading import Doc
from projections.views.taxes import TaxView


@dataclass(frozen=True, slots=True)
class Named:
    """What plans name, by id: the codes of metrics, add-ons, and taxes that are not deleted."""

    metric_codes: Mapping[str, str]
    add_ons: Mapping[str, Doc]
    taxes: Mapping[str, TaxView]


def present_embedded_plan(doc: Doc, named: Named, counts: PlanCounts) -> dict[str, Any]:
    """A plan inside a subscription."""
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
            present_charge(charge, named.metric_codes[charge["billable_metric_id"]], named.taxes)
            for charge in details["charges"]
        ],
        "usage_thresholds": [],
        "applicable_usage_thresholds": [],
        "taxes": present_taxes(details["tax_ids"], named.taxes),
    }
    if details["minimum_commitment"] is not None:
        presented["minimum_commitment"] = _present_commitment(details, named.taxes)
    if details["metadata"] is not None:
        presented["metadata"] = wire.by_name(details["metadata"])
    return presented


def present_listed_plan(doc: Doc, named: Named, counts: PlanCounts) -> dict[str, Any]:
    """A plan in a list."""
    return present_embedded_plan(doc, named, counts) | {"entitlements": []}


def present_whole_plan(doc: Doc, named: Named, counts: PlanCounts) -> dict[str, Any]:
    """A plan read, made, changed or removed by itself."""
    fixed_charges = [
        present_fixed_charge(fixed_charge, named.add_ons[fixed_charge["add_on_id"]], named.taxes)
        for fixed_charge in doc["details"]["fixed_charges"]
    ]
    return present_listed_plan(doc, named, counts) | {"fixed_charges": fixed_charges}


def _present_commitment(details: Doc, taxes: Mapping[str, TaxView]) -> dict[str, Any]:
    commitment = details["minimum_commitment"]
    return {
        "lago_id": commitment["id"],
        "plan_code": details["code"],
        "invoice_display_name": commitment["invoice_display_name"],
        "commitment_type": "minimum_commitment",
        "amount_cents": commitment["amount_cents"],
        "interval": details["interval"],
        "created_at": wire.instant(commitment["created_at"]),
        "updated_at": wire.instant(commitment["updated_at"] or commitment["created_at"]),
        "taxes": present_taxes(commitment["tax_ids"], taxes),
    }
