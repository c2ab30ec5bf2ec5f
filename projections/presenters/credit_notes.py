"""Credit notes in Lago's wire form.

Source: api-surface 3.6 to 3.9, Q15; invoicing-money 7.1, 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.kernel import decimals
from projections.presenters import wire
from projections.presenters.fees import present_fee
from projections.presenters.organizations import BILLING_ENTITY_CODE
from projections.presenters.taxes import present_credit_note_taxes
from projections.views.reading import Doc


def present_credit_note(note: Doc, *, customer: dict[str, Any], fees: Mapping[str, Doc]) -> dict[str, Any]:
    """A credit note with whom it is for and, by their ids, rows of the fees that it gives back."""
    content, given = note["content"], note["content"]["given_back"]
    currency = content["currency"]
    return {
        "lago_id": note["id"],
        "billing_entity_code": BILLING_ENTITY_CODE,
        "sequential_id": note["sequential_id"],
        "number": note["number"],
        "lago_invoice_id": note["invoice_id"],
        "invoice_number": note["invoice_number"],
        "purchase_order_number": note["purchase_order_number"],
        "issuing_date": content["issuing_date"],
        "credit_status": note["credit_status"],
        "refund_status": note["refund_status"],
        "reason": content["reason"],
        "description": content["description"],
        "currency": currency,
        "total_amount_cents": note["total_amount_cents"],
        "precise_total_amount_cents": decimals.wire(Decimal(given["precise_total_amount_cents"])),
        "taxes_amount_cents": given["taxes_amount_cents"],
        "precise_taxes_amount_cents": decimals.wire(Decimal(given["precise_taxes_amount_cents"])),
        "taxes_rate": wire.number(given["taxes_rate"]),
        "sub_total_excluding_taxes_amount_cents": given["sub_total_excluding_taxes_amount_cents"],
        "balance_amount_cents": note["balance_amount_cents"],
        "credit_amount_cents": content["credit_amount_cents"],
        "refund_amount_cents": content["refund_amount_cents"],
        "offset_amount_cents": content["offset_amount_cents"],
        "coupons_adjustment_amount_cents": given["coupons_adjustment_amount_cents"],
        "created_at": wire.instant(note["created_at"]),
        "updated_at": wire.instant(note["updated_at"]),
        "file_url": None,
        "xml_url": None,
        "self_billed": False,
        "customer": customer | {"integration_customers": []},
        "items": [
            {
                "lago_id": item["id"],
                "amount_cents": item["amount_cents"],
                "precise_amount_cents": decimals.wire(Decimal(item["precise_amount_cents"])),
                "amount_currency": currency,
                "fee": present_fee(fees[item["fee_id"]]),
            }
            for item in content["items"]
        ],
        "applied_taxes": present_credit_note_taxes(note),
        "error_details": [],
    }
