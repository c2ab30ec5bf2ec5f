"""Taxes in wire form, and what fees and invoices keep of them.

Source: api-surface 3.6, 3.9, Q10; invoicing-money 20.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from domain.kernel import ids
from projections.presenters import wire
from projections.presenters.organizations import BILLING_ENTITY_CODE
from projections.views.reading import Doc
from projections.views.taxes import TaxView


def present_tax(view: TaxView) -> dict[str, Any]:
    """A tax by itself."""
    entities = [BILLING_ENTITY_CODE] if view.applied_to_organization else []
    return present_embedded_tax(view) | {"applied_to_billing_entities_codes": entities}


def present_embedded_tax(view: TaxView) -> dict[str, Any]:
    """A tax inside what has it, with counts that Lago keeps at zero."""
    details = view.tax["details"]
    return {
        "lago_id": view.tax["id"],
        "name": details["name"],
        "code": details["code"],
        "rate": wire.number(details["rate"]),
        "description": details["description"],
        "applied_to_organization": view.applied_to_organization,
        "add_ons_count": 0,
        "customers_count": 0,
        "plans_count": 0,
        "charges_count": 0,
        "commitments_count": 0,
        "created_at": wire.instant(view.tax["created_at"]),
    }


def present_taxes(tax_ids: Iterable[str], taxes: Mapping[str, TaxView]) -> list[dict[str, Any]]:
    """The taxes that something names, of those that there are, by id."""
    return [present_embedded_tax(taxes[tax_id]) for tax_id in tax_ids if tax_id in taxes]


def present_fee_taxes(fee: Doc) -> list[dict[str, Any]]:
    """The applied taxes of a row of `fees`."""
    return [
        _applied(row, fee["id"], fee["currency"], fee["created_at"]) | {"lago_fee_id": fee["id"]}
        for row in fee["applied_taxes"]
    ]


def present_invoice_taxes(invoice: Doc) -> list[dict[str, Any]]:
    """The applied taxes of an invoice."""
    content = invoice["content"]
    return [
        _applied(row, invoice["id"], content["currency"], invoice["created_at"])
        | {"lago_invoice_id": invoice["id"], "fees_amount_cents": row["fees_amount_cents"]}
        for row in content["applied_taxes"]
    ]


def present_credit_note_taxes(note: Doc) -> list[dict[str, Any]]:
    """The applied taxes of a credit note."""
    content = note["content"]
    return [
        _applied(row, note["id"], content["currency"], note["created_at"])
        | {"lago_credit_note_id": note["id"], "base_amount_cents": row["base_amount_cents"]}
        for row in content["given_back"]["applied_taxes"]
    ]


def _applied(row: Doc, taxed_id: str, currency: str, created_at: str) -> dict[str, Any]:
    tax = row["tax"]
    return {
        "lago_id": str(ids.of("applied_tax", UUID(taxed_id), UUID(tax["tax_id"]), tax["rate"])),
        "lago_tax_id": tax["tax_id"],
        "tax_name": tax["name"],
        "tax_code": tax["code"],
        "tax_rate": wire.number(tax["rate"]),
        "tax_description": tax["description"],
        "amount_cents": row["amount_cents"],
        "amount_currency": currency,
        "created_at": wire.instant(created_at),
    }
