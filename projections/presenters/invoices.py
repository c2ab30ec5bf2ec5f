"""Invoices in Lago's wire form.

Source: api-surface 3.6 to 3.9, Q6; invoicing-money 4.1, 20.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.kernel import ids
from projections.presenters import wire
from projections.presenters.fees import present_fee
from projections.presenters.taxes import present_invoice_taxes
from projections.views.reading import Doc

VERSION = 4
"""Of the way totals are computed: coupons before tax, credit notes after."""


def number_of(invoice: Doc) -> str:
    """`ACM-1A2B-001-003`, or by month of the organization; an invoice without a number is a draft.

    Source: invoicing-money 5.5, `InvoiceNumbering.number`.
    """
    numbering = invoice["numbering"]
    if numbering is None:
        return "DRAFT"
    if numbering["scheme"] == "per_customer":
        return f"{numbering['prefix']}-{numbering['customer_sequential_id']:03d}-{numbering['sequential_id']:03d}"
    return f"{numbering['prefix']}-{numbering['month']}-{numbering['organization_sequential_id']:03d}"


def present_invoice(invoice: Doc, *, file_url: str | None) -> dict[str, Any]:
    """What all endpoints answer of an invoice."""
    content, totals = invoice["content"], invoice["content"]["totals"]
    numbering, paid = invoice["numbering"], invoice["total_paid_amount_cents"]
    voided = invoice["status"] == "voided"
    offset_cents = sum(note["offset_amount_cents"] for note in invoice["issued_credit_notes"])
    return {
        "lago_id": invoice["id"],
        "billing_entity_code": "default",
        "sequential_id": None if numbering is None else numbering["sequential_id"],
        "number": number_of(invoice),
        "issuing_date": content["issuing_date"],
        "expected_finalization_date": content["expected_finalization_date"],
        "payment_due_date": content["payment_due_date"],
        "payment_dispute_lost_at": None,
        "payment_overdue": False,
        "net_payment_term": content["net_payment_term"],
        "invoice_type": content["invoice_type"],
        "status": invoice["status"],
        "payment_status": invoice["payment_status"],
        "tax_status": None,
        "currency": content["currency"],
        "fees_amount_cents": totals["fees_amount_cents"],
        "coupons_amount_cents": totals["coupons_amount_cents"],
        "credit_notes_amount_cents": totals["credit_notes_amount_cents"],
        "sub_total_excluding_taxes_amount_cents": totals["sub_total_excluding_taxes_amount_cents"],
        "taxes_amount_cents": totals["taxes_amount_cents"],
        "taxes_rate": wire.number(content["taxes_rate"]),
        "sub_total_including_taxes_amount_cents": totals["sub_total_including_taxes_amount_cents"],
        "prepaid_credit_amount_cents": totals["prepaid_credit_amount_cents"],
        "prepaid_granted_credit_amount_cents": None,
        "prepaid_purchased_credit_amount_cents": None,
        "progressive_billing_credit_amount_cents": totals["progressive_billing_credit_amount_cents"],
        "total_amount_cents": totals["total_amount_cents"],
        "total_due_amount_cents": 0 if voided else totals["total_amount_cents"] - paid - offset_cents,
        "total_paid_amount_cents": paid,
        "total_offsetted_credit_note_amount_cents": offset_cents,
        "purchase_order_number": content["purchase_order_number"],
        "version_number": VERSION,
        "self_billed": False,
        "file_url": file_url,
        "xml_url": None,
        "created_at": wire.instant(invoice["created_at"]),
        "updated_at": wire.instant(invoice["updated_at"]),
        "finalized_at": None if numbering is None else wire.instant(invoice["created_at"]),
        "voided_at": None,
        "voided_invoice_id": None,
    }


def present_whole_invoice(
    invoice: Doc,
    *,
    file_url: str | None,
    customer: dict[str, Any],
    fees: Sequence[Doc],
    subscriptions: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """An invoice read by itself: with whom it is for, its fees, and the periods that it bills."""
    return present_listed_invoice(invoice, file_url=file_url, customer=customer) | {
        "fees": [present_fee(fee) for fee in fees],
        "subscriptions": subscriptions,
        "billing_periods": [_period(row) for row in invoice["content"]["subscriptions"]],
        "credits": [_credit(invoice, row) for row in invoice["content"]["applied_credit_notes"]],
        "error_details": [],
        "applied_invoice_custom_sections": [],
    }


def present_listed_invoice(invoice: Doc, *, file_url: str | None, customer: dict[str, Any]) -> dict[str, Any]:
    """An invoice in a list."""
    return present_invoice(invoice, file_url=file_url) | {
        "customer": customer | {"integration_customers": []},
        "metadata": [],
        "applied_taxes": present_invoice_taxes(invoice),
    }


def _period(row: Doc) -> dict[str, Any]:
    """The windows of a subscription on the invoice.

    An invoice between the plan's bills has one window; clients take no null of the plan's and of usage (api-surface 6),
    so these show it, too. On the plan's bills null says that no usage, or no fixed charge, is billed (metering P11).
    """
    if row["from_at"] is None:
        kind = "fixed_charges" if row["charges_from_at"] is None else "charges"
        from_at, to_at = row[f"{kind}_from_at"], row[f"{kind}_to_at"]
        row = row | {"from_at": from_at, "to_at": to_at, "charges_from_at": from_at, "charges_to_at": to_at}
    return {
        "lago_subscription_id": row["subscription_id"],
        "external_subscription_id": row["external_id"],
        "lago_plan_id": row["plan_id"],
        "subscription_from_datetime": wire.instant(row["from_at"]),
        "subscription_to_datetime": wire.instant(row["to_at"]),
        "charges_from_datetime": wire.instant(row["charges_from_at"]),
        "charges_to_datetime": wire.instant(row["charges_to_at"]),
        "fixed_charges_from_datetime": wire.instant(row["fixed_charges_from_at"]),
        "fixed_charges_to_datetime": wire.instant(row["fixed_charges_to_at"]),
        "invoicing_reason": row["reason"],
    }


def _credit(invoice: Doc, row: Doc) -> dict[str, Any]:
    """A credit note that pays for it; clients disagree on the name of the item's id (invoicing-money 20)."""
    return {
        "lago_id": str(ids.of("credit", UUID(invoice["id"]), UUID(row["credit_note_id"]))),
        "amount_cents": row["amount_cents"],
        "amount_currency": invoice["content"]["currency"],
        "before_taxes": False,
        "item": {
            "lago_id": row["credit_note_id"],
            "lago_item_id": row["credit_note_id"],
            "type": "credit_note",
            "code": row["number"],
            "name": row["invoice_number"],
            "description": None,
        },
        "invoice": {"lago_id": invoice["id"], "payment_status": invoice["payment_status"]},
    }
