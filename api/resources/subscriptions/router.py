"""Subscriptions: begun, read, changed, ended.

Source: api-surface "Subscriptions", Q39, Q44.
"""

from __future__ import annotations

from datetime import datetime
from typing import get_args
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.fields import Fields
from api.idempotency import answers
from api.resources.customers.named import named_customer
from api.resources.organizations.entities import check_entities
from api.resources.plans.router import known_of, present_plan_of
from api.resources.subscriptions.overrides import read_overrides
from api.resources.subscriptions.schema import CREDIT_NOTE_MODES, INVOICE_MODES, read_change, read_new, read_plan_change
from api.routing import Resource
from api.tenant import Tenant
from domain.kernel.errors import NotFoundError
from domain.organizations.organization import Organization
from domain.subscriptions.commands import begin_subscription, terminate_subscription, update_subscription
from domain.subscriptions.overrides import Overrides, no_overrides
from domain.subscriptions.subscription import Status
from projections.presenters.subscriptions import present_subscription, present_whole_subscription
from projections.views import plans, subscriptions
from projections.views.reading import Doc, Where
from projections.views.subscriptions import SubscriptionView

router = Resource("subscriptions")

_STATUSES = frozenset(get_args(Status))


@router.post("/subscriptions")
async def post_subscription(call: Call) -> Json:
    """Begin a subscription, or change the plan of the one with this external id."""
    tenant, fields, at = call.tenant, call.fields("subscription"), await call.tenant.now()
    external_customer_id = fields.mandatory_text("external_customer_id")
    external_id = (fields.text("external_id") or "").strip()
    plan_code = fields.mandatory_text("plan_code")
    own = fields.object("plan_overrides")
    details = read_new(fields, at=at)
    plan = await plans.get(tenant.database, tenant.organization_id, plan_code) if own else None
    begun = await begin_subscription(
        tenant.ledger,
        await tenant.ledger.load(Organization, tenant.organization_id),
        external_customer_id=external_customer_id,
        plan_code=plan_code,
        external_id=external_id or None,
        details=details,
        change=lambda handed_on: read_plan_change(fields, handed_on),
        overrides=await _overrides(tenant, own, plan, at=at),
        at=at,
    )
    return await _body(tenant, begun.id)


@router.get("/subscriptions")
async def list_subscriptions(call: Call) -> Json:
    """Active ones, or those in the statuses asked for; the latest start first."""
    return await _list(call, _where_of(call))


@router.get("/customers/{external_customer_id}/subscriptions")
async def list_subscriptions_of_customer(call: Call) -> Json:
    """As above, of one customer."""
    customer_id, where = await named_customer(call), _where_of(call)
    where.add("subscriptions.customer_id = %(of_customer)s", of_customer=customer_id)
    return await _list(call, where)


def _where_of(call: Call) -> Where:
    """The conditions that the parameters ask for. Raises NotFoundError: `billing_entity_not_found`."""
    check_entities(call)
    where = Where()
    asked = call.texts("status")
    known = [status for status in asked if status in _STATUSES]
    if known or not asked:  # an unknown status makes the filter vanish
        where.add("subscriptions.status = any(%(statuses)s)", statuses=known or ["active"])
    if value := call.text("external_customer_id"):
        where.add("subscriptions.external_customer_id = %(external_customer_id)s", external_customer_id=value)
    if value := call.text("external_id"):
        where.add("subscriptions.external_id = %(external_id)s", external_id=value)
    if value := call.text("plan_code"):
        where.add("subscriptions.plan_code = %(plan_code)s", plan_code=value)
    if value := call.text("currency"):
        where.add("plans.doc->'details'->>'amount_currency' = %(currency)s", currency=value)
    if (overridden := call.boolean("overridden")) is not None:
        where.add("(plans.parent_id is not null) = %(overridden)s", overridden=overridden)
    return where


async def _list(call: Call, where: Where) -> Json:
    tenant, page, now = call.tenant, call.page, await call.tenant.now()
    views, total = await subscriptions.select(
        tenant.database, tenant.organization_id, where, limit=page.size, offset=page.offset
    )
    return listing("subscriptions", [present_subscription(view, now=now) for view in views], page, total)


@router.get("/subscriptions/{external_id}")
async def get_subscription(call: Call) -> Json:
    return await _present(call.tenant, await _find(call, "active"))


@router.put("/subscriptions/{external_id}")
async def put_subscription(call: Call) -> Json:
    """Change one; `status` tells which where several share the external id (invoicing-money 1.8)."""
    tenant, fields, at = call.tenant, call.fields("subscription"), await call.tenant.now()
    found = await _find(call, "active", "pending")
    own = fields.object("plan_overrides")
    updated = await update_subscription(
        tenant.ledger,
        await tenant.ledger.load(Organization, tenant.organization_id),
        UUID(found.subscription["id"]),
        lambda before: read_change(fields, before),
        overrides=await _overrides(tenant, own, found.plan, at=at),
        at=at,
    )
    return await _body(tenant, updated.id)


@router.delete("/subscriptions/{external_id}")
async def delete_subscription(call: Call) -> Json:
    """End the active one, or cancel the pending one with `status=pending`."""
    tenant, fields = call.tenant, Fields(call.parameters)
    credit_note = fields.choice("on_termination_credit_note", CREDIT_NOTE_MODES, code="invalid_value")
    invoice = fields.choice("on_termination_invoice", INVOICE_MODES, code="invalid_value")
    fields.check()
    found = await _find(call, "active")
    ended = await terminate_subscription(
        tenant.ledger,
        UUID(found.subscription["id"]),
        on_termination_credit_note=credit_note,
        on_termination_invoice=invoice,
        at=await tenant.now(),
    )
    return await _body(tenant, ended.id)


async def _find(call: Call, *statuses: str) -> SubscriptionView:
    """The one in the status that is asked for; where none is, in the first of `statuses` that any is in."""
    tenant, asked = call.tenant, call.text("status")
    for status in [asked] if asked else statuses:
        if status in _STATUSES:
            found = await subscriptions.get(
                tenant.database, tenant.organization_id, call.identifiers["external_id"], status
            )
            if found is not None:
                return found
    raise NotFoundError("subscription")


async def _overrides(tenant: Tenant, own: Fields | None, plan: Doc | None, *, at: datetime) -> Overrides:
    """What the body wants of its own for one subscription; `plan` is in force for it, None where there is no such."""
    if own is None:
        return no_overrides
    known = await known_of(tenant, own, plan)
    return lambda before: read_overrides(own, before, known, at=at)


@answers("subscription")
async def _body(tenant: Tenant, subscription_id: UUID) -> Json:
    view = await subscriptions.by_id(tenant.database, tenant.organization_id, subscription_id)
    assert view is not None, subscription_id
    return await _present(tenant, view)


async def _present(tenant: Tenant, view: SubscriptionView) -> Json:
    plan = await present_plan_of(tenant, view.plan)
    return {"subscription": present_whole_subscription(view, plan, now=await tenant.now())}
