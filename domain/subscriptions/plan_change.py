"""Changing the plan of a subscription, at once or at the end of its period.

What is decided is not appended here: who calls commits it by one append, so that no external id is ever without its
subscription.

Source: invoicing-money 1.4; metering-pricing L1 to L3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from domain.catalog.plan import Plan
from domain.customers.billing_settings import applicable_timezone
from domain.customers.customer import Customer
from domain.invoicing.unused_days import credit_unused_days
from domain.kernel.aggregate import Aggregate
from domain.kernel.ledger import Ledger
from domain.organizations.organization import Organization
from domain.subscriptions.activation import activate, starts_of
from domain.subscriptions.overrides import OwnTerms
from domain.subscriptions.subscription import Subscription, SubscriptionDetails
from domain.subscriptions.succession import call_off_downgrades, direction, following, handed_on

Change = Callable[[SubscriptionDetails], SubscriptionDetails]


async def change_plan(
    ledger: Ledger,
    current: Subscription,
    plan: Plan,
    terms: OwnTerms,
    line: Sequence[Subscription],
    timezone: str,
    change: Change,
    *,
    at: datetime,
) -> tuple[Subscription, list[Aggregate]]:
    """What `begin_subscription` answers, and all else that has changed. Other arguments as in `upgrade`.

    Args:
        plan: what the next one shall be on; where that is a copy for it alone, its amount tells which way it goes.
        terms: what else it shall have of its own.
    """
    current_plan = await ledger.load(Plan, current.plan_id)
    if plan.root_id == current_plan.root_id:
        return current, []
    details = change(handed_on(current.details))
    if current.status == "pending":
        named = replace(current.details, name=details.name or current.details.name)
        current.swap_plan(plan.id, plan.details.code, named, at=at)
        terms.set_units(current, at=at)
        return current, [plan]
    if details.ending_at != current.details.ending_at:
        details.check_end(timezone, at=at)
    if direction(current_plan.details, plan.details) == "upgrade":
        new, beside = await upgrade(ledger, current, plan, details, line, timezone, at=at)
        terms.set_units(new, at=at)
        # Unused days of a plan in advance, that of the upgrade included: the new plan's invoice uses them (7.6).
        return new, [*beside, *await credit_unused_days(ledger, current, at=at), plan]
    called_off = await call_off_downgrades(ledger, [current], at=at)
    following_one = following(current, plan, "downgrade", details, at=at)
    terms.set_units(following_one, at=at)
    current.schedule_downgrade(following_one.id, at=at)
    return current, [following_one, *called_off, plan]


async def upgrade(
    ledger: Ledger,
    current: Subscription,
    plan: Plan,
    details: SubscriptionDetails,
    line: Sequence[Subscription],
    timezone: str,
    *,
    at: datetime,
) -> tuple[Subscription, list[Aggregate]]:
    """End the current subscription for a new one on `plan`, at this instant; a downgrade that waits is off.

    Args:
        line: all of the customer under its external id: the trial began with the first.

    Returns:
        The new one, and all else that has changed; to be committed by one append.

    Source: invoicing-money 1.4, metering-pricing L2.
    """
    called_off = await call_off_downgrades(ledger, [current], at=at)
    new = following(current, plan, "upgrade", details, at=at)
    current.hand_over(new.id, "upgrade", at=at)
    activate(new, plan, timezone, started_at=at, earlier_starts=starts_of(line), at=at)
    return new, [current, *called_off]


async def reevaluate_downgrades(ledger: Ledger, plan: Plan, *, at: datetime) -> list[Aggregate]:
    """What a new price of `plan`, which is not appended yet, does to the downgrades that wait, from it or to it.

    Where the next plan costs no less any more in a year: one from it is off, one to it is done at once, as an upgrade.
    What these leave unused their workflows credit: several may stand on one invoice, which keeps its notes in a row.

    Returns:
        All that have changed.

    Source: invoicing-money 1.4.
    """
    pending = await ledger.find_all(Subscription, plan.organization_id, status="pending")
    waiting = {one.previous_subscription_id: one for one in pending if one.previous_subscription_id is not None}
    if not waiting:
        return []
    followed = await ledger.load_many(Subscription, sorted(filter(None, waiting)))
    pairs = [(one, waiting[one.id]) for one in followed if plan.id in (one.plan_id, waiting[one.id].plan_id)]
    if not pairs:
        return []
    plan_ids = {one.plan_id for pair in pairs for one in pair} - {plan.id}
    plans = {plan.id: plan, **{one.id: one for one in await ledger.load_many(Plan, sorted(plan_ids))}}
    organization = await ledger.load(Organization, plan.organization_id)

    async def reevaluate(current: Subscription, pending: Subscription) -> list[Aggregate]:
        if direction(plans[current.plan_id].details, plans[pending.plan_id].details) == "downgrade":
            return []
        if pending.plan_id == plan.id:
            new, beside = await _upgrade_to(ledger, organization, plan, current, pending.details, at=at)
            for own in pending.fixed_charge_units:
                new.set_fixed_charge_units(own.fixed_charge_id, own.change.units, immediately=False, at=at)
            return [new, *beside]
        for end in (current, pending):
            end.call_off_downgrade(at=at)
        return [current, pending]

    return [one for changed in await asyncio.gather(*(reevaluate(*pair) for pair in pairs)) for one in changed]


async def _upgrade_to(
    ledger: Ledger,
    organization: Organization,
    plan: Plan,
    current: Subscription,
    details: SubscriptionDetails,
    *,
    at: datetime,
) -> tuple[Subscription, list[Aggregate]]:
    customer, found = await asyncio.gather(
        ledger.load(Customer, current.customer_id),
        ledger.find_all(Subscription, organization.id, external_id=current.external_id),
    )
    line = [one for one in found if one.customer_id == customer.id]
    return await upgrade(ledger, current, plan, details, line, applicable_timezone(customer, organization), at=at)
