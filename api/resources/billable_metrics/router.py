"""Billable metrics, known by their code."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.fields import Fields
from api.idempotency import answers
from api.resources.billable_metrics.schema import read_details
from api.resources.events.sample import read_sample
from api.routing import Resource
from api.tenant import Tenant
from domain.catalog.billable_metric import BillableMetric
from domain.catalog.commands import create_billable_metric, delete_billable_metric, update_billable_metric
from domain.kernel.decimals import wire
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.metering.expression import EvaluationError, InvalidExpressionError, parse
from domain.organizations.organization import Organization
from projections import views
from projections.presenters.billable_metrics import present_billable_metric, present_shown_billable_metric
from projections.views import billable_metrics, plans, reading

router = Resource("billable_metrics")


@router.post("/billable_metrics")
async def post_billable_metric(call: Call) -> Json:
    """Create a billable metric."""
    tenant = call.tenant
    fields = call.fields("billable_metric")
    details = read_details(fields, may_be_custom=await _may_be_custom(tenant))
    metric = await create_billable_metric(tenant.ledger, tenant.organization_id, details, at=await tenant.now())
    return _changed(call, metric)


@router.post("/billable_metrics/evaluate_expression")
async def evaluate_expression(call: Call) -> Json:
    """Compute an expression of a sample event; a number is answered as a decimal string, as events keep it.

    Source: metering-pricing E6, E19.
    """
    source, at = call.text("expression"), await call.tenant.now()
    if source is None or not source.strip():
        raise InvalidInputError({"expression": ["value_is_mandatory"]})
    try:
        expression = parse(source)
    except InvalidExpressionError:
        raise InvalidInputError({"expression": ["invalid_expression"]}) from None
    sample = call.parameters.get("event")
    try:
        event = read_sample(Fields(sample if isinstance(sample, dict) else {}), at=at)
        value = expression.evaluate(code=event.code, at=event.timestamp, properties=event.properties)
    except (EvaluationError, InvalidInputError):
        raise InvalidInputError({"event": ["invalid_event"]}) from None
    return {"expression_result": {"value": wire(value) if isinstance(value, Decimal) else value}}


@router.get("/billable_metrics")
async def list_billable_metrics(call: Call) -> Json:
    """List billable metrics, the newest first."""
    tenant, page = call.tenant, call.page
    docs, total = await billable_metrics.select(
        tenant.database, tenant.organization_id, limit=page.size, offset=page.offset
    )
    return listing("billable_metrics", [present_billable_metric(doc) for doc in docs], page, total)


@router.get("/billable_metrics/{code:path}")
async def get_billable_metric(call: Call) -> Json:
    """Read one billable metric."""
    doc = await billable_metrics.get(call.tenant.database, call.tenant.organization_id, call.identifiers["code"])
    if doc is None:
        raise NotFoundError("billable_metric")
    return {"billable_metric": present_shown_billable_metric(doc)}


@router.put("/billable_metrics/{code:path}")
async def put_billable_metric(call: Call) -> Json:
    """Change a billable metric; once plans charge for it, only its name, description and filters."""
    tenant, code, fields = call.tenant, call.identifiers["code"], call.fields("billable_metric")
    may_be_custom, plan_ids = await _may_be_custom(tenant), await _plan_ids(tenant, code)
    metric = await update_billable_metric(
        tenant.ledger,
        tenant.organization_id,
        code,
        lambda before: read_details(fields, before, may_be_custom=may_be_custom, charged=bool(plan_ids)),
        plan_ids=plan_ids,
        at=await tenant.now(),
    )
    return _changed(call, metric)


@router.delete("/billable_metrics/{code:path}")
async def remove_billable_metric(call: Call) -> Json:
    """Remove a billable metric, and the charges for it from all plans."""
    tenant, code = call.tenant, call.identifiers["code"]
    metric = await delete_billable_metric(
        tenant.ledger,
        tenant.organization_id,
        code,
        plan_ids=await _plan_ids(tenant, code),
        at=await tenant.now(),
    )
    return _changed(call, metric)


async def _may_be_custom(tenant: Tenant) -> bool:
    return (await tenant.ledger.load(Organization, tenant.organization_id)).details.custom_aggregation


async def _plan_ids(tenant: Tenant, code: str) -> list[UUID]:
    """Of the plans that charge for the metric with this code; the command says so where there is none."""
    doc = await billable_metrics.get(tenant.database, tenant.organization_id, code)
    return [] if doc is None else await plans.ids_of_metric(tenant.database, tenant.organization_id, doc["id"])


def _changed(call: Call, metric: BillableMetric) -> Json:
    call.services.expressions.forget(call.tenant.organization_id)
    return {"billable_metric": present_billable_metric(views.document(metric))}


@answers("billable_metric")
async def _again(tenant: Tenant, metric_id: UUID) -> Json:
    doc = await reading.by_id(tenant.database, tenant.organization_id, "billable_metrics", metric_id)
    assert doc is not None, metric_id
    return {"billable_metric": present_billable_metric(doc)}
