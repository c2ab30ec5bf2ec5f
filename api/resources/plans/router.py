"""Plans with their charges, known by their code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.fields import Fields
from api.idempotency import answers
from api.resources.charges.known import Known, look_up
from api.resources.plans.schema import read_details
from api.routing import Resource
from api.tenant import Tenant
from domain.catalog.commands import create_plan, delete_plan, update_plan
from domain.catalog.plan import Plan
from domain.kernel.errors import NotFoundError
from projections import views
from projections.presenters.plans import present_embedded_plan, present_listed_plan, present_whole_plan
from projections.views import billable_metrics, plans, reading, taxes
from projections.views.reading import Doc
from projections.views.taxes import TaxView

router = Resource("plans")

_Presenter = Callable[[Doc, dict[str, str], dict[str, TaxView], plans.PlanCounts], Json]


@router.post("/plans")
async def post_plan(call: Call) -> Json:
    """Create a plan, with its charges."""
    tenant, fields, at = call.tenant, call.fields("plan"), await call.tenant.now()
    known = await _known(tenant, fields, None)
    details = read_details(fields, None, known, subscribed=False, at=at)
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
    """Change a plan; where the body has charges, those that it does not name are removed.

    With `cascade_updates` the copies that subscriptions have of their own follow.
    """
    tenant, code, fields = call.tenant, call.identifiers["code"], call.fields("plan")
    at, doc = await tenant.now(), await _get(tenant, code)
    known = await _known(tenant, fields, doc)
    subscribed = await plans.is_subscribed(tenant.database, tenant.organization_id, doc["id"])
    plan = await update_plan(
        tenant.ledger,
        tenant.organization_id,
        code,
        lambda before: read_details(fields, before, known, subscribed=subscribed, at=at),
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
    """The plans with what they count, whose metrics they charge for and their taxes, read once for all."""
    counts = await plans.counts(tenant.database, tenant.organization_id, [doc["id"] for doc in docs])
    charged = {UUID(charge["billable_metric_id"]) for doc in docs for charge in doc["details"]["charges"]}
    metrics = await billable_metrics.of_ids(tenant.database, tenant.organization_id, charged)
    codes = {metric["id"]: metric["details"]["code"] for metric in metrics.values()}
    taxed = [part for doc in docs for part in (doc["details"], *doc["details"]["charges"])]
    named = (tax_id for part in taxed for tax_id in part["tax_ids"])
    found = await taxes.of_ids(tenant.database, tenant.organization_id, named)
    return [presenter(doc, codes, found, counts[doc["id"]]) for doc in docs]


async def _known(tenant: Tenant, fields: Fields, before: Doc | None) -> Known:
    """What the body and its charges name, and the metrics of those that are there."""
    charged = [UUID(charge["billable_metric_id"]) for charge in before["details"]["charges"]] if before else []
    return await look_up(tenant, fields.objects("charges") or [], charged, taxed=[fields], metric="billable_metrics")
