"""What an invoice's document shows: plain values, settled and named. The layout is the renderer's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.invoicing.invoice import Fee, Invoice, InvoiceSubscription, Party, Totals
from domain.invoicing.price_steps import PriceStep, price_steps
from domain.kernel.zones import local_date

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


def document_of(invoice: Invoice) -> InvoiceDocument:
    """What is printed of a finalized invoice: a section for each subscription, in the invoice's order."""
    content = invoice.content
    assert invoice.numbering is not None, invoice.id
    return InvoiceDocument(
        id=invoice.id,
        number=invoice.numbering.number,
        finalized_at=invoice.created_on,
        issuing_date=content.issuing_date,
        payment_due_date=content.payment_due_date,
        currency=content.currency,
        locale=content.locale,
        seller=content.seller,
        buyer=content.buyer,
        sections=tuple(
            _section(row, [fee for fee in content.fees if fee.subscription_id == row.subscription_id], content.timezone)
            for row in content.subscriptions
        ),
        credits=tuple(
            DocumentCredit(kind="credit_note", name=note.number, amount_cents=note.amount_cents)
            for note in content.applied_credit_notes
        ),
        taxes=tuple(
            DocumentTax(
                name=row.tax.name,
                rate=row.tax.rate,
                base_amount_cents=row.fees_amount_cents,
                amount_cents=row.amount_cents,
            )
            for row in content.applied_taxes
        ),
        totals=content.totals,
        footer=content.footer,
    )


def _section(row: InvoiceSubscription, fees: Sequence[Fee], timezone: str) -> DocumentSection:
    named = next((fee.item.name for fee in fees if fee.fee_type == "subscription"), None)
    return DocumentSection(
        name=row.external_id if named is None else f"{named} · {row.external_id}",
        period=_period(row.from_at, row.to_at, timezone),
        lines=tuple(_line(fee, row, timezone) for fee in fees),
    )


def _line(fee: Fee, row: InvoiceSubscription, timezone: str) -> DocumentLine:
    item = fee.item
    filtered = [f"{key}: {', '.join(values)}" for key, values in (item.filters or {}).items()]
    grouped = [f"{key}: {value}" for key, value in item.grouped_by.items() if value is not None]
    own_period = (fee.from_at, fee.to_at) != (row.from_at, row.to_at)
    return DocumentLine(
        name=item.invoice_display_name or item.name,
        notes=(*([item.filter_invoice_display_name] if item.filter_invoice_display_name else filtered), *grouped),
        period=_period(fee.from_at, fee.to_at, timezone) if own_period else None,
        units=fee.units,
        unit_amount=fee.precise_unit_amount,
        steps=() if fee.fee_type == "subscription" else price_steps(fee.amount_details, fee.units),
        taxes_rate=fee.taxes_rate,
        amount_cents=fee.amount_cents,
    )


def _period(from_at: datetime | None, to_at: datetime | None, timezone: str) -> DocumentPeriod | None:
    if from_at is None or to_at is None:
        return None
    return DocumentPeriod(from_date=local_date(from_at, timezone), to_date=local_date(to_at, timezone))
