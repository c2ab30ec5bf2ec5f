"""A credit note: what is given back of an invoice, as credit for later ones, as a refund, or off what is due of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.invoicing.credit_note_amounts import GivenBack
from domain.kernel.aggregate import Aggregate
from domain.subscriptions.billing_dates import Lifetime

Reason = Literal[
    "duplicated_charge",
    "product_unsatisfactory",
    "order_change",
    "order_cancellation",
    "fraudulent_charge",
    "other",
]
CreditStatus = Literal["available", "consumed", "voided"]
RefundStatus = Literal["pending", "succeeded", "failed"]
GivenBackAs = Literal["credit", "refund", "offset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteItem:
    """How much of a fee's amount is given back, before coupons and taxes. Minor units, the precise one 5 decimals."""

    id: UUID
    fee_id: UUID
    amount_cents: int
    precise_amount_cents: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyEnd:
    """What a note for unused days was computed from, beside the invoice: see `unused_days.py`.

    Attributes:
        mode: how the customer wants it back; what that cannot cover is credit.
        paid_cents: what had been paid of the invoice.
    """

    lifetime: Lifetime
    mode: GivenBackAs
    paid_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteContent:
    """All that is fixed when the note is issued. Credit, refund and offset make up its total.

    Attributes:
        early_end: None where it was not made by a termination.
    """

    currency: str
    issuing_date: date
    reason: Reason
    description: str | None
    items: tuple[CreditNoteItem, ...]
    given_back: GivenBack
    credit_amount_cents: int
    refund_amount_cents: int
    offset_amount_cents: int
    early_end: EarlyEnd | None


class CreditNote(Aggregate):
    TOPIC = "credit_note"

    class Created(Aggregate.Created):
        """`sequential_id` counts the notes of the invoice from 1 (5.5), whose `purchase_order_number` it has."""

        TOPIC = "credit_note.created"
        organization_id: UUID
        customer_id: UUID
        external_customer_id: str
        invoice_id: UUID
        invoice_number: str
        purchase_order_number: str | None
        sequential_id: int
        content: CreditNoteContent

    class CreditApplied(Aggregate.Event):
        """An invoice took `amount_cents` of its credit."""

        TOPIC = "credit_note.credit_applied"
        invoice_id: UUID
        amount_cents: int

        def apply(self, note: CreditNote) -> None:
            note.balance_amount_cents -= self.amount_cents
            if note.balance_amount_cents == 0:
                note.credit_status = "consumed"

    def __init__(
        self,
        organization_id: UUID,
        customer_id: UUID,
        external_customer_id: str,
        invoice_id: UUID,
        invoice_number: str,
        purchase_order_number: str | None,
        sequential_id: int,
        content: CreditNoteContent,
    ) -> None:
        self.organization_id, self.customer_id = organization_id, customer_id
        self.external_customer_id = external_customer_id
        self.invoice_id, self.invoice_number, self.sequential_id = invoice_id, invoice_number, sequential_id
        self.purchase_order_number = purchase_order_number
        self.number = f"{invoice_number}-CN{sequential_id:03d}"
        self.content = content
        self.total_amount_cents = (
            content.credit_amount_cents + content.refund_amount_cents + content.offset_amount_cents
        )
        self.balance_amount_cents = content.credit_amount_cents
        self.credit_status: CreditStatus | None = "available" if content.credit_amount_cents > 0 else None
        self.refund_status: RefundStatus | None = "pending" if content.refund_amount_cents > 0 else None

    def apply_credit(self, invoice_id: UUID, amount_cents: int, *, at: datetime) -> None:
        """Let an invoice take part of its balance."""
        assert self.credit_status == "available", self.id
        assert 0 < amount_cents <= self.balance_amount_cents, (self.id, amount_cents)
        self.trigger_event(self.CreditApplied, invoice_id=invoice_id, amount_cents=amount_cents, timestamp=at)
