"""What is done with charges and their filters, the same wherever they are.

Source: api-surface "Plans", "Subscriptions", 3.5; metering-pricing F2, F11, M7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import msgspec

from api.call import Call
from api.envelope import Json, listing
from api.fields import Fields
from api.idempotency import command_id, new_id
from api.resources.charges.known import look_up
from api.resources.charges.places import Place, cascades, past_plans
from api.resources.charges.schema import read_filter, read_new_charge
from api.tenant import Tenant
from domain.catalog.charge import Charge, ChargeFilter
from domain.catalog.override import copied_filter_id
from domain.catalog.plan import PlanDetails
from domain.kernel.errors import NotFoundError
from projections.presenters.charges import present_charge, present_charge_filter
from projections.views import billable_metrics, taxes


async def list_charges(call: Call, place: Place) -> Json:
    """The newest first."""
    plan = await place.plan()
    charges = sorted(plan.details.charges, key=lambda charge: charge.created_at, reverse=True)
    page = call.page
    return listing("charges", await _present(call.tenant, page.of(charges)), page, len(charges))


async def get_charge(call: Call, place: Place) -> Json:
    plan = await place.plan()
    return await _body(call.tenant, plan.details.charge(call.identifiers["charge_code"]))


async def post_charge(call: Call, place: Place) -> Json:
    tenant, fields, charge_id = call.tenant, call.fields("charge"), new_id("charge")
    plan, at = await place.plan(), await tenant.now()
    if fields.values.get("billable_metric_id") is None:
        raise NotFoundError("billable_metric")
    known = await look_up(tenant, [fields])

    def add(before: PlanDetails) -> PlanDetails:
        taken = {charge.code for charge in before.charges}
        charge = read_new_charge(fields, charge_id, known, taken, at=at)
        if charge.code in taken:
            fields.refuse("code", "value_already_exist")
        fields.check()
        return replace(before, charges=(*before.charges, charge))

    changed = await place.update(plan, add, cascade=cascades(fields), at=at)
    return await _body(tenant, changed.details.charges[-1])


async def put_charge(call: Call, place: Place) -> Json:
    tenant, fields, code = call.tenant, call.fields("charge"), call.identifiers["charge_code"]
    plan, at = await place.plan(), await tenant.now()
    old = plan.details.charge(code)
    known, read = await look_up(tenant, [fields], [old.billable_metric_id]), await place.reader(plan)
    new_code = code

    def change(before: PlanDetails) -> PlanDetails:
        nonlocal new_code
        old = before.charge(code)
        charge = read(fields, old, known, at)
        if any(charge.code == other.code for other in before.charges if other.id != old.id):
            fields.refuse("code", "value_already_exist")
        fields.check()
        new_code = charge.code
        return before.with_charge(charge)

    changed = await place.update(plan, change, cascade=cascades(fields), at=at)
    return await _body(tenant, changed.details.charge(new_code))


async def delete_charge(call: Call, place: Place) -> Json:
    tenant, code = call.tenant, call.identifiers["charge_code"]
    plan = await place.plan()
    removed = plan.details.charge(code)

    def remove(before: PlanDetails) -> PlanDetails:
        gone = before.charge(code)
        return replace(before, charges=tuple(charge for charge in before.charges if charge.id != gone.id))

    cascade = cascades(Fields(call.parameters).object("charge"))
    await place.update(plan, remove, cascade=cascade, at=await tenant.now())
    return await _body(tenant, removed)


async def list_filters(call: Call, place: Place) -> Json:
    """In the order of the charge."""
    charge = (await place.plan()).details.charge(call.identifiers["charge_code"])
    page = call.page
    rows = [_filter(charge, filter_) for filter_ in page.of(charge.filters)]
    return listing("filters", rows, page, len(charge.filters))


async def get_filter(call: Call, place: Place) -> Json:
    charge = (await place.plan()).details.charge(call.identifiers["charge_code"])
    return _filter_body(charge, charge.filter(call.uuid("filter_id", "charge_filter")))


async def post_filter(call: Call, place: Place) -> Json:
    return await _write_filter(call, place, is_new=True)


async def put_filter(call: Call, place: Place) -> Json:
    return await _write_filter(call, place, is_new=False)


async def delete_filter(call: Call, place: Place) -> Json:
    code, plan = call.identifiers["charge_code"], await place.plan()
    charge, filter_id = plan.details.charge(code), call.uuid("filter_id", "charge_filter")
    removed = charge.filter(filter_id)

    def remove(before: PlanDetails) -> PlanDetails:
        charge = before.charge(code)
        gone = charge.filter(filter_id)
        kept = tuple(filter_ for filter_ in charge.filters if filter_ is not gone)
        return before.with_charge(replace(charge, filters=kept))

    cascade = cascades(Fields(call.parameters).object("filter"))
    await place.update(plan, remove, cascade=cascade, at=await call.tenant.now())
    return _filter_body(charge, removed)


async def charge_again(call: Call, plan_id: UUID) -> Json:
    """The charge that a command was about: as it is now, or as it last was."""
    code, made = call.identifiers.get("charge_code"), command_id(call, "charge")
    past = [charge for plan in await past_plans(call.tenant, plan_id) for charge in plan.details.charges]
    meant = next(charge.id for charge in past if charge.id == made or charge.code == code)
    return await _body(call.tenant, next(charge for charge in past if charge.id == meant))


async def filter_again(call: Call, plan_id: UUID) -> Json:
    """Likewise the filter."""
    asked = call.identifiers.get("filter_id")
    filter_id = command_id(call, "charge_filter") if asked is None else UUID(asked)
    for plan in await past_plans(call.tenant, plan_id):
        for charge in plan.details.charges:
            for filter_ in charge.filters:
                if filter_.id in (filter_id, copied_filter_id(filter_id, plan.id)):
                    return _filter_body(charge, filter_)
    raise NotFoundError("charge_filter")


async def _write_filter(call: Call, place: Place, *, is_new: bool) -> Json:
    tenant, fields, code = call.tenant, call.fields("filter"), call.identifiers["charge_code"]
    plan, at = await place.plan(), await tenant.now()
    charge = plan.details.charge(code)
    filter_id = new_id("charge_filter") if is_new else charge.filter(call.uuid("filter_id", "charge_filter")).id
    known = await look_up(tenant, [], [charge.billable_metric_id])

    def write(before: PlanDetails) -> PlanDetails:
        charge = before.charge(code)
        old = None if is_new else charge.filter(filter_id)
        metric = known.metric(charge)
        made_at = ChargeFilter.made_at(at, charge.filters)
        new = replace(read_filter(fields, old, charge, metric, at=made_at), id=filter_id)
        fields.check()
        if new == old:
            return before
        others = (filter_ for filter_ in charge.filters if filter_ is not old)
        return before.with_charge(replace(charge, filters=(*others, new)))  # in the order of their last change (F6)

    changed = await place.update(plan, write, cascade=cascades(fields), at=at)
    charge = changed.details.charge(code)
    ids_of_it = (filter_id, copied_filter_id(filter_id, changed.id))
    return _filter_body(charge, next(filter_ for filter_ in charge.filters if filter_.id in ids_of_it))


async def _body(tenant: Tenant, charge: Charge) -> Json:
    return {"charge": (await _present(tenant, [charge]))[0]}


async def _present(tenant: Tenant, charges: Sequence[Charge]) -> list[Json]:
    metrics = await billable_metrics.of_ids(
        tenant.database, tenant.organization_id, [charge.billable_metric_id for charge in charges]
    )
    named = (str(tax_id) for charge in charges for tax_id in charge.tax_ids)
    found = await taxes.of_ids(tenant.database, tenant.organization_id, named)
    return [
        present_charge(msgspec.to_builtins(charge), metrics[charge.billable_metric_id]["details"]["code"], found)
        for charge in charges
    ]


def _filter_body(charge: Charge, filter_: ChargeFilter) -> Json:
    return {"filter": _filter(charge, filter_)}


def _filter(charge: Charge, filter_: ChargeFilter) -> Json:
    return present_charge_filter(msgspec.to_builtins(filter_), charge.code)
