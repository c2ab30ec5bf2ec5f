"""What is next due for a subscription, and when: the one plan that its workflow follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import Plan, PlanDetails
from domain.kernel.zones import local_date, start_of_day
from domain.subscriptions.billing_dates import (
    Lifetime,
    Schedule,
    billing_instant,
    downgrade_day,
    next_billing_day,
)
from domain.subscriptions.fixed_charge_units import units_events
from domain.subscriptions.subscription import Subscription

What = Literal[
    "activation",
    "starting_invoice",
    "fixed_charges_invoice",
    "trial_end",
    "termination",
    "downgrade",
    "credit_note",
    "periodic_invoice",
    "final_invoice",
    "paid_fees",
]
"""`paid_fees` is due at an end without a final invoice; wherever there is a bill they come with it (1.5)."""
_ORDER: tuple[What, ...] = (
    "activation",
    "starting_invoice",
    "termination",
    "downgrade",
    "periodic_invoice",
    "fixed_charges_invoice",
    "credit_note",
    "final_invoice",
    "paid_fees",
    "trial_end",
)
"""At one instant, the earlier here comes first: a day that ends a subscription is not billed as a period (2.1), and
the final invoice uses the credit for the days that are left."""


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
    return Lifetime(subscription.started_at, subscription.terminated_at, subscription.successor)


def next_due(
    subscription: Subscription, plan: PlanDetails, schedule: Schedule, trial_end: datetime | None
) -> Due | None:
    """The earliest thing that is still to be done, or None if nothing ever will be of itself.

    One that waits for the end of another has nothing to do of itself: what is due for that one brings it about.

    Args:
        plan: what it is on.
        trial_end: when the plan's trial ends, None without one.

    Source: invoicing-money 1.3, 1.5, 1.6, 2.1; quirk 28 (a start in the future is the beginning of its local day,
    so that no event of that day falls outside).
    """
    timezone = schedule.timezone
    found: list[Due] = []
    if subscription.status == "pending" and subscription.previous_subscription_id is None:
        day = local_date(subscription.details.subscription_at, timezone)
        found.append(Due(start_of_day(day, timezone), "activation"))
    if subscription.status == "active":
        found += _of_life(subscription, plan, schedule, trial_end)
    if subscription.status == "terminated":
        assert subscription.terminated_at is not None
        life = _of_life(subscription, plan, schedule, trial_end)
        found += (due for due in life if _is_owed(due, subscription, subscription.terminated_at))
        if subscription.owes_credit_note:
            found.append(Due(subscription.terminated_at, "credit_note"))
        if subscription.owes_final_invoice:
            found.append(Due(subscription.terminated_at, "final_invoice"))
        if subscription.owes_paid_fees:
            found.append(Due(subscription.terminated_at, "paid_fees"))
    return min(found, key=lambda due: (due.at, _ORDER.index(due.what)), default=None)


def _is_owed(due: Due, subscription: Subscription, ended_at: datetime) -> bool:
    """What fell due before the end is owed all the same, however late it is done: an outage forgives no period.

    A period that closes at the very instant of the end stands on the final invoice (metering-pricing P18), but for an
    upgrade, whose final invoice bills what has happened since.
    """
    match due.what:
        case "termination" | "downgrade":
            return False
        case "starting_invoice" | "fixed_charges_invoice":
            return due.at <= ended_at
        case "periodic_invoice":
            return due.at < ended_at or (due.at == ended_at and subscription.successor == "upgrade")
        case _:
            return due.at < ended_at


def _of_life(
    subscription: Subscription, plan: PlanDetails, schedule: Schedule, trial_end: datetime | None
) -> Iterator[Due]:
    """What is due for one that has started, as if it never ended but by its `ending_at`."""
    timezone = schedule.timezone
    assert subscription.started_at is not None
    assert subscription.activated_at is not None
    assert subscription.billed_on is not None
    for at in _fixed_charges_due(subscription, plan, schedule):
        yield Due(at, "fixed_charges_invoice")
    if subscription.owes_starting_invoice:
        starts_at = start_due(subscription)
        yield Due(max(subscription.trial_ended_at or starts_at, starts_at), "starting_invoice")
    if trial_end is not None and subscription.trial_ended_at is None:
        yield Due(max(trial_end, subscription.started_at), "trial_end")
    ending_on = None
    if subscription.details.ending_at is not None and subscription.successor is None:
        ending_on = local_date(subscription.details.ending_at, timezone)
        yield Due(max(start_of_day(ending_on, timezone), subscription.started_at), "termination")
    billing_day = next_billing_day(schedule, subscription.billed_on)
    if billing_day != ending_on:
        asked_at = subscription.downgrade_asked_at
        switches = asked_at is not None and billing_day >= downgrade_day(schedule, asked_at)
        yield Due(billing_instant(schedule, billing_day), "downgrade" if switches else "periodic_invoice")


def start_due(subscription: Subscription) -> datetime:
    """When a start is billed: a start later today at once."""
    assert subscription.started_at is not None
    assert subscription.activated_at is not None
    return min(subscription.started_at, subscription.activated_at)


def _fixed_charges_due(subscription: Subscription, plan: PlanDetails, schedule: Schedule) -> Iterator[datetime]:
    """When fixed charges in advance are billed by themselves: at the start, and for units that changed at once.

    Source: metering-pricing W7, W8.
    """
    assert subscription.started_at is not None
    for fixed_charge in plan.fixed_charges:
        if not fixed_charge.pay_in_advance:
            continue
        events = units_events(fixed_charge, subscription, schedule)
        if subscription.owes_fixed_charges and events and events[0].effective_at == subscription.started_at:
            yield start_due(subscription)
        heeded = decisions_heeded(subscription, fixed_charge)
        yield from (
            event.decided_at
            for event in events[heeded:]
            if event.immediately and (event.effective_at > subscription.started_at or subscription.invoice_ids)
        )


def decisions_heeded(subscription: Subscription, fixed_charge: FixedCharge) -> int:
    """How many of the decisions about its units the bills so far have heeded."""
    billed = subscription.billed_fixed_charges
    return max((one.decisions for one in billed if one.fixed_charge_id == fixed_charge.root_id), default=0)
