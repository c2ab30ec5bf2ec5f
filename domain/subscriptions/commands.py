"""What can be done with subscriptions: begin, change, end. Billing them is `domain/invoicing/billing.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from domain.catalog.plan import Plan
from domain.customers.billing_settings import applicable_timezone
from domain.customers.customer import Customer, CustomerDetails
from domain.invoicing.unused_days import credit_unused_days
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotAllowedError, NotFoundError
from domain.kernel.ledger import Ledger, SequenceNumber
from domain.kernel.zones import local_date
from domain.organizations.organization import Organization
from domain.subscriptions.subscription import Subscription, SubscriptionDetails
from domain.subscriptions.trial import in_trial, trial_end_at


async def begin_subscription(
    ledger: Ledger,
    organization: Organization,
    *,
    external_customer_id: str,
    plan_code: str,
    external_id: str | None,
    details: SubscriptionDetails,
    at: datetime,
) -> Subscription:
    """Start a subscription, now, in the past or in the future; an unknown customer is created.

    The same external id on the same plan answers what is there. Where the start is a day to come it stays pending
    until its workflow activates it; in the past it runs from then, and its first bill is the next billing day's.

    Raises:
        NotFoundError: `plan_not_found`.
        InvalidInputError: the external id belongs to another customer's active subscription, or `ending_at` does
            not lie after today and after the start.
        NotAllowedError: the external id runs on another plan.

    Source: invoicing-money 1.2, metering-pricing L6.
    """
    plan = await ledger.find(Plan, organization.id, code=plan_code)
    if plan is None:
        raise NotFoundError("plan")
    customer, sequences = await _customer_of(ledger, organization, external_customer_id, plan, at=at)
    external_id = external_id or str(ids.new())
    known = await ledger.find_all(Subscription, organization.id, external_id=external_id)
    for other in known:
        if other.customer_id == customer.id and other.status in ("active", "pending"):
            if other.plan_id == plan.id or (await ledger.load(Plan, other.plan_id)).parent_id == plan.id:
                return other
            raise NotAllowedError("plan_change_not_available")
        if other.status == "active":
            raise InvalidInputError({"external_id": ["value_already_exist"]})

    timezone = applicable_timezone(customer, organization)
    today, starts_on = local_date(at, timezone), local_date(details.subscription_at, timezone)
    _check_end(details, today=today, starts_on=starts_on, timezone=timezone)
    if not plan.details.pay_in_advance and details.on_termination_credit_note is not None:
        raise InvalidInputError({"on_termination_credit_note": ["invalid_value"]})

    subscription = Subscription.begin(
        ids.new(),
        organization_id=organization.id,
        customer_id=customer.id,
        external_customer_id=external_customer_id,
        external_id=external_id,
        plan_id=plan.id,
        plan_code=plan.details.code,
        details=details,
        previous_subscription_id=None,
        at=at,
    )
    if starts_on <= today:
        ended = [
            other.terminated_at
            for other in known
            if other.terminated_at is not None and other.details.on_termination_invoice == "generate"
        ]
        activate(
            subscription,
            plan,
            timezone,
            started_at=max([details.subscription_at, *(ended if starts_on < today else [])]),
            earlier_starts=[
                other.started_at for other in known if other.started_at and other.customer_id == customer.id
            ],
            at=at,
        )
    await ledger.append(subscription, customer, sequences=sequences)
    return subscription


def activate(
    subscription: Subscription,
    plan: Plan,
    timezone: str,
    *,
    started_at: datetime,
    earlier_starts: Sequence[datetime] = (),
    at: datetime,
) -> None:
    """Let it run from `started_at`; a plan in advance owes its first invoice unless it starts in the past or on trial.

    Args:
        earlier_starts: of the customer's other subscriptions with this external id: the trial began with the first.

    Source: invoicing-money 1.3, 1.6; metering-pricing B3.
    """
    starts_on, today = local_date(started_at, timezone), local_date(at, timezone)
    backdated = starts_on < today
    trial_end = trial_end_at(plan.details.trial_period, [started_at, *earlier_starts], started_at)
    subscription.activate(
        started_at=started_at,
        billed_on=max(starts_on, today - timedelta(days=1)),
        starts_with_invoice=plan.details.pay_in_advance and not backdated and not in_trial(at, trial_end),
        at=at,
    )


async def update_subscription(
    ledger: Ledger,
    organization: Organization,
    subscription_id: UUID,
    change: Callable[[SubscriptionDetails], SubscriptionDetails],
    *,
    at: datetime,
) -> Subscription:
    """Change what may be changed of a living one.

    Raises:
        InvalidInputError: `ending_at` as in `begin_subscription`; a new `subscription_at` of one that has started.
        NotAllowedError: it has ended.
    """
    subscription = await ledger.load(Subscription, subscription_id)
    plan = await ledger.load(Plan, subscription.plan_id)
    customer = await ledger.load(Customer, subscription.customer_id)
    timezone = applicable_timezone(customer, organization)
    details = change(subscription.details)
    today, starts_on = local_date(at, timezone), local_date(details.subscription_at, timezone)
    if details.subscription_at != subscription.details.subscription_at and subscription.status != "pending":
        details = replace(details, subscription_at=subscription.details.subscription_at)
    if details.ending_at != subscription.details.ending_at:
        _check_end(details, today=today, starts_on=starts_on, timezone=timezone)
    if not plan.details.pay_in_advance and details.on_termination_credit_note is not None:
        raise InvalidInputError({"on_termination_credit_note": ["invalid_value"]})
    subscription.update(details, at=at)
    if subscription.status == "pending" and starts_on <= today:
        activate(subscription, plan, timezone, started_at=details.subscription_at, at=at)
    await ledger.append(subscription)
    return subscription


async def terminate_subscription(
    ledger: Ledger,
    subscription_id: UUID,
    *,
    on_termination_credit_note: Literal["credit", "skip", "refund", "offset"] | None,
    on_termination_invoice: Literal["generate", "skip"] | None,
    at: datetime,
) -> Subscription:
    """End an active one now, or cancel a pending one. What is chosen is kept; its workflow makes the final invoice.

    What a plan in advance leaves unused is credited at once, where the invoice for it is issued; else by its workflow.

    Raises:
        NotFoundError: it lives no more.

    Source: invoicing-money 1.5.
    """
    subscription = await ledger.load(Subscription, subscription_id)
    if subscription.status not in ("active", "pending"):
        raise NotFoundError("subscription")
    plan = await ledger.load(Plan, subscription.plan_id)
    details = subscription.details
    if plan.details.pay_in_advance:
        mode = on_termination_credit_note or details.on_termination_credit_note or "credit"
        details = replace(details, on_termination_credit_note=mode)
    if on_termination_invoice is not None:
        details = replace(details, on_termination_invoice=on_termination_invoice)
    subscription.terminate(details, terminated_at=at, at=at)
    await ledger.append(subscription, *await credit_unused_days(ledger, subscription, at=at))
    return subscription


async def _customer_of(
    ledger: Ledger, organization: Organization, external_id: str, plan: Plan, *, at: datetime
) -> tuple[Customer, list[SequenceNumber]]:
    """The customer, made where it is new, with the plan's currency where it has none yet."""
    customer = await ledger.find(Customer, organization.id, external_id=external_id)
    sequences: list[SequenceNumber] = []
    if customer is None:
        sequences = [SequenceNumber.next(f"customer:{organization.id}")]
        customer = Customer.begin(
            ids.new(),
            organization_id=organization.id,
            sequential_id=sequences[0].placeholder,
            details=CustomerDetails(external_id=external_id),
            at=at,
        )
    if customer.details.currency is None:
        customer.update(replace(customer.details, currency=plan.details.amount_currency), at=at)
    return customer, sequences


def _check_end(details: SubscriptionDetails, *, today: date, starts_on: date, timezone: str) -> None:
    if details.ending_at is not None:
        ends_on = local_date(details.ending_at, timezone)
        if ends_on <= today or ends_on <= starts_on:
            raise InvalidInputError({"ending_at": ["invalid_date"]})
