"""An organization in wire form. Source: api-surface Q12, Q23; invoicing-money 16."""

from __future__ import annotations

import re
from typing import Any

from projections.presenters import wire

BILLING_ENTITY_CODE = "default"
"""Code of the one billing entity that every organization has."""


def present_organization(doc: dict[str, Any]) -> dict[str, Any]:
    """An organization that is read; one that was changed has its default taxes beside (Q23)."""
    details = doc["details"]
    webhook_url = details["webhook_url"]
    return {
        "lago_id": doc["id"],
        "name": details["name"],
        "slug": slug(details["name"]),
        "created_at": wire.instant(doc["created_at"]),
        "default_currency": details["default_currency"],
        "webhook_url": webhook_url,
        "webhook_urls": [] if webhook_url is None else [webhook_url],
        "country": details["country"],
        "address_line1": details["address_line1"],
        "address_line2": details["address_line2"],
        "state": details["state"],
        "zipcode": details["zipcode"],
        "email": details["email"],
        "city": details["city"],
        "legal_name": details["legal_name"],
        "legal_number": details["legal_number"],
        "timezone": details["timezone"],
        "net_payment_term": details["net_payment_term"],
        "email_settings": details["email_settings"],
        "document_numbering": details["document_numbering"],
        "document_number_prefix": details["document_number_prefix"],
        "tax_identification_number": details["tax_identification_number"],
        "finalize_zero_amount_invoice": details["finalize_zero_amount_invoice"],
        "billing_configuration": {
            "invoice_footer": details["invoice_footer"],
            "invoice_grace_period": details["invoice_grace_period"],
            "document_locale": details["document_locale"],
            "subscription_invoice_issuing_date_anchor": details["subscription_invoice_issuing_date_anchor"],
            "subscription_invoice_issuing_date_adjustment": details["subscription_invoice_issuing_date_adjustment"],
        },
    }


def slug(name: str) -> str:
    """`Acme, Inc.` as `acme-inc`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
