"""What is done with fixed charges of plans, and with those in force for subscriptions.

Source: api-surface "Plans", "Subscriptions", 3.5; metering-pricing W1, W2, W10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

import msgspec

from api.call import Call
from api.envelope import Json, listing
from api.fields import Fields
from api.idempotency import command_id, new_id
from api.resources.charges.places import OfPlan, OfSubscription, Place, cascades, past_plans
from api.resources.fixed_charges.known import find_add_on
from api.resources.fixed_charges.schema import (
    applies_units_immediately,
    is_override,
    read_fixed_charge,
    read_new_fixed_charge,
    read_override,
    read_units,
)
from api.resources.taxes.named import named_taxes
from api.tenant import Tenant
from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import PlanDetails
from domain.subscriptions.overrides import override_fixed_charge
from projections import views
from projections.presenters.fixed_charges import own_units, present_fixed_charge
from projections.views import add_ons, subscriptions, taxes


async def list_fixed_charges(call: Call, place: Place) -> Json:
    """The newest first."""
    plan = await place.plan()
    listed = sorted(plan.details.fixed_charges, key=lambda fixed_charge: fixed_charge.created_at, reverse=True)
    page = call.page
    rows = await _present(call.tenant, page.of(listed), place.own_units)
    return listing("fixed_charges", rows, page, len(listed))


async def get_fixed_charge(call: Call, place: Place) -> Json:
    plan = await place.plan()
    return await _body(call.tenant, plan.details.fixed_charge(_code(call)), place.own_units)


async def post_fixed_charge(call: Call, place: OfPlan) -> Json:
    tenant, fields, fixed_charge_id = call.tenant, call.fields("fixed_charge"), new_id("fixed_charge")
    plan, at = await place.plan(), await tenant.now()
    add_on, named = await find_add_on(tenant, fields), await named_taxes(tenant, [fields])

    def add(before: PlanDetails) -> PlanDetails:
        taken = {fixed_charge.code for fixed_charge in before.fixed_charges}
        fixed_charge = read_new_fixed_charge(fields, fixed_charge_id, add_on, named, taken, at=at)
        if fixed_charge.code in taken:
            fields.refuse("code", "value_already_exist")
        fields.check()
        return replace(before, fixed_charges=(*before.fixed_charges, fixed_charge))

    changed = await place.update(plan, add, cascade=cascades(fields), at=at)
    return await _body(tenant, changed.details.fixed_charges[-1], place.own_units)


async def put_fixed_charge(call: Call, place: OfPlan) -> Json:
    tenant, fields, code = call.tenant, call.fields("fixed_charge"), _code(call)
    plan, at = await place.plan(), await tenant.now()
    fixed_charge_id = plan.details.fixed_charge(code).id
    named, subscribed = await named_taxes(tenant, [fields]), await place.is_subscribed(plan)

    def change(before: PlanDetails) -> PlanDetails:
        fixed_charge = read_fixed_charge(fields, before.fixed_charge(code), named, subscribed=subscribed, at=at)
        if any(fixed_charge.code == other.code for other in before.fixed_charges if other.id != fixed_charge.id):
            fields.refuse("code", "value_already_exist")
        fields.check()
        return before.with_fixed_charge(fixed_charge)

    changed = await place.update(plan, change, cascade=cascades(fields), at=at)
    changed_one = next(one for one in changed.details.fixed_charges if one.id == fixed_charge_id)
    return await _body(tenant, changed_one, place.own_units)


async def delete_fixed_charge(call: Call, place: OfPlan) -> Json:
    tenant, code = call.tenant, _code(call)
    plan = await place.plan()
    removed = plan.details.fixed_charge(code)

    def remove(before: PlanDetails) -> PlanDetails:
        gone = before.fixed_charge(code)
        return replace(before, fixed_charges=tuple(one for one in before.fixed_charges if one.id != gone.id))

    cascade = cascades(Fields(call.parameters).object("fixed_charge"))
    await place.update(plan, remove, cascade=cascade, at=await tenant.now())
    return await _body(tenant, removed, place.own_units)


async def override(call: Call, place: OfSubscription) -> Json:
    """Units are kept by the subscription; all else is changed in the copy that it has of its plan."""
    tenant, fields, code = call.tenant, call.fields("fixed_charge"), _code(call)
    plan, at = await place.plan(), await tenant.now()
    named = await named_taxes(tenant, [fields])
    units, immediately = read_units(fields), applies_units_immediately(fields)

    def change(before: PlanDetails) -> PlanDetails:
        fixed_charge = read_override(fields, before.fixed_charge(code), named, at=at)
        fields.check()
        return before.with_fixed_charge(fixed_charge)

    change(plan.details)  # a body that changes nothing but units is checked too
    subscription, in_force = await override_fixed_charge(
        tenant.ledger,
        place.subscription_id,
        code,
        change if is_override(fields) else None,
        units=units,
        immediately=immediately,
        at=at,
    )
    return await _body(tenant, in_force.details.fixed_charge(code), own_units(views.document(subscription)))


async def fixed_charge_again(call: Call, plan_id: UUID) -> Json:
    """The fixed charge that a command was about: as it is now, or as it last was."""
    code, made = call.identifiers.get("fixed_charge_code"), command_id(call, "fixed_charge")
    found = await _last(call.tenant, plan_id, lambda fixed_charge: fixed_charge.id == made or fixed_charge.code == code)
    return await _body(call.tenant, found, {})


async def override_again(call: Call, subscription_id: UUID) -> Json:
    """Likewise of a subscription."""
    tenant, code = call.tenant, _code(call)
    view = await subscriptions.by_id(tenant.database, tenant.organization_id, subscription_id)
    assert view is not None, subscription_id
    found = await _last(tenant, UUID(view.plan["id"]), lambda fixed_charge: fixed_charge.code == code)
    return await _body(tenant, found, own_units(view.subscription))


async def _last(tenant: Tenant, plan_id: UUID, is_meant: Callable[[FixedCharge], bool]) -> FixedCharge:
    past = [one for plan in await past_plans(tenant, plan_id) for one in plan.details.fixed_charges]
    meant = next(one.id for one in past if is_meant(one))
    return next(one for one in past if one.id == meant)


def _code(call: Call) -> str:
    return call.identifiers["fixed_charge_code"]


async def _body(tenant: Tenant, fixed_charge: FixedCharge, own: Mapping[str, str]) -> Json:
    return {"fixed_charge": (await _present(tenant, [fixed_charge], own))[0]}


async def _present(tenant: Tenant, fixed_charges: Sequence[FixedCharge], own: Mapping[str, str]) -> list[Json]:
    sold = await add_ons.of_ids(tenant.database, tenant.organization_id, [one.add_on_id for one in fixed_charges])
    named = (str(tax_id) for one in fixed_charges for tax_id in one.tax_ids)
    found = await taxes.of_ids(tenant.database, tenant.organization_id, named)
    return [
        present_fixed_charge(msgspec.to_builtins(one), sold[one.add_on_id], found, own_units=own.get(str(one.root_id)))
        for one in fixed_charges
    ]
