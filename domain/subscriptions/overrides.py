"""Prices and units of one subscription alone.

Source: metering-pricing F11, W2; invoicing-money 1.2, 1.8.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.override import copied
from domain.catalog.plan import Plan, PlanDetails
from domain.invoicing.billing_case import starts_before
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotAllowedError
from domain.kernel.ledger import Ledger
from domain.subscriptions.subscription import Subscription
from domain.subscriptions.trial import in_trial, trial_end_at

Change = Callable[[PlanDetails], PlanDetails]
"""From the details in force to the new ones, by the ids of before; in a new copy those of charges change (`copied`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUnits:
    """Units of a fixed charge, from now or the next period on; `fixed_charge_id` is `FixedCharge.root_id`."""

    fixed_charge_id: UUID
    units: Decimal
    immediately: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTerms:
    """What one subscription shall have of its own.

    Attributes:
        details: of a copy of its plan, by the ids of before; None where it needs none.
        units: of fixed charges. They need no copy: the subscription keeps them.
    """

    details: PlanDetails | None = None
    units: tuple[SetUnits, ...] = ()

    def plan(self, plan: Plan, *, at: datetime) -> Plan:
        """What a subscription to the plan begins on: the plan, or a copy of it."""
        return plan if self.details is None else _copy(plan, self.details, at=at)

    def set_units(self, subscription: Subscription, *, at: datetime) -> None:
        for one in self.units:
            subscription.set_fixed_charge_units(one.fixed_charge_id, one.units, immediately=one.immediately, at=at)


Overrides = Callable[[PlanDetails], OwnTerms]
"""From the details in force to what a subscription shall have of its own."""


def no_overrides(details: PlanDetails) -> OwnTerms:
    return OwnTerms()


async def override(ledger: Ledger, subscription: Subscription, plan: Plan, terms: OwnTerms, *, at: datetime) -> Plan:
    """Give a subscription that lives terms of its own: the first time its plan is copied, then the copy changes.

    Returns:
        The plan that is in force for it then; to be appended with the subscription.

    Raises:
        NotAllowedError: `subscription_not_active`, it has ended.
        InvalidInputError: what no longer changes once it has begun, see `_check_begun`.
    """
    terms.set_units(subscription, at=at)
    if terms.details is None:
        return plan
    if subscription.started_at is not None:
        await _check_begun(ledger, subscription, plan, terms.details, at=at)
    if plan.parent_id is not None:
        plan.update(terms.details, at=at)
        return plan
    own = _copy(plan, terms.details, at=at)
    subscription.override_plan(own.id, at=at)
    return own


async def override_plan(ledger: Ledger, subscription_id: UUID, change: Change, *, at: datetime) -> Plan:
    """Change the plan of one subscription.

    Returns:
        Its copy of the plan.

    Raises:
        NotAllowedError, InvalidInputError: as `override`.
    """
    subscription, plan = await _living(ledger, subscription_id)
    own = await override(ledger, subscription, plan, OwnTerms(details=change(plan.details)), at=at)
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
    """Change a fixed charge of one subscription.

    Args:
        code: of the fixed charge that is in force for it.
        change: what else is changed, as in `override_plan`.
        units: its own from now on, from now or the next period on; None leaves them alone.

    Returns:
        The subscription, and the plan that is in force for it.

    Raises:
        NotAllowedError, InvalidInputError: as `override`.
        NotFoundError: `fixed_charge_not_found`.
    """
    subscription, plan = await _living(ledger, subscription_id)
    root_id = plan.details.fixed_charge(code).root_id
    terms = OwnTerms(
        details=None if change is None else change(plan.details),
        units=() if units is None else (SetUnits(fixed_charge_id=root_id, units=units, immediately=immediately),),
    )
    plan = await override(ledger, subscription, plan, terms, at=at)
    await ledger.append(subscription, plan)
    return subscription, plan


async def _living(ledger: Ledger, subscription_id: UUID) -> tuple[Subscription, Plan]:
    subscription = await ledger.load(Subscription, subscription_id)
    if subscription.status not in ("pending", "active"):
        raise NotAllowedError("subscription_not_active")
    return subscription, await ledger.load(Plan, subscription.plan_id)


def _copy(plan: Plan, details: PlanDetails, *, at: datetime) -> Plan:
    own_id = ids.new()
    return Plan.begin(
        own_id,
        organization_id=plan.organization_id,
        parent_id=plan.id,
        details=copied(details, own_id),
        at=at,
    )


async def _check_begun(
    ledger: Ledger, subscription: Subscription, plan: Plan, details: PlanDetails, *, at: datetime
) -> None:
    """Refuse what would bill days twice, or add up amounts of two currencies.

    The currency stays, and a trial may only be made longer, while it runs: its end is when the plan's amount is first
    owed, and that it was owed is never taken back.
    """
    wrong: dict[str, list[str]] = {}
    if details.amount_currency != plan.details.amount_currency:
        wrong["amount_currency"] = ["currencies_does_not_match"]
    if details.trial_period != plan.details.trial_period:
        starts = await starts_before(ledger, subscription, plan)
        ends_at = trial_end_at(plan.details.trial_period, starts, subscription.details.subscription_at)
        if details.trial_period < plan.details.trial_period or not in_trial(at, ends_at):
            wrong["trial_period"] = ["value_is_out_of_range"]
    if wrong:
        raise InvalidInputError(wrong)
