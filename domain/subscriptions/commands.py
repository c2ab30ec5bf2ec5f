"""What can be done with subscriptions: begin, change, end. Billing them is `domain/invoicing/billing.py`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.catalog.plan import Plan
from domain.customers.billing_settings import applicable_timezone
from domain.customers.customer import Customer, CustomerDetails
from domain.invoicing.unused_days import credit_unused_days
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ledger import Ledger, SequenceNumber
from domain.kernel.zones import local_date
from domain.organizations.organization import Organization
from domain.subscriptions.activation import activate, starts_of
from domain.subscriptions.overrides import Overrides, no_overrides, override
from domain.subscriptions.plan_change import Change, change_plan
from domain.subscriptions.subscription import Subscription, SubscriptionDetails
from domain.subscriptions.succession import call_off_downgrades


def _unchanged(details: SubscriptionDetails) -> SubscriptionDetails:
    return details


async def begin_subscription(
    ledger: Ledger,
    organization: Organization,
    *,
    external_customer_id: str,
    plan_code: str,
    external_id: str | None,
    details: SubscriptionDetails,
    change: Change = _unchanged,
    overrides: Overrides = no_overrides,
    at: datetime,
) -> Subscription:
    """Start a subscription, now, in the past or in the future; an unknown customer is created.

    The same external id on the same plan answers what is there, overrides or not; on another plan it is a change of
    plan. What is overridden is a copy of the plan, or units of its own, made by the same append. Where the
    start is a day to come it stays pending until its workflow activates it; in the past it runs from then, and its
    first bill is the next billing day's.

    Args:
        details: of a new one.
        change: in a change of plan, from what the current subscription hands on to what the next one shall have.
        overrides: what a new one, or the next one, shall have of its own.

    Returns:
        The one that is new, or the current one where nothing has changed yet: on the same plan, and before a downgrade.

    Raises:
        NotFoundError: `plan_not_found`.
        InvalidInputError: the external id belongs to another customer's active subscription, or `ending_at` does
            not lie after today and after the start.

    Source: invoicing-money 1.2, 1.4, metering-pricing L6.
    """
    plan = await ledger.find(Plan, organization.id, code=plan_code)
    if plan is None:
        raise NotFoundError("plan")
    terms = overrides(plan.details)
    plan = terms.plan(plan, at=at)
    customer, sequences = await _customer_of(ledger, organization, external_customer_id, plan, at=at)
    external_id = external_id or str(ids.new())
    known = await ledger.find_all(Subscription, organization.id, external_id=external_id)
    own = [one for one in known if one.customer_id == customer.id]
    timezone = applicable_timezone(customer, organization)
    for current in own:
        if current.status == "active" or (current.status == "pending" and current.previous_subscription_id is None):
            begun, beside = await change_plan(ledger, current, plan, terms, own, timezone, change, at=at)
            await ledger.append(begun, *beside, customer)
            return begun
    if any(one.status == "active" for one in known):
        raise InvalidInputError({"external_id": ["value_already_exist"]})

    today, starts_on = local_date(at, timezone), local_date(details.subscription_at, timezone)
    details.check_end(timezone, at=at)
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
        predecessor=None,
        at=at,
    )
    terms.set_units(subscription, at=at)
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
            earlier_starts=starts_of(own),
            at=at,
        )
    await ledger.append(subscription, customer, plan, sequences=sequences)
    return subscription


async def update_subscription(
    ledger: Ledger,
    organization: Organization,
    subscription_id: UUID,
    change: Change,
    *,
    overrides: Overrides = no_overrides,
    at: datetime,
) -> Subscription:
    """Change what may be changed of a living one.

    Args:
        overrides: what it shall have of its own, from what is in force for it (`overrides.override`).

    Raises:
        InvalidInputError: `ending_at` as in `begin_subscription`; what overrides no longer change once it has begun.
        NotAllowedError: it has ended.
    """
    subscription = await ledger.load(Subscription, subscription_id)
    plan = await ledger.load(Plan, subscription.plan_id)
    customer = await ledger.load(Customer, subscription.customer_id)
    timezone = applicable_timezone(customer, organization)
    details = change(subscription.details)
    today, starts_on = local_date(at, timezone), local_date(details.subscription_at, timezone)
    is_to_come = subscription.status == "pending" and subscription.previous_subscription_id is None
    if not is_to_come:
        details = replace(details, subscription_at=subscription.details.subscription_at)
    if details.ending_at != subscription.details.ending_at:
        details.check_end(timezone, at=at)
    if not plan.details.pay_in_advance and details.on_termination_credit_note is not None:
        raise InvalidInputError({"on_termination_credit_note": ["invalid_value"]})
    subscription.update(details, at=at)
    plan = await override(ledger, subscription, plan, overrides(plan.details), at=at)
    if is_to_come and starts_on <= today:
        known = await ledger.find_all(Subscription, organization.id, external_id=subscription.external_id)
        earlier = starts_of([one for one in known if one.customer_id == customer.id])
        activate(subscription, plan, timezone, started_at=details.subscription_at, earlier_starts=earlier, at=at)
    await ledger.append(subscription, plan)
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

    A downgrade that waits is off with either of its ends. What a plan in advance leaves unused is credited at once, so
    that whatever is billed next uses it; where the invoice for it is not made yet, the workflow credits it then.

    Raises:
        NotFoundError: it lives no more.

    Source: invoicing-money 1.5.
    """
    subscription = await ledger.load(Subscription, subscription_id)
    if subscription.status not in ("active", "pending"):
        raise NotFoundError("subscription")
    plan = await ledger.load(Plan, subscription.plan_id)
    called_off = await call_off_downgrades(ledger, [subscription], at=at)
    details = subscription.details
    if plan.details.pay_in_advance:
        mode = on_termination_credit_note or details.on_termination_credit_note or "credit"
        details = replace(details, on_termination_credit_note=mode)
    if on_termination_invoice is not None:
        details = replace(details, on_termination_invoice=on_termination_invoice)
    subscription.terminate(details, terminated_at=at, at=at)
    await ledger.append(subscription, *called_off, *await credit_unused_days(ledger, subscription, at=at))
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
