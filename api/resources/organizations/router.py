"""The organization whose key a request carries."""

from __future__ import annotations

from uuid import UUID

from api.call import Call
from api.envelope import Json
from api.idempotency import answers
from api.resources.organizations.schema import read_details
from api.routing import Resource
from api.tenant import Tenant
from domain.organizations.commands import update_organization
from projections.presenters.organizations import present_organization
from projections.presenters.taxes import present_taxes
from projections.views import reading, taxes
from projections.views.reading import Doc

router = Resource("organizations")


@router.get("/organizations")
async def get_organization(call: Call) -> Json:
    """Read the own organization."""
    return {"organization": present_organization(await _doc(call.tenant))}


@router.put("/organizations")
async def put_organization(call: Call) -> Json:
    """Change the own organization; settings of its default billing entity are among it."""
    tenant, fields = call.tenant, call.fields("organization")
    await update_organization(
        tenant.ledger, tenant.organization_id, lambda before: read_details(fields, before), at=await tenant.now()
    )
    call.services.tenants.forget(tenant.organization_id)
    return await _body(tenant, tenant.organization_id)


@answers("organization")
async def _body(tenant: Tenant, organization_id: UUID) -> Json:
    doc = await _doc(tenant)
    tax_ids = doc["details"]["tax_ids"]
    found = await taxes.of_ids(tenant.database, organization_id, tax_ids)
    return {"organization": present_organization(doc) | {"taxes": present_taxes(tax_ids, found)}}


async def _doc(tenant: Tenant) -> Doc:
    doc = await reading.by_id(tenant.database, tenant.organization_id, "organizations", tenant.organization_id)
    assert doc is not None, tenant.organization_id
    return doc
