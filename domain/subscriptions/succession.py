"""Changes of plan: which way they go, and what they hand on from one subscription to the next.

Source: invoicing-money 1.4; metering-pricing L1 to L3, P1.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.catalog.plan import Plan, PlanDetails
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.subscriptions.billing_dates import PlanChange
from domain.subscriptions.intervals import Interval
from domain.subscriptions.subscription import Subscription, SubscriptionDetails

_PERIODS_OF_A_YEAR: dict[Interval, int] = {
    "daily": 365,
    "weekly": 52,
    "monthly": 12,
    "quarterly": 4,
    "semiannual": 2,
    "yearly": 1,
}


def yearly_amount_cents(plan: PlanDetails) -> int:
    """What the plan's amount comes to in a year, for comparison only (L1; daily plans are ours)."""
    return plan.amount_cents * _PERIODS_OF_A_YEAR[plan.interval]


def direction(current: PlanDetails, new: PlanDetails) -> PlanChange:
    """Whether the new plan takes effect at once, or waits. An equal amount is an upgrade; charges do not count."""
    return "upgrade" if yearly_amount_cents(new) >= yearly_amount_cents(current) else "downgrade"


def handed_on(details: SubscriptionDetails) -> SubscriptionDetails:
    """The details of a subscription that follows one with `details`, where nothing else is asked for.

    The anchor and the billing time always stay (quirk 21). The name is that of the plan that ends, and what is to be
    done at the end was chosen for that end, so these begin anew.
    """
    return SubscriptionDetails(
        subscription_at=details.subscription_at,
        billing_time=details.billing_time,
        ending_at=details.ending_at,
        consolidate_invoice=details.consolidate_invoice,
        purchase_order_number=details.purchase_order_number,
    )


def following(
    current: Subscription, plan: Plan, change: PlanChange, details: SubscriptionDetails, *, at: datetime
) -> Subscription:
    """A pending subscription on `plan` that comes after `current`, under the same external id."""
    return Subscription.begin(
        ids.new(),
        organization_id=current.organization_id,
        customer_id=current.customer_id,
        external_customer_id=current.external_customer_id,
        external_id=current.external_id,
        plan_id=plan.id,
        plan_code=plan.details.code,
        details=details,
        previous_subscription_id=current.id,
        predecessor=change,
        at=at,
    )


async def call_off_downgrades(ledger: Ledger, ended: Sequence[Subscription], *, at: datetime) -> list[Subscription]:
    """The other subscriptions that change because `ended`, which are about to end, wait for a downgrade.

    One that was to follow is canceled; one that was to be followed goes on.
    """
    ends = {one.next_subscription_id for one in ended if one.downgrade_asked_at is not None}
    ends |= {one.previous_subscription_id for one in ended if one.status == "pending"}
    others = sorted(end for end in ends if end is not None and end not in {one.id for one in ended})
    if not others:
        return []
    found = await ledger.load_many(Subscription, others)
    for other in found:
        other.call_off_downgrade(at=at)
    return found
