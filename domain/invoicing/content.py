"""What an invoice holds beside its fees: whom it is from and for, its dates, its taxes and totals.

Source: invoicing-money 4, 5.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.customers.billing_settings import billing_settings
from domain.customers.customer import Address, Customer
from domain.invoicing.invoice import Fee, InvoiceContent, InvoiceSubscription, Party
from domain.invoicing.issuing_date import IssuingKind, dates
from domain.invoicing.taxes import invoice_taxes
from domain.invoicing.totals import totals
from domain.organizations.organization import Organization
from domain.taxation.apply_taxes import InvoiceTaxes


def content_of(
    organization: Organization,
    customer: Customer,
    currency: str,
    rows: Sequence[InvoiceSubscription],
    fees: Sequence[Fee],
    *,
    kind: IssuingKind,
    recurring: bool = False,
    purchase_order_number: str | None,
    watermark: int | None,
    taxes: InvoiceTaxes | None = None,
    at: datetime,
) -> InvoiceContent:
    """The content of an invoice over taxed `fees`.

    Args:
        kind: what its type and its dates follow from.
        recurring: made on a billing day.
        purchase_order_number: of the subscriptions in `rows`; those of different numbers are on different invoices.
        watermark: position in the ingest log up to which usage was read; None without usage.
        taxes: where they are not computed from the fees anew.
        at: the instant that is billed for.
    """
    settings = billing_settings(customer, organization)
    taxes = taxes or invoice_taxes(fees, sum(fee.amount_cents for fee in fees))
    issued = dates(
        kind,
        at,
        settings.timezone,
        0,
        settings.issuing_date_anchor,
        settings.issuing_date_adjustment,
        recurring,
        settings.net_payment_term,
    )
    return InvoiceContent(
        invoice_type="subscription" if kind == "in_advance_charge" else kind,
        currency=currency,
        timezone=settings.timezone,
        locale=settings.locale,
        issuing_date=issued.issuing_date,
        expected_finalization_date=issued.expected_finalization_date,
        payment_due_date=issued.payment_due_date,
        net_payment_term=issued.net_payment_term,
        seller=_seller(organization),
        buyer=_buyer(customer),
        footer=organization.details.invoice_footer,
        subscriptions=tuple(rows),
        fees=tuple(fees),
        totals=totals(fees, taxes_cents=taxes.amount_cents),
        watermark=watermark,
        taxes_rate=taxes.rate,
        applied_taxes=taxes.applied,
        purchase_order_number=purchase_order_number,
    )


def _seller(organization: Organization) -> Party:
    details = organization.details
    return Party(
        name=details.legal_name or details.name,
        legal_number=details.legal_number,
        tax_identification_number=details.tax_identification_number,
        email=details.email,
        address=Address(
            address_line1=details.address_line1,
            address_line2=details.address_line2,
            city=details.city,
            zipcode=details.zipcode,
            state=details.state,
            country=details.country,
        ),
    )


def _buyer(customer: Customer) -> Party:
    details = customer.details
    person = " ".join(part for part in (details.firstname, details.lastname) if part)
    return Party(
        name=details.legal_name or details.name or person or details.external_id,
        legal_number=details.legal_number,
        tax_identification_number=details.tax_identification_number,
        email=details.email,
        address=details.address,
    )
