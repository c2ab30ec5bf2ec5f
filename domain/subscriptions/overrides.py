"""Prices and units of one subscription alone.

Source: metering-pricing F11, W2; invoicing-money 1.8.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.override import copied
from domain.catalog.plan import Plan, PlanDetails
from domain.kernel import ids
from domain.kernel.errors import NotAllowedError
from domain.kernel.ledger import Ledger
from domain.subscriptions.subscription import Subscription

Change = Callable[[PlanDetails], PlanDetails]
"""From the details in force to the new ones, by the ids of before; in a new copy those of charges change (`copied`)."""


async def override_plan(ledger: Ledger, subscription_id: UUID, change: Change, *, at: datetime) -> Plan:
    """Change the plan of one subscription: the first time the plan is copied for it, then it is the copy that changes.

    Returns:
        The copy.

    Raises:
        NotAllowedError: `subscription_not_active`, it has ended.
    """
    subscription, plan = await _living(ledger, subscription_id)
    own = _overridden(subscription, plan, change(plan.details), at=at)
    await ledger.append(own, subscription)
    return own


async def override_fixed_charge(
    ledger: Ledger,
    subscription_id: UUID,
    code: str,
    change: Change | None,
    *,
    units: Decimal | None,
    immediately: bool,
    at: datetime,
) -> tuple[Subscription, Plan]:
    """Change a fixed charge of one subscription. Its units need no copy of the plan: the subscription keeps them.

    Args:
        code: of the fixed charge that is in force for it.
        change: what else is changed, as in `override_plan`.
        units: its own from now on, from now or the next period on; None leaves them alone.

    Returns:
        The subscription, and the plan that is in force for it.

    Raises:
        NotAllowedError: `subscription_not_active`, it has ended.
        NotFoundError: `fixed_charge_not_found`.
    """
    subscription, plan = await _living(ledger, subscription_id)
    fixed_charge = plan.details.fixed_charge(code)
    if units is not None:
        subscription.set_fixed_charge_units(fixed_charge.root_id, units, immediately=immediately, at=at)
    if change is not None:
        plan = _overridden(subscription, plan, change(plan.details), at=at)
    await ledger.append(subscription, plan)
    return subscription, plan


async def _living(ledger: Ledger, subscription_id: UUID) -> tuple[Subscription, Plan]:
    subscription = await ledger.load(Subscription, subscription_id)
    if subscription.status not in ("pending", "active"):
        raise NotAllowedError("subscription_not_active")
    return subscription, await ledger.load(Plan, subscription.plan_id)


def _overridden(subscription: Subscription, plan: Plan, details: PlanDetails, *, at: datetime) -> Plan:
    """The copy with these details, made where there is none."""
    if plan.parent_id is not None:
        plan.update(details, at=at)
        return plan
    own_id = ids.new()
    own = Plan.begin(
        own_id,
        organization_id=plan.organization_id,
        parent_id=plan.id,
        details=copied(details, own_id),
        at=at,
    )
    subscription.override_plan(own.id, at=at)
    return own
