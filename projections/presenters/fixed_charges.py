"""Fixed charges of plans in wire form. Source: api-surface 6, D1, D6, Q24; metering-pricing W1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projections.presenters import wire
from projections.presenters.charges import present_properties
from projections.presenters.taxes import present_taxes
from projections.views.reading import Doc
from projections.views.taxes import TaxView


def present_fixed_charge(
    fixed_charge: Doc, add_on: Doc, taxes: Mapping[str, TaxView], *, own_units: str | None = None
) -> dict[str, Any]:
    """A fixed charge, from the doc of its plan; `own_units` are those of one subscription alone, where it has any."""
    units = fixed_charge["units_log"][-1]["units"] if own_units is None else own_units
    return {
        "lago_id": fixed_charge["id"],
        "lago_add_on_id": fixed_charge["add_on_id"],
        "lago_parent_id": fixed_charge["parent_id"],
        "code": fixed_charge["code"],
        "invoice_display_name": fixed_charge["invoice_display_name"] or add_on["details"]["name"],
        "add_on_code": add_on["details"]["code"],
        "created_at": wire.instant(fixed_charge["created_at"]),
        "charge_model": fixed_charge["charge_model"],
        "pay_in_advance": fixed_charge["pay_in_advance"],
        "prorated": fixed_charge["prorated"],
        "properties": present_properties(fixed_charge["properties"]),
        "units": wire.number(units),
        "taxes": present_taxes(fixed_charge["tax_ids"], taxes),
    }


def own_units(subscription: Doc) -> dict[str, str]:
    """Units of fixed charges that a subscription has of its own, as decided last, by the root id of each."""
    return {own["fixed_charge_id"]: own["change"]["units"] for own in subscription["fixed_charge_units"]}
