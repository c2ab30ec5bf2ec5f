"""Customers in wire form.

Source: api-surface 3.8, 3.9, Q11; invoicing-money 5.5, 16, 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from projections.presenters import wire
from projections.presenters.organizations import BILLING_ENTITY_CODE
from projections.presenters.taxes import present_taxes
from projections.views.reading import Doc
from projections.views.taxes import TaxView


def present_customer(doc: Doc, organization: Doc) -> dict[str, Any]:
    """What all endpoints answer of a customer; `organization` gives the prefix and the zone that it inherits."""
    details, inherited = doc["details"], organization["details"]
    return {
        "lago_id": doc["id"],
        "billing_entity_code": BILLING_ENTITY_CODE,
        "external_id": details["external_id"],
        "account_type": details["account_type"],
        "name": details["name"],
        "firstname": details["firstname"],
        "lastname": details["lastname"],
        "customer_type": details["customer_type"],
        "sequential_id": doc["sequential_id"],
        "slug": f"{inherited['document_number_prefix']}-{doc['sequential_id']:03d}",
        "created_at": wire.instant(doc["created_at"]),
        "updated_at": wire.instant(doc["updated_at"]),
        **_address(details["address"]),
        "email": details["email"],
        "url": details["url"],
        "phone": details["phone"],
        "logo_url": details["logo_url"],
        "legal_name": details["legal_name"],
        "legal_number": details["legal_number"],
        "currency": details["currency"],
        "tax_identification_number": details["tax_identification_number"],
        "timezone": details["timezone"],
        "applicable_timezone": details["timezone"] or inherited["timezone"],
        "net_payment_term": details["net_payment_term"],
        "external_salesforce_id": details["external_salesforce_id"],
        "finalize_zero_amount_invoice": details["finalize_zero_amount_invoice"],
        "skip_invoice_custom_sections": details["skip_invoice_custom_sections"],
        "billing_configuration": _billing_configuration(details["billing_configuration"]),
        "shipping_address": _address(details["shipping_address"]),
        "metadata": [_metadata(entry) for entry in details["metadata"]],
    }


def present_listed_customer(doc: Doc, organization: Doc, taxes: Mapping[str, TaxView]) -> dict[str, Any]:
    """A customer in a list; `taxes` by id, where it names any."""
    named = present_taxes(doc["details"]["tax_ids"], taxes)
    return present_customer(doc, organization) | {"taxes": named, "integration_customers": []}


def present_whole_customer(doc: Doc, organization: Doc, taxes: Mapping[str, TaxView]) -> dict[str, Any]:
    """A customer read, made, changed or removed by itself."""
    return present_listed_customer(doc, organization, taxes) | {
        "applicable_invoice_custom_sections": [],
        "error_details": [],
    }


def _address(address: Doc) -> dict[str, Any]:
    return {
        "address_line1": address["address_line1"],
        "address_line2": address["address_line2"],
        "city": address["city"],
        "zipcode": address["zipcode"],
        "state": address["state"],
        "country": address["country"],
    }


def _billing_configuration(configuration: Doc) -> dict[str, Any]:
    return {
        "invoice_grace_period": configuration["invoice_grace_period"],
        "document_locale": configuration["document_locale"],
        "payment_provider": configuration["payment_provider"],
        "payment_provider_code": configuration["payment_provider_code"],
        "provider_customer_id": configuration["provider_customer_id"],
        "sync": configuration["sync"],
        "sync_with_provider": configuration["sync_with_provider"],
        "provider_payment_methods": configuration["provider_payment_methods"],
        "subscription_invoice_issuing_date_anchor": configuration["subscription_invoice_issuing_date_anchor"],
        "subscription_invoice_issuing_date_adjustment": configuration["subscription_invoice_issuing_date_adjustment"],
    }


def _metadata(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "lago_id": entry["id"],
        "key": entry["key"],
        "value": entry["value"],
        "display_in_invoice": entry["display_in_invoice"],
        "created_at": wire.instant(entry["created_at"]),
    }
