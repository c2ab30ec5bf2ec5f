"""Beginning to run: from when on a subscription is billed, and whether its first invoice is due at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.catalog.plan import Plan
from domain.kernel.zones import local_date
from domain.subscriptions.subscription import Subscription
from domain.subscriptions.trial import in_trial, trial_end_at


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

    Fixed charges in advance stand on that, after a change of plan on the one invoice of both plans, else on their own.

    Args:
        earlier_starts: of the customer's other subscriptions with this external id: the trial began with the first.

    Source: invoicing-money 1.3, 1.6; metering-pricing B3.
    """
    starts_on, today = local_date(started_at, timezone), local_date(at, timezone)
    asked_on = local_date(subscription.details.subscription_at, timezone)  # which a plan change inherits
    backdated = starts_on < today or (subscription.previous_subscription_id is None and asked_on < today)
    trial_end = trial_end_at(plan.details.trial_period, [started_at, *earlier_starts], started_at)
    pays_plan = plan.details.pay_in_advance and not in_trial(at, trial_end)
    pays_units = any(fixed_charge.pay_in_advance for fixed_charge in plan.details.fixed_charges)
    with_invoice = pays_plan or (pays_units and subscription.previous_subscription_id is not None)
    subscription.activate(
        started_at=started_at,
        billed_on=max(starts_on, today - timedelta(days=1)),
        starts_with_invoice=with_invoice and not backdated,
        starts_with_fixed_charges=not with_invoice and not backdated,
        at=at,
    )


def starts_of(line: Sequence[Subscription]) -> list[datetime]:
    """When the subscriptions of one external id began, those that have."""
    return [one.started_at for one in line if one.started_at is not None]
