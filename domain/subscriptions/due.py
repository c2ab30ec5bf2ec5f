"""What is next due for a subscription, and when: the one plan that its workflow follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.catalog.plan import Plan
from domain.kernel.zones import local_date, start_of_day
from domain.subscriptions.billing_dates import Lifetime, Schedule, billing_instant, next_billing_day
from domain.subscriptions.subscription import Subscription

What = Literal[
    "activation", "starting_invoice", "trial_end", "termination", "periodic_invoice", "final_invoice", "paid_fees"
]
"""`paid_fees` is due at an end without a final invoice; wherever there is a bill they come with it (1.5)."""
_ORDER: tuple[What, ...] = (
    "activation",
    "starting_invoice",
    "termination",
    "final_invoice",
    "paid_fees",
    "periodic_invoice",
    "trial_end",
)
"""At one instant, the earlier here comes first: a day that ends a subscription is not billed as a period (2.1)."""


@dataclass(frozen=True, slots=True)
class Due:
    """`what` is due at the instant `at`, to be dated then however late it is done."""

    at: datetime
    what: What


def schedule_of(subscription: Subscription, plan: Plan, timezone: str) -> Schedule:
    """The calendar of the subscription, in its customer's time zone."""
    return Schedule(
        interval=plan.details.interval,
        billing_time=subscription.details.billing_time,
        subscription_at=subscription.details.subscription_at,
        timezone=timezone,
        pay_in_advance=plan.details.pay_in_advance,
        bill_charges_monthly=bool(plan.details.bill_charges_monthly),
        bill_fixed_charges_monthly=bool(plan.details.bill_fixed_charges_monthly),
    )


def lifetime_of(subscription: Subscription) -> Lifetime:
    """Its life as billing sees it; it has started."""
    assert subscription.started_at is not None, subscription.id
    return Lifetime(subscription.started_at, subscription.terminated_at)


def next_due(subscription: Subscription, schedule: Schedule, trial_end: datetime | None) -> Due | None:
    """The earliest thing that is still to be done, or None if nothing ever will be.

    Args:
        trial_end: when the plan's trial ends, None without one.

    Source: invoicing-money 1.3, 1.5, 1.6, 2.1; quirk 28 (a start in the future is the beginning of its local day,
    so that no event of that day falls outside).
    """
    timezone = schedule.timezone
    found: list[Due] = []
    if subscription.status == "pending":
        day = local_date(subscription.details.subscription_at, timezone)
        found.append(Due(start_of_day(day, timezone), "activation"))
    if subscription.status == "active":
        found += _of_life(subscription, schedule, trial_end)
    if subscription.status == "terminated":
        # What fell due before the end is owed all the same, however late it is done: an outage forgives no period.
        assert subscription.terminated_at is not None
        ended_on = start_of_day(local_date(subscription.terminated_at, timezone), timezone)
        for due in _of_life(subscription, schedule, trial_end):
            if due.what != "termination" and due.at < (
                ended_on if due.what == "periodic_invoice" else subscription.terminated_at
            ):
                found.append(due)
        if subscription.owes_final_invoice:
            found.append(Due(subscription.terminated_at, "final_invoice"))
        if subscription.owes_paid_fees:
            found.append(Due(subscription.terminated_at, "paid_fees"))
    return min(found, key=lambda due: (due.at, _ORDER.index(due.what)), default=None)


def _of_life(subscription: Subscription, schedule: Schedule, trial_end: datetime | None) -> Iterator[Due]:
    """What is due for one that has started, as if it never ended but by its `ending_at`."""
    timezone = schedule.timezone
    assert subscription.started_at is not None
    assert subscription.activated_at is not None
    assert subscription.billed_on is not None
    if subscription.owes_starting_invoice:
        # A start later today is billed at once.
        starts_at = min(subscription.started_at, subscription.activated_at)
        yield Due(subscription.trial_ended_at or starts_at, "starting_invoice")
    if trial_end is not None and subscription.trial_ended_at is None:
        yield Due(max(trial_end, subscription.started_at), "trial_end")
    ending_on = None
    if subscription.details.ending_at is not None:
        ending_on = local_date(subscription.details.ending_at, timezone)
        yield Due(max(start_of_day(ending_on, timezone), subscription.started_at), "termination")
    billing_day = next_billing_day(schedule, subscription.billed_on)
    if billing_day != ending_on:
        yield Due(billing_instant(schedule, billing_day), "periodic_invoice")
