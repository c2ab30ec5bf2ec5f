"""Taxes, known by their code."""

from __future__ import annotations

from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.idempotency import answers
from api.resources.taxes.schema import read_details
from api.routing import Resource
from api.tenant import Tenant
from domain.kernel.errors import NotFoundError
from domain.taxation.commands import create_tax, delete_tax, update_tax
from domain.taxation.tax import Tax
from projections import views
from projections.presenters.taxes import present_tax
from projections.views import reading, taxes

router = Resource("taxes")


@router.post("/taxes")
async def post_tax(call: Call) -> Json:
    """Create a tax, with `applied_to_organization` as one that customers have by default."""
    tenant, fields = call.tenant, call.fields("tax")
    applied = fields.boolean("applied_to_organization")
    tax = await create_tax(
        tenant.ledger,
        tenant.organization_id,
        read_details(fields),
        applied_to_organization=applied,
        at=await tenant.now(),
    )
    return await _body(tenant, tax)


@router.get("/taxes")
async def list_taxes(call: Call) -> Json:
    """List taxes, the newest first."""
    tenant, page = call.tenant, call.page
    found, total = await taxes.select(tenant.database, tenant.organization_id, limit=page.size, offset=page.offset)
    return listing("taxes", [present_tax(view) for view in found], page, total)


@router.get("/taxes/{code:path}")
async def get_tax(call: Call) -> Json:
    """Read one tax."""
    found = await taxes.get(call.tenant.database, call.tenant.organization_id, call.identifiers["code"])
    if found is None:
        raise NotFoundError("tax")
    return {"tax": present_tax(found)}


@router.put("/taxes/{code:path}")
async def put_tax(call: Call) -> Json:
    """Change a tax, for the invoices to come."""
    tenant, fields = call.tenant, call.fields("tax")
    applied = fields.boolean("applied_to_organization")
    tax = await update_tax(
        tenant.ledger,
        tenant.organization_id,
        call.identifiers["code"],
        lambda before: read_details(fields, before),
        applied_to_organization=applied,
        at=await tenant.now(),
    )
    return await _body(tenant, tax)


@router.delete("/taxes/{code:path}")
async def remove_tax(call: Call) -> Json:
    """Remove a tax from all that has it."""
    tenant = call.tenant
    tax = await delete_tax(tenant.ledger, tenant.organization_id, call.identifiers["code"], at=await tenant.now())
    return await _body(tenant, tax)


async def _body(tenant: Tenant, tax: Tax) -> Json:
    view = await taxes.view(tenant.database, tenant.organization_id, views.document(tax))
    return {"tax": present_tax(view)}


@answers("tax")
async def _again(tenant: Tenant, tax_id: UUID) -> Json:
    doc = await reading.by_id(tenant.database, tenant.organization_id, "taxes", tax_id)
    assert doc is not None, tax_id
    return {"tax": present_tax(await taxes.view(tenant.database, tenant.organization_id, doc))}
