"""Customers, known by the id that the client gave them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.idempotency import answers
from api.resources.customers.schema import read_details, read_filter
from api.resources.taxes.named import named_taxes
from api.routing import Resource
from api.tenant import Tenant
from domain.customers.commands import delete_customer, upsert_customer
from domain.kernel.errors import NotFoundError
from projections import views
from projections.presenters.customers import present_listed_customer, present_whole_customer
from projections.views import customers, reading, taxes
from projections.views.reading import Doc
from projections.views.taxes import TaxView

router = Resource("customers")


@router.post("/customers")
async def post_customer(call: Call) -> Json:
    """Create a customer, or change the one with this external id; keys that are absent are left alone."""
    tenant, fields = call.tenant, call.fields("customer")
    at = await tenant.now()
    external_id = fields.mandatory_text("external_id")
    fields.check()
    customer = await upsert_customer(
        tenant.ledger,
        tenant.organization_id,
        external_id,
        read_details(fields, await named_taxes(tenant, [fields]), at=at),
        is_billed=partial(customers.is_billed, tenant.database, tenant.organization_id),
        at=at,
    )
    return await _body(tenant, views.document(customer))


@router.get("/customers")
async def list_customers(call: Call) -> Json:
    """List customers, the newest first."""
    tenant, page = call.tenant, call.page
    docs, total = await customers.select(
        tenant.database, tenant.organization_id, read_filter(call), limit=page.size, offset=page.offset
    )
    found = await _taxes(tenant, docs)
    rows = [present_listed_customer(doc, tenant.organization, found) for doc in docs]
    return listing("customers", rows, page, total)


@router.get("/customers/{external_customer_id}")
async def get_customer(call: Call) -> Json:
    """Read one customer."""
    doc = await customers.get(
        call.tenant.database, call.tenant.organization_id, call.identifiers["external_customer_id"]
    )
    if doc is None:
        raise NotFoundError("customer")
    return await _body(call.tenant, doc)


@router.delete("/customers/{external_customer_id}")
async def remove_customer(call: Call) -> Json:
    """Remove a customer softly: what was billed stays."""
    tenant = call.tenant
    customer = await delete_customer(
        tenant.ledger, tenant.organization_id, call.identifiers["external_customer_id"], at=await tenant.now()
    )
    return await _body(tenant, views.document(customer))


@answers("customer")
async def _again(tenant: Tenant, customer_id: UUID) -> Json:
    doc = await reading.by_id(tenant.database, tenant.organization_id, "customers", customer_id)
    assert doc is not None, customer_id
    return await _body(tenant, doc)


async def _body(tenant: Tenant, doc: Doc) -> Json:
    return {"customer": present_whole_customer(doc, tenant.organization, await _taxes(tenant, [doc]))}


async def _taxes(tenant: Tenant, docs: Sequence[Doc]) -> Mapping[str, TaxView]:
    """What the customers name, read once for all."""
    named = (tax_id for doc in docs for tax_id in doc["details"]["tax_ids"])
    return await taxes.of_ids(tenant.database, tenant.organization_id, named)
