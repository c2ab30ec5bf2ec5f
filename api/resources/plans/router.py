"""Plans with their charges, known by their code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.fields import Fields
from api.idempotency import answers
from api.resources.charges.known import Known, look_up
from api.resources.fixed_charges.known import KnownAddOn, look_up_add_ons
from api.resources.plans.schema import read_details
from api.routing import Resource
from api.tenant import Tenant
from domain.catalog.commands import create_plan, delete_plan, update_plan
from domain.catalog.plan import Plan
from domain.kernel.errors import NotFoundError
from projections import views
from projections.presenters.plans import Named, present_embedded_plan, present_listed_plan, present_whole_plan
from projections.views import add_ons, billable_metrics, plans, reading, taxes
from projections.views.reading import Doc

router = Resource("plans")

_Presenter = Callable[[Doc, Named, plans.PlanCounts], Json]


@router.post("/plans")
async def post_plan(call: Call) -> Json:
    """Create a plan, with its charges and fixed charges."""
    tenant, fields, at = call.tenant, call.fields("plan"), await call.tenant.now()
    known, sold = await _known(tenant, fields, None), await _add_ons(tenant, fields)
    details = read_details(fields, None, known, sold, subscribed=False, at=at)
    plan = await create_plan(tenant.ledger, tenant.organization_id, details, at=at)
    return await _body(tenant, plan)


@router.get("/plans")
async def list_plans(call: Call) -> Json:
    """List plans, the newest first."""
    tenant, page = call.tenant, call.page
    docs, total = await plans.select(tenant.database, tenant.organization_id, limit=page.size, offset=page.offset)
    return listing("plans", await _present(tenant, docs, present_listed_plan), page, total)


@router.get("/plans/{code:path}")
async def get_plan(call: Call) -> Json:
    """Read one plan."""
    doc = await _get(call.tenant, call.identifiers["code"])
    return {"plan": (await _present(call.tenant, [doc], present_whole_plan))[0]}


@router.put("/plans/{code:path}")
async def put_plan(call: Call) -> Json:
    """Change a plan; where the body has charges or fixed charges, those that it does not name are removed.

    With `cascade_updates` the copies that subscriptions have of their own follow.
    """
    tenant, code, fields = call.tenant, call.identifiers["code"], call.fields("plan")
    at, doc = await tenant.now(), await _get(tenant, code)
    known, sold = await _known(tenant, fields, doc), await _add_ons(tenant, fields)
    subscribed = await plans.is_subscribed(tenant.database, tenant.organization_id, doc["id"])
    plan = await update_plan(
        tenant.ledger,
        tenant.organization_id,
        code,
        lambda before: read_details(fields, before, known, sold, subscribed=subscribed, at=at),
        cascade=bool(fields.boolean("cascade_updates")),
        at=at,
    )
    return await _body(tenant, plan)


@router.delete("/plans/{code:path}")
async def remove_plan(call: Call) -> Json:
    """Remove a plan; its subscriptions end."""
    tenant = call.tenant
    plan = await delete_plan(tenant.ledger, tenant.organization_id, call.identifiers["code"], at=await tenant.now())
    return await _body(tenant, plan)


async def present_plan_of(tenant: Tenant, doc: Doc) -> Json:
    """A plan as it stands inside a subscription."""
    return (await _present(tenant, [doc], present_embedded_plan))[0]


async def _get(tenant: Tenant, code: str) -> Doc:
    doc = await plans.get(tenant.database, tenant.organization_id, code)
    if doc is None:
        raise NotFoundError("plan")
    return doc


async def _body(tenant: Tenant, plan: Plan) -> Json:
    return {"plan": (await _present(tenant, [views.document(plan)], present_whole_plan))[0]}


@answers("plan")
async def _again(tenant: Tenant, plan_id: UUID) -> Json:
    doc = await reading.by_id(tenant.database, tenant.organization_id, "plans", plan_id)
    assert doc is not None, plan_id
    return {"plan": (await _present(tenant, [doc], present_whole_plan))[0]}


async def _present(tenant: Tenant, docs: Sequence[Doc], presenter: _Presenter) -> list[Json]:
    """The plans with what they count and name, read once for all."""
    counts = await plans.counts(tenant.database, tenant.organization_id, [doc["id"] for doc in docs])
    charged = {UUID(charge["billable_metric_id"]) for doc in docs for charge in doc["details"]["charges"]}
    metrics = await billable_metrics.of_ids(tenant.database, tenant.organization_id, charged)
    codes = {metric["id"]: metric["details"]["code"] for metric in metrics.values()}
    sold = {UUID(fixed["add_on_id"]) for doc in docs for fixed in doc["details"]["fixed_charges"]}
    found = await add_ons.of_ids(tenant.database, tenant.organization_id, sold)
    tax_ids = (tax_id for doc in docs for part in _taxed(doc["details"]) for tax_id in part["tax_ids"])
    named = Named(
        codes,
        {str(add_on_id): add_on for add_on_id, add_on in found.items()},
        await taxes.of_ids(tenant.database, tenant.organization_id, tax_ids),
    )
    return [presenter(doc, named, counts[doc["id"]]) for doc in docs]


def _taxed(details: Doc) -> list[Doc]:
    """What of a plan may have taxes of its own."""
    commitment = details["minimum_commitment"]
    return [details, *details["charges"], *details["fixed_charges"], *([commitment] if commitment else [])]


async def _known(tenant: Tenant, fields: Fields, before: Doc | None) -> Known:
    """What the body and its charges name, and the metrics of those that are there."""
    charged = [UUID(charge["billable_metric_id"]) for charge in before["details"]["charges"]] if before else []
    commitment = fields.object("minimum_commitment")
    taxed = [fields, *([commitment] if commitment else []), *(fields.objects("fixed_charges") or [])]
    return await look_up(tenant, fields.objects("charges") or [], charged, taxed=taxed, metric="billable_metrics")


async def _add_ons(tenant: Tenant, fields: Fields) -> Mapping[UUID, KnownAddOn]:
    return await look_up_add_ons(tenant, fields.objects("fixed_charges") or [])
