"""From what is owed to what is issued: an invoice with its number, a fee that stands alone, or a credit note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.customers.billing_settings import billing_settings
from domain.customers.customer import Customer
from domain.invoicing.credit_note import CreditNote, CreditNoteContent
from domain.invoicing.credit_use import use_credit
from domain.invoicing.invoice import Fee, Invoice, InvoiceContent, IssuedCreditNote
from domain.invoicing.numbering import number_invoice
from domain.invoicing.standalone_fee import StandaloneFee
from domain.kernel.ledger import SequenceNumber
from domain.organizations.organization import Organization


def issue(
    invoice_id: UUID,
    organization: Organization,
    customer: Customer,
    content: InvoiceContent,
    *,
    credit_notes: Sequence[CreditNote] = (),
    at: datetime,
) -> tuple[Invoice, Sequence[SequenceNumber]]:
    """The invoice, and the sequences that its append must take numbers from.

    An invoice over nothing is closed without a number where the customer skips those (invoicing-money 5.4).

    Args:
        credit_notes: available ones of the customer, which pay for it first (`use_credit`) and must be appended with
            it; none where its type takes no credit (invoicing-money 4.2).
    """
    settings = billing_settings(customer, organization)
    closed = content.totals.fees_amount_cents == 0 and not settings.finalize_zero_amount_invoice
    numbering, sequences = (None, []) if closed else number_invoice(organization, customer, at=at)
    invoice = Invoice.begin(
        invoice_id,
        organization_id=organization.id,
        customer_id=customer.id,
        external_customer_id=customer.details.external_id,
        status="closed" if closed else "finalized",
        numbering=numbering,
        content=use_credit(content, invoice_id, credit_notes, at=at),
        at=at,
    )
    return invoice, sequences


def stand_alone(
    organization: Organization, customer: Customer, fee: Fee, content: InvoiceContent, *, at: datetime
) -> StandaloneFee:
    """A fee by itself, of the occasion that `content` tells of; usage was read for it.

    Where it is gathered once it is paid, the customer is told and must be part of the same append.
    """
    assert content.watermark is not None, fee.id
    if fee.regroup_paid_fees is not None:
        customer.regroup_paid_fees(at=at)
    return StandaloneFee.begin(
        fee.id,
        organization_id=organization.id,
        customer_id=customer.id,
        external_customer_id=customer.details.external_id,
        currency=content.currency,
        timezone=content.timezone,
        fee=replace(fee, watermark=content.watermark),
        at=at,
    )


def issue_credit_note(note_id: UUID, invoice: Invoice, content: CreditNoteContent, *, at: datetime) -> CreditNote:
    """The next note of an invoice, which keeps what is given back of it and must be appended with the note."""
    assert invoice.numbering is not None, invoice.id
    note = CreditNote.begin(
        note_id,
        organization_id=invoice.organization_id,
        customer_id=invoice.customer_id,
        external_customer_id=invoice.external_customer_id,
        invoice_id=invoice.id,
        invoice_number=invoice.numbering.number,
        purchase_order_number=invoice.content.purchase_order_number,
        sequential_id=len(invoice.issued_credit_notes) + 1,
        content=content,
        at=at,
    )
    kept = IssuedCreditNote(
        credit_note_id=note_id,
        items={item.fee_id: item.precise_amount_cents for item in content.items},
        taxes_amount_cents=content.given_back.taxes_amount_cents,
        precise_taxes_amount_cents=content.given_back.precise_taxes_amount_cents,
        offset_amount_cents=content.offset_amount_cents,
    )
    invoice.issue_credit_note(kept, at=at)
    return note
