"""An invoice: the fees of a customer for one occasion, with all that they were computed from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from domain.catalog.charge import AppliedPricingUnit
from domain.customers.customer import Address
from domain.invoicing.event_fees import EventInputs
from domain.invoicing.fixed_charge_prices import FixedChargeInputs
from domain.invoicing.usage_fees import Breakdown, UsageInputs
from domain.kernel.aggregate import Aggregate
from domain.pricing.commitment import CommitmentInputs
from domain.pricing.fee import PricedFee
from domain.pricing.pricing_unit import PricingUnitUsage
from domain.subscriptions.billing_dates import Boundaries, Lifetime, Schedule
from domain.subscriptions.proration import Formula
from domain.subscriptions.subscription import InvoicingReason
from domain.taxation.apply_taxes import AppliedTax, InvoiceAppliedTax

InvoiceType = Literal["subscription", "add_on", "credit", "one_off", "advance_charges", "progressive_billing"]
InvoiceStatus = Literal["draft", "finalized", "voided", "failed", "pending", "generating", "open", "closed", "deleted"]
PaymentStatus = Literal["pending", "succeeded", "failed"]
FeeType = Literal["charge", "add_on", "subscription", "credit", "commitment", "fixed_charge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeItem:
    """What a fee is for, as it was called when it was billed (invoicing-money 20, field facts)."""

    code: str
    name: str
    description: str | None
    invoice_display_name: str | None
    lago_item_id: UUID
    item_type: Literal["BillableMetric", "AddOn", "WalletTransaction", "Subscription"]
    filters: Mapping[str, tuple[str, ...]] | None = None
    filter_invoice_display_name: str | None = None
    grouped_by: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFeeInputs:
    """What a subscription fee was computed from: the arguments of `subscriptions/proration.py`."""

    plan_amount_cents: int
    schedule: Schedule
    lifetime: Lifetime
    boundaries: Boundaries
    formula: Formula
    trial_end: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumInputs:
    """What a true-up was computed from: `days` of `duration_days` days of its minimum (metering-pricing U1)."""

    min_amount_cents: int
    days: int
    duration_days: int
    used_cents: int
    used_precise_cents: Decimal
    pricing_unit: AppliedPricingUnit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """One line. Amounts in minor units; `precise_unit_amount` in major ones (metering-pricing N2).

    `from_at` and `to_at` are the period shown, inclusive. What the fee was computed from is exactly one of `usage`,
    `event`, `proration`, `minimum`, `fixed_charge` and `commitment`. A fee that fills up a charge's minimum names its
    parent, and the parent names it.

    `watermark` is the position in the ingest log up to which usage was read for a fee that was made by itself; None
    where it is the invoice's.
    """

    id: UUID
    fee_type: FeeType
    item: FeeItem
    subscription_id: UUID | None = None
    external_subscription_id: str | None = None
    charge_id: UUID | None = None
    charge_filter_id: UUID | None = None
    fixed_charge_id: UUID | None = None
    billable_metric_code: str | None = None
    units: Decimal
    total_aggregated_units: Decimal
    events_count: int | None
    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    amount_details: Mapping[str, Any]
    taxes_rate: Decimal = Decimal(0)
    taxes_amount_cents: int = 0
    taxes_precise_amount_cents: Decimal = Decimal(0)
    applied_taxes: tuple[AppliedTax, ...] = ()
    precise_coupons_amount_cents: Decimal = Decimal(0)
    from_at: datetime | None = None
    to_at: datetime | None = None
    pay_in_advance: bool = False
    invoiceable: bool = True
    regroup_paid_fees: Literal["invoice"] | None = None
    description: str | None = None
    pricing_unit: PricingUnitUsage | None = None
    breakdowns: tuple[Breakdown, ...] = ()
    true_up_fee_id: UUID | None = None
    true_up_parent_fee_id: UUID | None = None
    event_transaction_id: str | None = None
    usage: UsageInputs | None = None
    event: EventInputs | None = None
    proration: SubscriptionFeeInputs | None = None
    minimum: MinimumInputs | None = None
    fixed_charge: FixedChargeInputs | None = None
    commitment: CommitmentInputs | None = None
    watermark: int | None = None

    @classmethod
    def of(cls, priced: PricedFee, **fields: Any) -> Fee:
        """The line with these figures; `fields` are all others, and `events_count` where it has none."""
        figures = {
            "units": priced.units,
            "total_aggregated_units": priced.total_aggregated_units,
            "events_count": priced.events_count,
            "amount_cents": priced.amount_cents,
            "precise_amount_cents": priced.precise_amount_cents,
            "unit_amount_cents": priced.unit_amount_cents,
            "precise_unit_amount": priced.precise_unit_amount,
            "amount_details": priced.amount_details,
        }
        return cls(**{**figures, **fields})


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceSubscription:
    """What the invoice bills of one subscription. Windows are inclusive; None where nothing of that kind is billed.

    Source: invoicing-money 2.2, metering-pricing Z6.
    """

    subscription_id: UUID
    external_id: str
    plan_id: UUID
    reason: InvoicingReason
    recurring: bool
    timestamp: datetime
    from_at: datetime | None
    to_at: datetime | None
    charges_from_at: datetime | None
    charges_to_at: datetime | None
    fixed_charges_from_at: datetime | None
    fixed_charges_to_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Minor units, in the order in which they are computed (invoicing-money 4.1)."""

    fees_amount_cents: int
    progressive_billing_credit_amount_cents: int
    coupons_amount_cents: int
    sub_total_excluding_taxes_amount_cents: int
    taxes_amount_cents: int
    sub_total_including_taxes_amount_cents: int
    credit_notes_amount_cents: int
    prepaid_credit_amount_cents: int
    total_amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Seller or buyer as printed on the invoice, kept as it was."""

    name: str
    legal_number: str | None
    tax_identification_number: str | None
    email: str | None
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceNumbering:
    """Where the number comes from. The sequential ids are taken by the append (see `kernel/ledger.py`).

    Source: invoicing-money 5.5.
    """

    scheme: Literal["per_customer", "per_organization"]
    prefix: str
    customer_sequential_id: int
    sequential_id: int
    organization_sequential_id: int
    month: str

    @property
    def number(self) -> str:
        if self.scheme == "per_customer":
            return f"{self.prefix}-{self.customer_sequential_id:03d}-{self.sequential_id:03d}"
        return f"{self.prefix}-{self.month}-{self.organization_sequential_id:03d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedCreditNote:
    """What this invoice takes of the credit of an earlier one; `invoice_number` is the number of that.

    Source: invoicing-money 4.5.
    """

    credit_note_id: UUID
    number: str
    invoice_number: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedCreditNote:
    """What a credit note gives back of this invoice. Minor units; the precise ones have 5 decimals.

    Attributes:
        items: id of the fee -> how much of its amount, before coupons and taxes.

    Source: invoicing-money 7.2, 7.4.
    """

    credit_note_id: UUID
    items: Mapping[UUID, Decimal]
    taxes_amount_cents: int
    precise_taxes_amount_cents: Decimal
    offset_amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceContent:
    """All that is fixed when the invoice is issued.

    Attributes:
        watermark: position in the ingest log up to which usage was read; None without usage, or where its fees have
            their own.
        net_payment_term: days.
        taxes_rate: percent of the sub-total.
        purchase_order_number: of all its subscriptions.
    """

    invoice_type: InvoiceType
    currency: str
    timezone: str
    locale: str
    issuing_date: date
    expected_finalization_date: date
    payment_due_date: date
    net_payment_term: int
    seller: Party
    buyer: Party
    footer: str | None
    subscriptions: tuple[InvoiceSubscription, ...]
    fees: tuple[Fee, ...]
    totals: Totals
    watermark: int | None
    taxes_rate: Decimal = Decimal(0)
    applied_taxes: tuple[InvoiceAppliedTax, ...] = ()
    applied_credit_notes: tuple[AppliedCreditNote, ...] = ()
    purchase_order_number: str | None = None


def due_cents(totals: Totals, issued: Sequence[IssuedCreditNote], *, paid_cents: int) -> int:
    """What is left to pay of an invoice that is not voided (invoicing-money 4.1)."""
    return totals.total_amount_cents - paid_cents - sum(note.offset_amount_cents for note in issued)


class Invoice(Aggregate):
    TOPIC = "invoice"

    class Created(Aggregate.Created):
        """Finalized with a number, or closed without one (an amount of zero that is not to be issued)."""

        TOPIC = "invoice.issued"
        organization_id: UUID
        customer_id: UUID
        external_customer_id: str
        status: InvoiceStatus
        numbering: InvoiceNumbering | None
        content: InvoiceContent

    class Paid(Aggregate.Event):
        """`amount_cents` of it, minor units, > 0."""

        TOPIC = "invoice.paid"
        amount_cents: int

        def apply(self, invoice: Invoice) -> None:
            invoice.total_paid_amount_cents += self.amount_cents
            if invoice.due_cents <= 0:
                invoice.payment_status = "succeeded"

    class DocumentRequested(Aggregate.Event):
        TOPIC = "invoice.document_requested"

        def apply(self, invoice: Invoice) -> None:
            invoice.document_requested = True

    class DocumentGenerated(Aggregate.Event):
        TOPIC = "invoice.document_generated"
        sha256: str
        template_version: str

        def apply(self, invoice: Invoice) -> None:
            invoice.document_sha256 = self.sha256

    class CreditNoteIssued(Aggregate.Event):
        """Part of it is given back. `settles` says that what is offset was all that was due (invoicing-money 7.5)."""

        TOPIC = "invoice.credit_note_issued"
        note: IssuedCreditNote
        settles: bool

        def apply(self, invoice: Invoice) -> None:
            invoice.issued_credit_notes = (*invoice.issued_credit_notes, self.note)
            if self.settles:
                invoice.payment_status = "succeeded"

    def __init__(
        self,
        organization_id: UUID,
        customer_id: UUID,
        external_customer_id: str,
        status: InvoiceStatus,
        numbering: InvoiceNumbering | None,
        content: InvoiceContent,
    ) -> None:
        self.organization_id, self.customer_id = organization_id, customer_id
        self.external_customer_id = external_customer_id
        self.status, self.numbering, self.content = status, numbering, content
        self.payment_status: PaymentStatus = "pending" if content.totals.total_amount_cents > 0 else "succeeded"
        self.total_paid_amount_cents = 0
        self.document_requested = False
        self.document_sha256: str | None = None
        self.issued_credit_notes: tuple[IssuedCreditNote, ...] = ()

    @property
    def due_cents(self) -> int:
        """What is left to pay of it."""
        return due_cents(self.content.totals, self.issued_credit_notes, paid_cents=self.total_paid_amount_cents)

    def issue_credit_note(self, note: IssuedCreditNote, *, at: datetime) -> None:
        """Keep what is given back. All notes of an invoice meet here: together they give back no more than it bills."""
        for fee in self.content.fees:
            given = sum(one.items.get(fee.id, Decimal(0)) for one in (*self.issued_credit_notes, note))
            assert given <= fee.amount_cents, (note.credit_note_id, fee.id)
        settles = note.offset_amount_cents > 0 and note.offset_amount_cents >= self.due_cents
        self.trigger_event(self.CreditNoteIssued, note=note, settles=settles, timestamp=at)

    def pay(self, amount_cents: int, *, at: datetime) -> None:
        """Count a payment, which is not more than is due. Nothing is paid of an invoice over nothing."""
        assert 0 <= amount_cents <= self.due_cents, (amount_cents, self.due_cents)
        if amount_cents > 0:
            self.trigger_event(self.Paid, amount_cents=amount_cents, timestamp=at)

    def request_document(self, *, at: datetime) -> None:
        if not self.document_requested:
            self.trigger_event(self.DocumentRequested, timestamp=at)

    def keep_document(self, sha256: str, template_version: str, *, at: datetime) -> None:
        """The document is stored under the invoice's id. Rendered again it is the same, so once is enough."""
        if self.document_sha256 != sha256:
            self.trigger_event(self.DocumentGenerated, sha256=sha256, template_version=template_version, timestamp=at)
