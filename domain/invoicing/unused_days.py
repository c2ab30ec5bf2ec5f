"""The credit note for the days that the end of a subscription leaves unused of a plan paid in advance.

Source: invoicing-money 1.4, 1.5, 7.6, 19 (quirk 20); metering-pricing L4.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from domain.customers.billing_settings import applicable_timezone
from domain.customers.customer import Customer
from domain.invoicing.credit_note import CreditNoteContent, CreditNoteItem, EarlyEnd, GivenBackAs
from domain.invoicing.credit_note_amounts import GivenBack, credited, cut, give_back, whole
from domain.invoicing.invoice import Fee, Invoice, InvoiceContent, IssuedCreditNote, due_cents
from domain.invoicing.issuing import issue_credit_note
from domain.kernel import ids
from domain.kernel.aggregate import Aggregate
from domain.kernel.decimals import exact
from domain.kernel.ledger import Ledger
from domain.kernel.zones import local_date
from domain.organizations.organization import Organization
from domain.subscriptions.due import lifetime_of
from domain.subscriptions.proration import unused_amount, used_amount
from domain.subscriptions.subscription import Subscription


def covered_until(fee: Fee | None) -> datetime | None:
    """The last instant that a subscription fee pays for in advance; None where there is nothing to give back of it."""
    if fee is None or not fee.pay_in_advance or fee.amount_cents == 0:
        return None
    return fee.to_at


async def credit_unused_days(ledger: Ledger, subscription: Subscription, *, at: datetime) -> list[Aggregate]:
    """Give back what a subscription that has ended leaves unused, whatever ended it.

    Returns:
        What must be appended with the subscription: the note, and the invoice that it is of. Nothing where nothing is
        owed back, or the fee of that time is not billed yet: once it is, the note falls due (`subscriptions/due.py`).
    """
    if not subscription.owes_credit_note:
        return []
    assert subscription.covered_by_invoice_id is not None, subscription.id
    invoice, customer, organization = await asyncio.gather(
        ledger.load(Invoice, subscription.covered_by_invoice_id),
        ledger.load(Customer, subscription.customer_id),
        ledger.load(Organization, subscription.organization_id),
    )
    note_id = ids.of("credit_note", invoice.id, subscription.id)
    end = EarlyEnd(
        lifetime=lifetime_of(subscription), mode=_mode(subscription), paid_cents=invoice.total_paid_amount_cents
    )
    content = None
    if invoice.status == "finalized":
        content = unused_credit(
            note_id,
            invoice.content,
            next(
                fee
                for fee in invoice.content.fees
                if fee.fee_type == "subscription" and fee.subscription_id == subscription.id
            ),
            invoice.issued_credit_notes,
            end,
            issuing_date=local_date(at, applicable_timezone(customer, organization)),
        )
    subscription.credit_unused_days(None if content is None else note_id, at=at)
    if content is None:
        return []
    return [issue_credit_note(note_id, invoice, content, at=at), invoice]


def _mode(subscription: Subscription) -> GivenBackAs:
    """As the customer wants it back. After an upgrade it is always credit, which the new plan's invoice uses."""
    mode = subscription.details.on_termination_credit_note
    assert mode != "skip", subscription.id
    return mode if mode is not None and lifetime_of(subscription).successor is None else "credit"


@exact()
def unused_credit(
    note_id: UUID,
    billed: InvoiceContent,
    fee: Fee,
    issued: Sequence[IssuedCreditNote],
    end: EarlyEnd,
    *,
    issuing_date: date,
) -> CreditNoteContent | None:
    """What a credit note says that gives back the unused days of a subscription fee.

    All but the end comes from the fee, so by the plan and the calendar that it was billed by, whatever they are now.

    Args:
        billed: the invoice that the fee is of.
        fee: of that invoice, in advance, for the period in which the subscription ended.
        issued: the credit notes that the invoice has already.

    Returns:
        None where nothing is left to give back.
    """
    inputs = fee.proration
    assert inputs is not None, fee.id
    unused = unused_amount(inputs.plan_amount_cents, inputs.schedule, end.lifetime, trial_end=inputs.trial_end)
    part = cut(min(unused, Decimal(fee.amount_cents)) - credited(fee, issued))
    if part <= 0:
        return None
    given = give_back(billed.fees, {fee.id: part}, issued)
    if given.total_amount_cents == 0:
        return None
    credit_cents, refund_cents, offset_cents = _split(billed, fee, issued, end, given)
    item_id = ids.of("credit_note_item", note_id, fee.id)
    return CreditNoteContent(
        currency=billed.currency,
        issuing_date=issuing_date,
        reason="order_cancellation",
        description=None,
        items=(CreditNoteItem(id=item_id, fee_id=fee.id, amount_cents=whole(part), precise_amount_cents=part),),
        given_back=given,
        credit_amount_cents=credit_cents,
        refund_amount_cents=refund_cents,
        offset_amount_cents=offset_cents,
        early_end=end,
    )


def _split(
    billed: InvoiceContent, fee: Fee, issued: Sequence[IssuedCreditNote], end: EarlyEnd, given: GivenBack
) -> tuple[int, int, int]:
    """Credit, refund and offset of the note: refunded is what was paid beyond the days used.

    The cent that rounding may add or take goes to what is not refunded, if there is any. No more than what is due is
    offset: an invoice that credit has paid already leaves the rest as credit.
    """
    refund = 0
    if end.mode != "credit":
        refund = min(max(0, _paid_beyond_use(billed, fee, end)), given.creditable_amount_cents)
    rest = given.creditable_amount_cents - refund
    rounding = given.total_amount_cents - given.creditable_amount_cents
    if rest > 0:
        rest += rounding
    else:
        refund += rounding
    offset = 0
    if end.mode == "offset":
        offset = max(0, min(rest, due_cents(billed.totals, issued, paid_cents=end.paid_cents)))
    return rest - offset, refund, offset


def _paid_beyond_use(billed: InvoiceContent, fee: Fee, end: EarlyEnd) -> int:
    """What was paid of a fee less what the used days cost, both with coupons and taxes; below zero it is owed."""
    inputs = fee.proration
    assert inputs is not None, fee.id
    used = used_amount(
        inputs.plan_amount_cents,
        inputs.schedule,
        end.lifetime,
        from_at=inputs.boundaries.from_at,
        trial_end=inputs.trial_end,
    )
    used_cents = give_back(billed.fees, {fee.id: used}, ()).creditable_amount_cents
    owed = fee.amount_cents - fee.precise_coupons_amount_cents + fee.taxes_amount_cents
    paid = end.paid_cents * owed / billed.totals.sub_total_including_taxes_amount_cents
    return whole(paid - used_cents)
