"""Add-ons, known by their code."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.idempotency import answers
from api.resources.add_ons.schema import read_details
from api.resources.taxes.named import named_taxes
from api.routing import Resource
from api.tenant import Tenant
from domain.catalog.add_on import AddOn
from domain.catalog.commands import create_add_on, delete_add_on, update_add_on
from domain.kernel.errors import NotFoundError
from projections import views
from projections.presenters.add_ons import present_add_on
from projections.views import add_ons, reading, taxes
from projections.views.reading import Doc

router = Resource("add_ons")


@router.post("/add_ons")
async def post_add_on(call: Call) -> Json:
    """Create an add-on."""
    tenant, fields = call.tenant, call.fields("add_on")
    details = read_details(fields, None, await named_taxes(tenant, [fields]))
    return await _body(
        tenant, await create_add_on(tenant.ledger, tenant.organization_id, details, at=await tenant.now())
    )


@router.get("/add_ons")
async def list_add_ons(call: Call) -> Json:
    """List add-ons, the newest first."""
    tenant, page = call.tenant, call.page
    docs, total = await add_ons.select(tenant.database, tenant.organization_id, limit=page.size, offset=page.offset)
    return listing("add_ons", await _present(tenant, docs), page, total)


@router.get("/add_ons/{code:path}")
async def get_add_on(call: Call) -> Json:
    """Read one add-on."""
    doc = await add_ons.get(call.tenant.database, call.tenant.organization_id, call.identifiers["code"])
    if doc is None:
        raise NotFoundError("add_on")
    return {"add_on": (await _present(call.tenant, [doc]))[0]}


@router.put("/add_ons/{code:path}")
async def put_add_on(call: Call) -> Json:
    """Change an add-on, for the invoices to come."""
    tenant, code, fields = call.tenant, call.identifiers["code"], call.fields("add_on")
    named = await named_taxes(tenant, [fields])
    add_on = await update_add_on(
        tenant.ledger,
        tenant.organization_id,
        code,
        lambda before: read_details(fields, before, named),
        at=await tenant.now(),
    )
    return await _body(tenant, add_on)


@router.delete("/add_ons/{code:path}")
async def remove_add_on(call: Call) -> Json:
    """Remove an add-on; fixed charges for it stay."""
    tenant, code = call.tenant, call.identifiers["code"]
    return await _body(tenant, await delete_add_on(tenant.ledger, tenant.organization_id, code, at=await tenant.now()))


async def _body(tenant: Tenant, add_on: AddOn) -> Json:
    return {"add_on": (await _present(tenant, [views.document(add_on)]))[0]}


@answers("add_on")
async def _again(tenant: Tenant, add_on_id: UUID) -> Json:
    doc = await reading.by_id(tenant.database, tenant.organization_id, "add_ons", add_on_id)
    assert doc is not None, add_on_id
    return {"add_on": (await _present(tenant, [doc]))[0]}


async def _present(tenant: Tenant, docs: Sequence[Doc]) -> list[Json]:
    named = (tax_id for doc in docs for tax_id in doc["details"]["tax_ids"])
    found = await taxes.of_ids(tenant.database, tenant.organization_id, named)
    return [present_add_on(doc, found) for doc in docs]
