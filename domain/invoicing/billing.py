"""Billing: all that is due for a subscription is done in the order of time, each at its own instant.

The workflow of a subscription calls `advance_subscription` and sleeps until the instant that it answers. Whatever is
done is one append, and what it leaves behind says that it is done: so a retry, a second worker, or another
subscription of the same customer that wakes at the same instant finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.plan import Plan
from domain.customers.billing_settings import BillingSettings, billing_settings
from domain.customers.customer import Customer
from domain.invoicing.credit_use import available_credit_notes
from domain.invoicing.draft import BilledSubscription, draft_invoice
from domain.invoicing.issuing import issue, stand_alone
from domain.invoicing.unused_days import covered_until, credit_unused_days
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.kernel.zones import local_date
from domain.metering.ports import UsageReader
from domain.organizations.organization import Organization
from domain.subscriptions.billing_dates import Schedule
from domain.subscriptions.commands import activate
from domain.subscriptions.due import Due, next_due, schedule_of
from domain.subscriptions.subscription import InvoicingReason, Subscription
from domain.subscriptions.trial import trial_end_at
from domain.taxation.which_taxes import applicable_taxes

_REASONS: dict[str, InvoicingReason] = {
    "starting_invoice": "subscription_starting",
    "periodic_invoice": "subscription_periodic",
    "final_invoice": "subscription_terminating",
}


@dataclass(frozen=True, slots=True)
class _Account:
    """Whom a subscription is billed to."""

    organization: Organization
    customer: Customer

    @property
    def settings(self) -> BillingSettings:
        return billing_settings(self.customer, self.organization)


@dataclass(frozen=True, slots=True)
class _Case:
    subscription: Subscription
    plan: Plan
    schedule: Schedule
    trial_end: datetime | None

    @property
    def due(self) -> Due | None:
        return next_due(self.subscription, self.schedule, self.trial_end)


async def advance_subscription(
    ledger: Ledger, usage: UsageReader, subscription_id: UUID, *, at: datetime
) -> datetime | None:
    """Do all that is due at or before `at`; answer when the next thing is, or None if nothing ever will be.

    Raises:
        ConflictError: something changed meanwhile; nothing was done twice, call again.
        UnavailableError: usage or the ledger cannot be read now; nothing of this instant was billed.
    """
    while True:
        subscription = await ledger.load(Subscription, subscription_id)
        account, case = await _look_up(ledger, subscription)
        due = case.due
        if due is None:
            return None
        if due.at > at:
            return due.at
        await _perform(ledger, usage, account, case, due)


async def _look_up(ledger: Ledger, subscription: Subscription) -> tuple[_Account, _Case]:
    organization, customer, plan = await asyncio.gather(
        ledger.load(Organization, subscription.organization_id),
        ledger.load(Customer, subscription.customer_id),
        ledger.load(Plan, subscription.plan_id),
    )
    account = _Account(organization, customer)
    return account, await _case(ledger, subscription, plan, account.settings.timezone)


async def _case(ledger: Ledger, subscription: Subscription, plan: Plan, timezone: str) -> _Case:
    trial_end = None
    if plan.details.trial_period:
        line = await ledger.find_all(Subscription, subscription.organization_id, external_id=subscription.external_id)
        starts = [one.started_at for one in line if one.customer_id == subscription.customer_id and one.started_at]
        trial_end = trial_end_at(plan.details.trial_period, starts, subscription.details.subscription_at)
    return _Case(subscription, plan, schedule_of(subscription, plan, timezone), trial_end)


async def _perform(ledger: Ledger, usage: UsageReader, account: _Account, case: _Case, due: Due) -> None:
    subscription = case.subscription
    match due.what:
        case "activation":
            activate(subscription, case.plan, case.schedule.timezone, started_at=due.at, at=due.at)
            await ledger.append(subscription)
        case "trial_end":
            assert case.trial_end is not None
            billed_today = subscription.fee_billed_on == local_date(due.at, case.schedule.timezone)
            owes = case.plan.details.pay_in_advance and not billed_today
            subscription.end_trial(case.trial_end, starts_with_invoice=owes, at=due.at)
            await ledger.append(subscription)
        case "termination":
            subscription.terminate(subscription.details, terminated_at=due.at, at=due.at)
            await ledger.append(subscription)
        case "credit_note":
            await ledger.append(subscription, *await credit_unused_days(ledger, subscription, at=due.at))
        case "periodic_invoice":
            await _bill(ledger, usage, account, await _due_together(ledger, account, case, due), due)
        case "starting_invoice" | "final_invoice":
            await _bill(ledger, usage, account, [case], due)


async def _due_together(ledger: Ledger, account: _Account, case: _Case, due: Due) -> list[_Case]:
    """The customer's subscriptions that share the invoice: due at this instant, in this currency.

    Source: invoicing-money 2.1, metering-pricing B4.
    """
    if not case.subscription.details.consolidate_invoice:
        return [case]
    active = await ledger.find_all(
        Subscription, account.organization.id, customer_id=str(account.customer.id), status="active"
    )
    others = [one for one in active if one.id != case.subscription.id]
    if not others:
        return [case]
    plans = {plan.id: plan for plan in await ledger.load_many(Plan, sorted({one.plan_id for one in others}))}
    together = [case]
    for subscription in others:
        plan = plans[subscription.plan_id]
        other = await _case(ledger, subscription, plan, case.schedule.timezone)
        if (
            other.due == due
            and plan.details.amount_currency == case.plan.details.amount_currency
            and subscription.details.consolidate_invoice
            and subscription.details.purchase_order_number == case.subscription.details.purchase_order_number
        ):
            together.append(other)
    return sorted(together, key=lambda one: (one.subscription.created_on, one.subscription.id))


async def _bill(ledger: Ledger, usage: UsageReader, account: _Account, cases: Sequence[_Case], due: Due) -> None:
    """Issue one invoice for all `cases` and mark them as billed, by one append."""
    organization, customer = account.organization, account.customer
    reason = _REASONS[due.what]
    first = min(case.subscription.id for case in cases)
    invoice_id = ids.of("invoice", first, reason, due.at.isoformat())
    metric_ids = sorted({charge.billable_metric_id for case in cases for charge in case.plan.details.charges})
    found, taxes, credit_notes = await asyncio.gather(
        ledger.load_many(BillableMetric, metric_ids),
        applicable_taxes(ledger, organization, customer, [case.plan.details for case in cases]),
        available_credit_notes(ledger, organization.id, customer.id, cases[0].plan.details.amount_currency),
    )
    metrics = {metric.id: metric for metric in found}
    draft = await draft_invoice(
        usage,
        invoice_id,
        organization,
        customer,
        [BilledSubscription(case.subscription, case.plan, case.schedule, case.trial_end) for case in cases],
        metrics,
        taxes,
        reason=reason,
        at=due.at,
    )
    content = draft.content
    invoice, sequences = issue(invoice_id, organization, customer, content, credit_notes=credit_notes, at=due.at)
    standalone = [stand_alone(organization, customer, fee, content, at=due.at) for fee in draft.standalone_fees]
    by_subscription = {row.subscription_id: row for row in content.subscriptions}
    fee_of = {fee.subscription_id: fee for fee in content.fees if fee.fee_type == "subscription"}
    for case in cases:
        subscription = case.subscription
        subscription.bill(
            invoice_id,
            reason=reason,
            billed_on=local_date(due.at, case.schedule.timezone),
            subscription_fee=subscription.id in fee_of,
            charges_to_at=by_subscription[subscription.id].charges_to_at,
            timezone=case.schedule.timezone,
            covered_until=covered_until(fee_of.get(subscription.id)),
            at=due.at,
        )
    await ledger.append(
        invoice, *(case.subscription for case in cases), *standalone, *credit_notes, sequences=sequences
    )
