"""Billing: all that is due for a subscription is done in the order of time, each at its own instant.

The workflow of a subscription calls `advance_subscription` and sleeps until the instant that it answers. Whatever is
done is one append, and what it leaves behind says that it is done: so a retry, a second worker, or another
subscription of the same customer that wakes at the same instant finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.catalog.add_on import AddOn
from domain.catalog.billable_metric import BillableMetric
from domain.catalog.plan import Plan
from domain.invoicing.billed_subscription import billed_row
from domain.invoicing.billing_case import REASONS, Account, Case, changed_plan, due_together, look_up, starts_before
from domain.invoicing.commitment_fees import BilledFees
from domain.invoicing.credit_use import available_credit_notes
from domain.invoicing.draft import draft_invoice
from domain.invoicing.in_advance_fixed_charges import draft_fixed_charges
from domain.invoicing.issuing import issue, stand_alone
from domain.invoicing.paid_fees import gather_paid_fees
from domain.invoicing.unused_days import covered_until, credit_unused_days
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.kernel.zones import local_date
from domain.metering.ports import UsageReader
from domain.subscriptions.activation import activate
from domain.subscriptions.due import Due, start_due
from domain.subscriptions.subscription import Subscription
from domain.subscriptions.succession import call_off_downgrades
from domain.taxation.which_taxes import applicable_taxes


async def advance_subscription(
    ledger: Ledger, usage: UsageReader, fees: BilledFees, subscription_id: UUID, *, at: datetime
) -> datetime | None:
    """Do all that is due at or before `at`; answer when the next thing is, or None if nothing ever will be.

    Raises:
        AmountOutOfRangeError: nothing of this instant was billed, nor of what shares its invoice: others go on.
        ConflictError: something changed meanwhile; nothing was done twice, call again.
        UnavailableError: usage, fees or the ledger cannot be read now; nothing of this instant was billed.
    """
    while True:
        subscription = await ledger.load(Subscription, subscription_id)
        account, case = await look_up(ledger, subscription)
        due = case.due
        if due is None:
            return None
        if due.at > at:
            return due.at
        await _perform(ledger, usage, fees, account, case, due)


async def _perform(
    ledger: Ledger, usage: UsageReader, fees: BilledFees, account: Account, case: Case, due: Due
) -> None:
    subscription = case.subscription
    match due.what:
        case "activation":
            earlier = await starts_before(ledger, subscription, case.plan)
            zone = case.schedule.timezone
            activate(subscription, case.plan, zone, started_at=due.at, earlier_starts=earlier, at=due.at)
            await ledger.append(subscription)
        case "trial_end":
            assert case.trial_end is not None
            assert subscription.activated_at is not None
            billed_today = subscription.fee_billed_on == local_date(due.at, case.schedule.timezone)
            was_running = case.trial_end >= subscription.activated_at  # else a start in the past bills nothing at once
            owes = case.plan.details.pay_in_advance and was_running and not billed_today
            subscription.end_trial(case.trial_end, starts_with_invoice=owes, at=due.at)
            await ledger.append(subscription)
        case "termination":
            called_off = await call_off_downgrades(ledger, [subscription], at=due.at)
            subscription.terminate(subscription.details, terminated_at=due.at, at=due.at)
            await ledger.append(subscription, *called_off)
        case "downgrade":
            await _downgrade(ledger, case, due)
        case "credit_note":
            await ledger.append(subscription, *await credit_unused_days(ledger, subscription, at=due.at))
        case "periodic_invoice":
            await _bill(ledger, usage, fees, account, await due_together(ledger, account, case, due), due)
        case "final_invoice":
            await _bill(ledger, usage, fees, account, await changed_plan(ledger, case, due), due)
        case "starting_invoice":
            await _bill(ledger, usage, fees, account, [case], due)
        case "fixed_charges_invoice":
            await _bill_fixed_charges(ledger, account, case, due)
        case "paid_fees":
            await _gather_paid_fees(ledger, account, case, due)


async def _downgrade(ledger: Ledger, case: Case, due: Due) -> None:
    """End the subscription with its period, and let the one that waits for it run. What both owe is due then."""
    subscription = case.subscription
    assert subscription.next_subscription_id is not None, subscription.id
    following = await ledger.load(Subscription, subscription.next_subscription_id)
    plan = await ledger.load(Plan, following.plan_id)
    starts = await starts_before(ledger, following, plan)
    subscription.hand_over(following.id, "downgrade", at=due.at)
    activate(following, plan, case.schedule.timezone, started_at=due.at, earlier_starts=starts, at=due.at)
    await ledger.append(subscription, following)


async def _gather_paid_fees(ledger: Ledger, account: Account, case: Case, due: Due) -> None:
    """Put the paid fees of a subscription on their invoice that ended without one of its own (invoicing-money 1.5)."""
    ended = case.billed("subscription_terminating", None)
    row = billed_row(ended, ended.boundaries(due.at), due.at)
    paid = await gather_paid_fees(ledger, account.organization, account.customer, [row], at=due.at)
    case.subscription.gather_paid_fees(at=due.at)
    await ledger.append(case.subscription, *paid.invoices, *paid.fees, sequences=paid.sequences)


async def _bill(
    ledger: Ledger, usage: UsageReader, fees: BilledFees, account: Account, cases: Sequence[Case], due: Due
) -> None:
    """Issue one invoice for all `cases` and mark them as billed, by one append.

    The same append puts the paid fees that stood alone on invoices of their own, so they are gathered once.

    Events in advance that have arrived by now have their fees first: their invoices have the lower numbers and use
    credits before this one, and a commitment counts them, or they would be paid for twice.

    Args:
        due: what of them, if not of all, gives the invoice its identity.
    """
    if any(charge.pay_in_advance for case in cases for charge in case.plan.details.charges):
        await fees.reach(await usage.watermark())
    organization, customer = account.organization, account.customer
    reasons = [case.reason for case in cases]
    first = min(case.subscription.id for case in cases if case.due == due)
    invoice_id = ids.of("invoice", first, REASONS[due.what], due.at.isoformat())
    metric_ids = sorted({charge.billable_metric_id for case in cases for charge in case.plan.details.charges})
    found, add_ons, previous, taxes, credit_notes = await asyncio.gather(
        ledger.load_many(BillableMetric, metric_ids),
        _add_ons(ledger, cases),
        _previous(ledger, cases),
        applicable_taxes(ledger, organization, customer, [case.plan.details for case in cases]),
        available_credit_notes(ledger, organization.id, customer.id, cases[0].plan.details.amount_currency),
    )
    metrics = {metric.id: metric for metric in found}
    draft = await draft_invoice(
        usage,
        fees,
        invoice_id,
        organization,
        customer,
        [case.billed(reason, previous.get(case.subscription.id)) for case, reason in zip(cases, reasons, strict=True)],
        metrics,
        add_ons,
        taxes,
        at=due.at,
    )
    content = draft.content
    invoice, sequences = issue(invoice_id, organization, customer, content, credit_notes=credit_notes, at=due.at)
    standalone = [stand_alone(organization, customer, fee, content, at=due.at) for fee in draft.standalone_fees]
    by_subscription = {row.subscription_id: row for row in content.subscriptions}
    fee_of = {fee.subscription_id: fee for fee in content.fees if fee.fee_type == "subscription"}
    for case, reason in zip(cases, reasons, strict=True):
        subscription = case.subscription
        subscription.bill(
            invoice_id,
            reason=reason,
            billed_on=local_date(due.at, case.schedule.timezone),
            subscription_fee=subscription.id in fee_of,
            charges_to_at=by_subscription[subscription.id].charges_to_at,
            timezone=case.schedule.timezone,
            fixed_charges=draft.fixed_charges[subscription.id],
            covered_until=covered_until(fee_of.get(subscription.id)),
            at=due.at,
        )
    paid = await gather_paid_fees(ledger, organization, customer, content.subscriptions, at=due.at)
    await ledger.append(
        invoice,
        *(case.subscription for case in cases),
        *standalone,
        *credit_notes,
        customer,
        *paid.invoices,
        *paid.fees,
        sequences=[*sequences, *paid.sequences],
    )


async def _bill_fixed_charges(ledger: Ledger, account: Account, case: Case, due: Due) -> None:
    """Issue the invoice of fixed charges in advance that start, or whose units changed, at `due`, by one append."""
    organization, customer, subscription = account.organization, account.customer, case.subscription
    invoice_id = ids.of("invoice", subscription.id, due.what, due.at.isoformat(), len(subscription.invoice_ids))
    starts = subscription.owes_fixed_charges and due.at == start_due(subscription)
    add_ons, taxes, credit_notes = await asyncio.gather(
        _add_ons(ledger, [case]),
        applicable_taxes(ledger, organization, customer, [case.plan.details]),
        available_credit_notes(ledger, organization.id, customer.id, case.plan.details.amount_currency),
    )
    content, billed = draft_fixed_charges(
        invoice_id,
        organization,
        customer,
        case.billed("subscription_starting" if starts else "in_advance_charge", None),
        add_ons,
        taxes,
        at=due.at,
    )
    subscription.bill_fixed_charges(None if content is None else invoice_id, billed, at=due.at)
    if content is None:
        await ledger.append(subscription)
        return
    invoice, sequences = issue(invoice_id, organization, customer, content, credit_notes=credit_notes, at=due.at)
    await ledger.append(invoice, subscription, *credit_notes, sequences=sequences)


async def _previous(ledger: Ledger, cases: Sequence[Case]) -> dict[UUID, Subscription]:
    """By the subscription that starts in its place: where fixed charges are paid ahead, it may have paid for them."""
    starting = {
        case.subscription.id: case.subscription.previous_subscription_id
        for case in cases
        if case.reason == "subscription_starting" and case.plan.details.fixed_charges
    }
    wanted = [previous for previous in starting.values() if previous is not None]
    found = {one.id: one for one in await ledger.load_many(Subscription, wanted)} if wanted else {}
    return {follower: found[previous] for follower, previous in starting.items() if previous is not None}


async def _add_ons(ledger: Ledger, cases: Sequence[Case]) -> dict[UUID, AddOn]:
    wanted = sorted({one.add_on_id for case in cases for one in case.plan.details.fixed_charges})
    return {add_on.id: add_on for add_on in await ledger.load_many(AddOn, wanted)} if wanted else {}
