"""Whose settings count for a customer: its own where it has them, else the organization's.

Source: invoicing-money 0.5, 5.2, 5.4, 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from domain.customers.customer import Customer
from domain.organizations.organization import IssuingDateAdjustment, IssuingDateAnchor, Organization


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingSettings:
    """`invoice_grace_period` and `net_payment_term` are days."""

    timezone: str
    currency: str
    locale: str
    invoice_grace_period: int
    net_payment_term: int
    finalize_zero_amount_invoice: bool
    issuing_date_anchor: IssuingDateAnchor
    issuing_date_adjustment: IssuingDateAdjustment


def applicable_timezone(customer: Customer, organization: Organization) -> str:
    return customer.details.timezone or organization.details.timezone


def billing_settings(customer: Customer, organization: Organization) -> BillingSettings:
    own, inherited = customer.details, organization.details
    configuration = own.billing_configuration
    zero = own.finalize_zero_amount_invoice
    grace = configuration.invoice_grace_period
    term = own.net_payment_term
    return BillingSettings(
        timezone=applicable_timezone(customer, organization),
        currency=own.currency or inherited.default_currency,
        locale=configuration.document_locale or inherited.document_locale,
        invoice_grace_period=inherited.invoice_grace_period if grace is None else grace,
        net_payment_term=inherited.net_payment_term if term is None else term,
        finalize_zero_amount_invoice=inherited.finalize_zero_amount_invoice
        if zero == "inherit"
        else zero == "finalize",
        issuing_date_anchor=cast(
            IssuingDateAnchor,
            configuration.subscription_invoice_issuing_date_anchor
            or inherited.subscription_invoice_issuing_date_anchor,
        ),
        issuing_date_adjustment=cast(
            IssuingDateAdjustment,
            configuration.subscription_invoice_issuing_date_adjustment
            or inherited.subscription_invoice_issuing_date_adjustment,
        ),
    )
