"""What is due for a subscription, with all that it is billed by; and who is billed with it on one invoice.

Source: invoicing-money 1.4, 2.1; metering-pricing B4.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime

from domain.catalog.plan import Plan
from domain.customers.billing_settings import BillingSettings, billing_settings
from domain.customers.customer import Customer
from domain.invoicing.billed_subscription import BilledSubscription
from domain.kernel.ledger import Ledger
from domain.organizations.organization import Organization
from domain.subscriptions.activation import starts_of
from domain.subscriptions.billing_dates import Schedule
from domain.subscriptions.due import Due, next_due, schedule_of
from domain.subscriptions.subscription import InvoicingReason, Subscription
from domain.subscriptions.trial import trial_end_at

REASONS: dict[str, InvoicingReason] = {
    "starting_invoice": "subscription_starting",
    "periodic_invoice": "subscription_periodic",
    "final_invoice": "subscription_terminating",
}


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a subscription is billed to."""

    organization: Organization
    customer: Customer

    @property
    def settings(self) -> BillingSettings:
        return billing_settings(self.customer, self.organization)


@dataclass(frozen=True, slots=True)
class Case:
    """`next_plan` is the one that an upgrade led to, where that matters."""

    subscription: Subscription
    plan: Plan
    schedule: Schedule
    trial_end: datetime | None
    next_plan: Plan | None = None

    def billed(self, reason: InvoicingReason, previous: Subscription | None) -> BilledSubscription:
        return BilledSubscription(
            self.subscription, self.plan, self.schedule, self.trial_end, reason, previous, self.next_plan
        )

    @property
    def due(self) -> Due | None:
        return next_due(self.subscription, self.plan.details, self.schedule, self.trial_end)

    @property
    def reason(self) -> InvoicingReason:
        """Of the invoice that is due."""
        assert self.due is not None, self.subscription.id
        return REASONS[self.due.what]


async def look_up(ledger: Ledger, subscription: Subscription) -> tuple[Account, Case]:
    """The subscription; or the one before it, as long as what is due for that one comes first.

    So a change of plan is billed on one invoice whoever wakes, and one that waits for the end of another wakes with it.
    """
    organization, customer, plan = await asyncio.gather(
        ledger.load(Organization, subscription.organization_id),
        ledger.load(Customer, subscription.customer_id),
        ledger.load(Plan, subscription.plan_id),
    )
    account = Account(organization, customer)
    case = await case_of(ledger, subscription, plan, account.settings.timezone)
    if subscription.previous_subscription_id is not None and (
        subscription.status == "pending" or subscription.owes_starting_invoice
    ):
        _, before = await look_up(ledger, await ledger.load(Subscription, subscription.previous_subscription_id))
        if before.due is not None and (case.due is None or before.due.at <= case.due.at):
            return account, before
    return account, case


async def case_of(ledger: Ledger, subscription: Subscription, plan: Plan, timezone: str) -> Case:
    starts = await starts_before(ledger, subscription, plan)
    trial_end = trial_end_at(plan.details.trial_period, starts, subscription.details.subscription_at)
    return Case(subscription, plan, schedule_of(subscription, plan, timezone), trial_end)


async def starts_before(ledger: Ledger, subscription: Subscription, plan: Plan) -> list[datetime]:
    """When those of its external id began, where a trial on `plan` counts from there."""
    if not plan.details.trial_period:
        return []
    line = await ledger.find_all(Subscription, subscription.organization_id, external_id=subscription.external_id)
    return starts_of([one for one in line if one.customer_id == subscription.customer_id])


async def changed_plan(ledger: Ledger, case: Case, due: Due) -> list[Case]:
    """What one invoice bills at the end of a subscription: with it, the start of the one that follows in its place.

    Source: invoicing-money 1.4, metering-pricing L2, L3. Different currencies are never on one invoice.
    """
    ended = case.subscription
    if ended.next_subscription_id is None:
        return [case]
    following = await ledger.load(Subscription, ended.next_subscription_id)
    plan = await ledger.load(Plan, following.plan_id)
    begun = await case_of(ledger, following, plan, case.schedule.timezone)
    case = replace(case, next_plan=plan)
    together = (
        begun.due == Due(due.at, "starting_invoice")
        and plan.details.amount_currency == case.plan.details.amount_currency
        and following.details.purchase_order_number == ended.details.purchase_order_number
    )
    return [case, begun] if together else [case]


async def due_together(ledger: Ledger, account: Account, case: Case, due: Due) -> list[Case]:
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
    together, zone = [case], case.schedule.timezone
    for other in await asyncio.gather(*(case_of(ledger, one, plans[one.plan_id], zone) for one in others)):
        subscription = other.subscription
        if (
            other.due == due
            and other.plan.details.amount_currency == case.plan.details.amount_currency
            and subscription.details.consolidate_invoice
            and subscription.details.purchase_order_number == case.subscription.details.purchase_order_number
        ):
            together.append(other)
    return sorted(together, key=lambda one: (one.subscription.created_on, one.subscription.id))
