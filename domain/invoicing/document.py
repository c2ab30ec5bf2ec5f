"""What an invoice's document shows: plain values, settled and named. The layout is the renderer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.invoicing.invoice import Party, Totals
from domain.invoicing.price_steps import PriceStep

CreditKind = Literal["progressive_billing", "coupon", "credit_note", "prepaid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPeriod:
    """Both days inclusive, in the customer's zone."""

    from_date: date
    to_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """One fee.

    Attributes:
        name: as the customer is to read it.
        notes: more of the same in smaller print: filter, groups, description.
        period: shown where it is not the section's.
        unit_amount: major units, exact (`precise_unit_amount`); not shown where there are steps.
        taxes_rate: percent, of all its taxes.
        amount_cents: minor units, before coupons and taxes.
    """

    name: str
    notes: tuple[str, ...] = ()
    period: DocumentPeriod | None = None
    units: Decimal
    unit_amount: Decimal
    steps: tuple[PriceStep, ...] = ()
    taxes_rate: Decimal
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSection:
    """The fees of one subscription; nameless where they belong to none."""

    name: str | None
    period: DocumentPeriod | None = None
    lines: tuple[DocumentLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentTax:
    """An applied tax: `rate` percent of the base. The rows may miss the total by cents (invoicing-money 4.3)."""

    name: str
    rate: Decimal
    base_amount_cents: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentCredit:
    """What is taken off: `name` is the coupon's, the wallet's, or the number of the credit note or invoice."""

    kind: CreditKind
    name: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument:
    """A finalized invoice, for print. Nothing in it changes later, so neither does its document.

    Attributes:
        locale: a BCP 47 tag, such as `fr` or `pt-BR`; one that is not known is read as English.
    """

    id: UUID
    number: str
    finalized_at: datetime
    issuing_date: date
    payment_due_date: date
    currency: str
    locale: str
    seller: Party
    buyer: Party
    sections: tuple[DocumentSection, ...]
    credits: tuple[DocumentCredit, ...] = ()
    taxes: tuple[DocumentTax, ...] = ()
    totals: Totals
    footer: str | None = None

    def __post_init__(self) -> None:
        """A document whose rows do not add up must not reach a customer. Source: invoicing-money 4.1."""
        totals, taken_off = self.totals, self._taken_off
        assert totals.fees_amount_cents == sum(line.amount_cents for part in self.sections for line in part.lines)
        assert totals.progressive_billing_credit_amount_cents == taken_off("progressive_billing")
        assert totals.coupons_amount_cents == taken_off("coupon")
        assert totals.credit_notes_amount_cents == taken_off("credit_note")
        assert totals.prepaid_credit_amount_cents == taken_off("prepaid")
        assert totals.sub_total_excluding_taxes_amount_cents == (
            totals.fees_amount_cents - totals.progressive_billing_credit_amount_cents - totals.coupons_amount_cents
        )
        assert totals.sub_total_including_taxes_amount_cents == (
            totals.sub_total_excluding_taxes_amount_cents + totals.taxes_amount_cents
        )
        assert totals.total_amount_cents == (
            totals.sub_total_including_taxes_amount_cents
            - totals.credit_notes_amount_cents
            - totals.prepaid_credit_amount_cents
        )

    def _taken_off(self, kind: CreditKind) -> int:
        return sum(credit.amount_cents for credit in self.credits if credit.kind == kind)
