"""Prices of one subscription alone.

Source: metering-pricing F11; invoicing-money 1.8.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from domain.catalog.override import copied
from domain.catalog.plan import Plan, PlanDetails
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.subscriptions.subscription import Subscription


async def override_plan(
    ledger: Ledger, subscription_id: UUID, change: Callable[[PlanDetails], PlanDetails], *, at: datetime
) -> Plan:
    """Change the plan of one subscription: the first time the plan is copied for it, then it is the copy that changes.

    Args:
        change: from the details that are in force for it to the new ones, by the ids of before. In a new copy those of
            charges and filters are others (`copied`).

    Returns:
        The copy.

    Raises:
        NotAllowedError: `subscription_not_active`, it has ended.
    """
    subscription = await ledger.load(Subscription, subscription_id)
    plan = await ledger.load(Plan, subscription.plan_id)
    details = change(plan.details)
    if plan.parent_id is not None:
        plan.update(details, at=at)
        await ledger.append(plan)
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
    await ledger.append(own, subscription)
    return own
