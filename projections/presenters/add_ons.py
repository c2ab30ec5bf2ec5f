"""Add-ons in wire form. Source: api-surface "Add-ons", 6."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projections.presenters import wire
from projections.presenters.taxes import present_taxes
from projections.views.reading import Doc
from projections.views.taxes import TaxView


def present_add_on(doc: Doc, taxes: Mapping[str, TaxView]) -> dict[str, Any]:
    """An add-on; `taxes` are those that it names, by id."""
    details = doc["details"]
    return {
        "lago_id": doc["id"],
        "name": details["name"],
        "invoice_display_name": details["invoice_display_name"],
        "code": details["code"],
        "amount_cents": details["amount_cents"],
        "amount_currency": details["amount_currency"],
        "description": details["description"],
        "created_at": wire.instant(doc["created_at"]),
        "taxes": present_taxes(details["tax_ids"], taxes),
    }
