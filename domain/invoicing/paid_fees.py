"""Fees that were made by themselves, once they are paid: gathered on invoices of their own, which are paid already.

Source: metering-pricing V12, B5; invoicing-money 1.5, 3.2, 3.3, 4.2, 5.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.customers.customer import Customer
from domain.invoicing.content import content_of
from domain.invoicing.invoice import Fee, Invoice, InvoiceSubscription
from domain.invoicing.issuing import issue
from domain.invoicing.standalone_fee import StandaloneFee
from domain.invoicing.taxes import summed_taxes
from domain.kernel import ids
from domain.kernel.ledger import Ledger, SequenceNumber
from domain.organizations.organization import Organization
from domain.subscriptions.subscription import InvoicingReason, Subscription

_GATHERING: frozenset[InvoicingReason] = frozenset({"subscription_periodic", "subscription_terminating"})


@dataclass(frozen=True, slots=True)
class PaidFees:
    """Invoices and the fees that they gather, for one append; `sequences` are those of the invoices' numbers."""

    invoices: tuple[Invoice, ...] = ()
    fees: tuple[StandaloneFee, ...] = ()
    sequences: tuple[SequenceNumber, ...] = ()


async def gather_paid_fees(
    ledger: Ledger,
    organization: Organization,
    customer: Customer,
    billed: Sequence[InvoiceSubscription],
    *,
    at: datetime,
) -> PaidFees:
    """The paid fees of the subscriptions that are billed at `at`, and of those that had their external ids before.

    One invoice for each currency and purchase order number. None where there is nothing to gather; nothing is read
    where the customer never had such a fee. The append that says that the bill is done must commit it, too.

    Args:
        billed: what the bill covers of each subscription, of this customer. Billing days and ends gather (an upgrade
            is one), a start by itself does not.
    """
    reasons = {row.reason for row in billed}
    if not customer.regroups_paid_fees or reasons.isdisjoint(_GATHERING):
        return PaidFees()
    external_ids = sorted({row.external_id for row in billed})
    waiting = await asyncio.gather(
        *(ledger.find_all(StandaloneFee, organization.id, gathered_with=external_id) for external_id in external_ids)
    )
    goes_on = reasons == {"subscription_periodic"}
    fees = [
        standalone
        for found in waiting
        for standalone in found
        if standalone.customer_id == customer.id and is_gathered(standalone, at, goes_on=goes_on)
    ]
    if not fees:
        return PaidFees()
    subscription_ids = sorted({_subscription_id(standalone.fee) for standalone in fees})
    subscriptions = {one.id: one for one in await ledger.load_many(Subscription, subscription_ids)}
    by_invoice: dict[tuple[str, str | None], list[StandaloneFee]] = {}
    for standalone in sorted(fees, key=lambda one: (one.created_on, one.id)):
        order_number = subscriptions[_subscription_id(standalone.fee)].details.purchase_order_number
        by_invoice.setdefault((standalone.currency, order_number), []).append(standalone)
    invoices: list[Invoice] = []
    sequences: list[SequenceNumber] = []
    for gathered in by_invoice.values():
        invoice, numbers = _invoice(organization, customer, gathered, subscriptions, billed, at)
        invoices.append(invoice)
        sequences += numbers
    return PaidFees(tuple(invoices), tuple(fees), tuple(sequences))


def is_gathered(standalone: StandaloneFee, at: datetime, *, goes_on: bool) -> bool:
    """Whether a bill at `at` puts it on an invoice: it was paid by then and, if the subscription goes on, is of before.

    Its charge said when it was made that paid fees are gathered. What becomes of the charge later does not matter: who
    has paid is owed the invoice.
    """
    if standalone.fee.regroup_paid_fees is None or standalone.invoice_id is not None:
        return False
    if standalone.deleted_at is not None or standalone.payment_status != "succeeded":
        return False
    assert standalone.payment_status_at is not None, standalone.id
    return standalone.payment_status_at <= at and (not goes_on or standalone.charges_to_at <= at)


def _invoice(
    organization: Organization,
    customer: Customer,
    gathered: Sequence[StandaloneFee],
    subscriptions: Mapping[UUID, Subscription],
    billed: Sequence[InvoiceSubscription],
    at: datetime,
) -> tuple[Invoice, Sequence[SequenceNumber]]:
    """The invoice that has the fees as they are, and is paid. A fee is gathered once: the first one names it."""
    fees = tuple(standalone.fee for standalone in gathered)
    content = content_of(
        organization,
        customer,
        gathered[0].currency,
        _rows(fees, subscriptions, billed, at),
        fees,
        kind="advance_charges",
        purchase_order_number=subscriptions[_subscription_id(fees[0])].details.purchase_order_number,
        watermark=None,
        taxes=summed_taxes(fees),
        at=at,
    )
    invoice_id = ids.of("invoice", "advance_charges", gathered[0].id)
    invoice, sequences = issue(invoice_id, organization, customer, content, at=at)
    invoice.pay(content.totals.total_amount_cents, at=at)
    for standalone in gathered:
        standalone.put_on_invoice(invoice.id, invoice.status, at=at)
    return invoice, sequences


def _rows(
    fees: Sequence[Fee],
    subscriptions: Mapping[UUID, Subscription],
    billed: Sequence[InvoiceSubscription],
    at: datetime,
) -> tuple[InvoiceSubscription, ...]:
    """A row for each subscription that has fees here: those that are billed first, with the windows of their bill."""
    of_subscription: dict[UUID, list[Fee]] = {}
    for fee in fees:
        of_subscription.setdefault(_subscription_id(fee), []).append(fee)
    rows = [
        replace(row, reason="in_advance_charge_periodic", recurring=False)
        for row in billed
        if of_subscription.pop(row.subscription_id, None)
    ]
    rows += [_row_of_ended(subscriptions[one], own, at) for one, own in of_subscription.items()]
    return tuple(rows)


def _row_of_ended(subscription: Subscription, fees: Sequence[Fee], at: datetime) -> InvoiceSubscription:
    """Nothing is billed of it now but what was paid since: the row covers the periods of these fees."""
    return InvoiceSubscription(
        subscription_id=subscription.id,
        external_id=subscription.external_id,
        plan_id=subscription.plan_id,
        reason="in_advance_charge_periodic",
        recurring=False,
        timestamp=at,
        from_at=None,
        to_at=None,
        charges_from_at=min(fee.from_at for fee in fees if fee.from_at is not None),
        charges_to_at=max(fee.to_at for fee in fees if fee.to_at is not None),
        fixed_charges_from_at=None,
        fixed_charges_to_at=None,
    )


def _subscription_id(fee: Fee) -> UUID:
    assert fee.subscription_id is not None, fee.id
    return fee.subscription_id
