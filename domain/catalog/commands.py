"""What can be done with billable metrics, add-ons, plans and pricing units."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import TypeVar
from uuid import UUID

from domain.catalog.add_on import AddOn, AddOnDetails
from domain.catalog.billable_metric import BillableMetric, BillableMetricDetails
from domain.catalog.charge import ChargeFilter
from domain.catalog.override import cascaded
from domain.catalog.plan import Plan, PlanDetails
from domain.catalog.pricing_unit import PricingUnit, PricingUnitDetails
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ledger import Ledger
from domain.metering.matching import ALL_FILTER_VALUES
from domain.subscriptions.plan_change import reevaluate_downgrades
from domain.subscriptions.subscription import Subscription
from domain.subscriptions.succession import call_off_downgrades

A = TypeVar("A", AddOn, BillableMetric, Plan)


async def create_billable_metric(
    ledger: Ledger, organization_id: UUID, details: BillableMetricDetails, *, at: datetime
) -> BillableMetric:
    """Raises InvalidInputError where the code is taken, DuplicateError where that happened just now."""
    await _refuse_taken(ledger, BillableMetric, organization_id, details.code)
    metric = BillableMetric.begin(ids.new(), organization_id=organization_id, details=details, at=at)
    await ledger.append(metric)
    return metric


async def update_billable_metric(
    ledger: Ledger,
    organization_id: UUID,
    code: str,
    change: Callable[[BillableMetricDetails], BillableMetricDetails],
    *,
    plan_ids: Sequence[UUID],
    at: datetime,
) -> BillableMetric:
    """Change a metric. Once plans charge for it, only its name, description and filters change.

    Values that its filters declare no more vanish from the filters of charges.

    Args:
        plan_ids: of the plans that are not deleted and charge for it.

    Raises:
        NotFoundError: `billable_metric_not_found`.
        InvalidInputError: the new code is taken.

    Source: metering-pricing A2, F9.
    """
    metric = await _find(ledger, BillableMetric, organization_id, code)
    before, after = metric.details, change(metric.details)
    if plan_ids:
        after = replace(before, name=after.name, description=after.description, filters=after.filters)
    if after.code != before.code:
        await _refuse_taken(ledger, BillableMetric, organization_id, after.code)
    metric.update(after, at=at)
    plans: list[Plan] = []
    if after.filters != before.filters:
        declared = {declared.key: declared.values for declared in after.filters}
        plans = await ledger.load_many(Plan, plan_ids)
        for plan in plans:
            charges = tuple(
                replace(charge, filters=tuple(_trimmed(charge.filters, declared)))
                if charge.billable_metric_id == metric.id
                else charge
                for charge in plan.details.charges
            )
            plan.update(replace(plan.details, charges=charges), at=at)
    await ledger.append(metric, *plans)
    return metric


async def delete_billable_metric(
    ledger: Ledger, organization_id: UUID, code: str, *, plan_ids: Sequence[UUID], at: datetime
) -> BillableMetric:
    """Delete a metric, and the charges for it; its code is free again.

    Args:
        plan_ids: of the plans that are not deleted and charge for it.

    Raises:
        NotFoundError: `billable_metric_not_found`.
    """
    metric = await _find(ledger, BillableMetric, organization_id, code)
    metric.delete(at=at)
    plans = await ledger.load_many(Plan, plan_ids)
    for plan in plans:
        kept = tuple(charge for charge in plan.details.charges if charge.billable_metric_id != metric.id)
        plan.update(replace(plan.details, charges=kept), at=at)
    await ledger.append(metric, *plans)
    return metric


async def create_add_on(ledger: Ledger, organization_id: UUID, details: AddOnDetails, *, at: datetime) -> AddOn:
    """Raises InvalidInputError where the code is taken, DuplicateError where that happened just now."""
    await _refuse_taken(ledger, AddOn, organization_id, details.code)
    add_on = AddOn.begin(ids.new(), organization_id=organization_id, details=details, at=at)
    await ledger.append(add_on)
    return add_on


async def update_add_on(
    ledger: Ledger,
    organization_id: UUID,
    code: str,
    change: Callable[[AddOnDetails], AddOnDetails],
    *,
    at: datetime,
) -> AddOn:
    """Change an add-on; fixed charges have it as it is now, but keep their codes.

    Raises:
        NotFoundError: `add_on_not_found`.
        InvalidInputError: the new code is taken.
    """
    add_on = await _find(ledger, AddOn, organization_id, code)
    details = change(add_on.details)
    if details.code != add_on.details.code:
        await _refuse_taken(ledger, AddOn, organization_id, details.code)
    add_on.update(details, at=at)
    await ledger.append(add_on)
    return add_on


async def delete_add_on(ledger: Ledger, organization_id: UUID, code: str, *, at: datetime) -> AddOn:
    """Delete an add-on; its code is free again. Fixed charges for it go on: only new ones are refused.

    Raises:
        NotFoundError: `add_on_not_found`.
    """
    add_on = await _find(ledger, AddOn, organization_id, code)
    add_on.delete(at=at)
    await ledger.append(add_on)
    return add_on


async def create_plan(ledger: Ledger, organization_id: UUID, details: PlanDetails, *, at: datetime) -> Plan:
    """Raises InvalidInputError where the code is taken, DuplicateError where that happened just now."""
    await _refuse_taken(ledger, Plan, organization_id, details.code)
    plan = Plan.begin(ids.new(), organization_id=organization_id, parent_id=None, details=details, at=at)
    await ledger.append(plan)
    return plan


async def update_plan(
    ledger: Ledger,
    organization_id: UUID,
    code: str,
    change: Callable[[PlanDetails], PlanDetails],
    *,
    cascade: bool = False,
    at: datetime,
) -> Plan:
    """Change a plan: `change` turns the details of before into the new. Invoices to come follow it.

    With another price downgrades that wait are looked at again (`reevaluate_downgrades`).

    Args:
        cascade: whether the change reaches the copies that subscriptions have of their own (`override.cascaded`).

    Raises:
        NotFoundError: `plan_not_found`.
        InvalidInputError: the new code is taken.
    """
    plan = await _find(ledger, Plan, organization_id, code)
    before, details = plan.details, change(plan.details)
    if details.code != before.code:
        await _refuse_taken(ledger, Plan, organization_id, details.code)
    plan.update(details, at=at)
    copies = await ledger.find_all(Plan, organization_id, parent_id=str(plan.id)) if cascade else []
    for own, subscriptions in zip(copies, await _subscriptions(ledger, copies), strict=True):
        units = {units.fixed_charge_id: units.change.units for one in subscriptions for units in one.fixed_charge_units}
        own.update(cascaded(before, details, own.details, own.id, units), at=at)
    repriced = (details.amount_cents, details.interval) != (before.amount_cents, before.interval)
    changed = await reevaluate_downgrades(ledger, plan, at=at) if repriced else []
    await ledger.append(plan, *copies, *changed)
    return plan


async def delete_plan(ledger: Ledger, organization_id: UUID, code: str, *, at: datetime) -> Plan:
    """Delete a plan; its code is free again. Its subscriptions end now, and their workflows bill them.

    Raises:
        NotFoundError: `plan_not_found`.

    Source: invoicing-money 1.9.
    """
    plan = await _find(ledger, Plan, organization_id, code)
    copies = await ledger.find_all(Plan, organization_id, parent_id=str(plan.id))
    subscriptions = list(chain.from_iterable(await _subscriptions(ledger, [plan, *copies])))
    for one in (plan, *copies):
        one.delete(at=at)
    called_off = await call_off_downgrades(ledger, subscriptions, at=at)
    for subscription in subscriptions:
        subscription.terminate(subscription.details, terminated_at=at, at=at)
    await ledger.append(plan, *copies, *subscriptions, *called_off)
    return plan


async def create_pricing_unit(
    ledger: Ledger, organization_id: UUID, details: PricingUnitDetails, *, at: datetime
) -> PricingUnit:
    """Raises InvalidInputError where the code is taken, DuplicateError where that happened just now."""
    await _refuse_taken(ledger, PricingUnit, organization_id, details.code)
    unit = PricingUnit.begin(ids.new(), organization_id=organization_id, details=details, at=at)
    await ledger.append(unit)
    return unit


def _trimmed(filters: Iterable[ChargeFilter], declared: Mapping[str, Sequence[str]]) -> Iterable[ChargeFilter]:
    """The filters with declared values only; one that is left without values goes (metering-pricing F9)."""
    for filter_ in filters:
        values = {
            key: kept
            for key, wanted in filter_.values.items()
            if key in declared
            and (kept := tuple(value for value in wanted if value == ALL_FILTER_VALUES or value in declared[key]))
        }
        if values:
            yield replace(filter_, values=values)


async def _subscriptions(ledger: Ledger, plans: Sequence[Plan]) -> list[list[Subscription]]:
    """Of each plan its subscriptions; what is asked for at once is one query."""
    return await asyncio.gather(
        *(ledger.find_all(Subscription, plan.organization_id, plan_id=str(plan.id)) for plan in plans)
    )


async def _find(ledger: Ledger, kind: type[A], organization_id: UUID, code: str) -> A:
    found = await ledger.find(kind, organization_id, code=code)
    if found is None:
        raise NotFoundError(str(kind.TOPIC))
    return found


async def _refuse_taken(
    ledger: Ledger, kind: type[AddOn | BillableMetric | Plan | PricingUnit], organization_id: UUID, code: str
) -> None:
    if await ledger.find(kind, organization_id, code=code) is not None:
        raise InvalidInputError({"code": ["value_already_exist"]})
