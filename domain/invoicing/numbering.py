"""Numbers of invoices. Both sequences advance, whichever the organization shows.

Source: invoicing-money 5.5, quirk 38.
"""

from __future__ import annotations

from datetime import datetime

from domain.customers.customer import Customer
from domain.invoicing.invoice import InvoiceNumbering
from domain.kernel.ledger import SequenceNumber
from domain.kernel.zones import local
from domain.organizations.organization import Organization


def number_invoice(
    organization: Organization, customer: Customer, *, at: datetime
) -> tuple[InvoiceNumbering, list[SequenceNumber]]:
    """The number of an invoice that becomes final at `at`, and the sequences that its append must take from.

    The month of a `per_organization` number is that of `at` in the organization's time zone.
    """
    of_customer = SequenceNumber.next(f"invoice:{organization.billing_entity_id}:{customer.id}")
    of_organization = SequenceNumber.next(f"invoice:{organization.billing_entity_id}")
    details = organization.details
    numbering = InvoiceNumbering(
        scheme=details.document_numbering,
        prefix=details.document_number_prefix,
        customer_sequential_id=customer.sequential_id,
        sequential_id=of_customer.placeholder,
        organization_sequential_id=of_organization.placeholder,
        month=local(at, details.timezone).strftime("%Y%m"),
    )
    return numbering, [of_customer, of_organization]
