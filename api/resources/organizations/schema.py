"""What a body may say of an organization.

Source: api-surface "Organization and billing entities", 3.10; invoicing-money 5.5, 16.
"""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from api import formats
from api.fields import Fields
from domain.organizations.organization import (
    DocumentNumbering,
    IssuingDateAdjustment,
    IssuingDateAnchor,
    OrganizationDetails,
)

EMAIL_SETTINGS = ("invoice.finalized", "credit_note.created", "payment_receipt.created")
MOST_DAYS = 10_000
"""Of payment terms and grace periods: enough for every contract, and dates stay within the calendar."""


def read_details(fields: Fields, before: OrganizationDetails) -> OrganizationDetails:
    """The details with what the body changes; an unset setting is its default again.

    Raises:
        InvalidInputError: a value is refused.
    """
    prefix = fields.mandatory_text("document_number_prefix", before.document_number_prefix, longest=10)
    email_settings = fields.texts("email_settings", before.email_settings)
    if not set(email_settings) <= set(EMAIL_SETTINGS):
        fields.refuse("email_settings", "value_is_invalid")
    zero = fields.boolean("finalize_zero_amount_invoice", before.finalize_zero_amount_invoice)
    numbering = fields.choice("document_numbering", get_args(DocumentNumbering), before.document_numbering)
    after = replace(
        before,
        name=fields.mandatory_text("name", before.name),
        document_number_prefix=prefix.upper(),
        legal_name=fields.text("legal_name", before.legal_name),
        legal_number=fields.text("legal_number", before.legal_number),
        tax_identification_number=fields.text("tax_identification_number", before.tax_identification_number),
        email=formats.email(fields, "email", before.email),
        address_line1=fields.text("address_line1", before.address_line1),
        address_line2=fields.text("address_line2", before.address_line2),
        city=fields.text("city", before.city),
        zipcode=fields.text("zipcode", before.zipcode),
        state=fields.text("state", before.state),
        country=formats.country(fields, "country", before.country),
        default_currency=formats.currency(fields, "default_currency", before.default_currency) or "USD",
        timezone=formats.timezone(fields, "timezone", before.timezone) or "UTC",
        net_payment_term=fields.integer("net_payment_term", before.net_payment_term, least=0, most=MOST_DAYS) or 0,
        document_numbering=numbering or "per_customer",
        finalize_zero_amount_invoice=True if zero is None else zero,
        email_settings=email_settings,
        webhook_url=formats.url(fields, "webhook_url", before.webhook_url) or None,
    )
    after = _read_configuration(fields.object("billing_configuration"), after)
    fields.check()
    return after


def _read_configuration(fields: Fields | None, before: OrganizationDetails) -> OrganizationDetails:
    if fields is None:
        return before
    anchor = fields.choice(
        "subscription_invoice_issuing_date_anchor",
        get_args(IssuingDateAnchor),
        before.subscription_invoice_issuing_date_anchor,
    )
    adjustment = fields.choice(
        "subscription_invoice_issuing_date_adjustment",
        get_args(IssuingDateAdjustment),
        before.subscription_invoice_issuing_date_adjustment,
    )
    grace = fields.integer("invoice_grace_period", before.invoice_grace_period, least=0, most=MOST_DAYS)
    return replace(
        before,
        invoice_footer=fields.text("invoice_footer", before.invoice_footer, longest=600),
        invoice_grace_period=grace or 0,
        document_locale=formats.language(fields, "document_locale", before.document_locale) or "en",
        subscription_invoice_issuing_date_anchor=anchor or "next_period_start",
        subscription_invoice_issuing_date_adjustment=adjustment or "align_with_finalization_date",
    )
