"""Pricing units: what prices are in where they are not in money. Durabill's own; Lago has them outside its REST API.

A charge is priced in one by `applied_pricing_unit: {code, conversion_rate}`. Source: metering-pricing 16.
"""

from __future__ import annotations

from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.fields import Fields
from api.idempotency import answers
from api.routing import Resource
from api.tenant import Tenant
from domain.catalog.commands import create_pricing_unit
from domain.catalog.pricing_unit import LONGEST_DESCRIPTION, LONGEST_SHORT_NAME, PricingUnitDetails
from domain.kernel.errors import NotFoundError
from projections import views
from projections.presenters.pricing_units import present_pricing_unit
from projections.views import reading
from projections.views.reading import Where

router = Resource("pricing_units")


@router.post("/pricing_units")
async def post_pricing_unit(call: Call) -> Json:
    """Create a pricing unit."""
    tenant = call.tenant
    details = _read(call.fields("pricing_unit"))
    unit = await create_pricing_unit(tenant.ledger, tenant.organization_id, details, at=await tenant.now())
    return {"pricing_unit": present_pricing_unit(views.document(unit))}


@router.get("/pricing_units")
async def list_pricing_units(call: Call) -> Json:
    """List pricing units, the newest first."""
    tenant, page = call.tenant, call.page
    docs, total = await reading.select(
        tenant.database,
        tenant.organization_id,
        "pricing_units",
        Where(),
        order="created_at desc, id",
        limit=page.size,
        offset=page.offset,
    )
    return listing("pricing_units", [present_pricing_unit(doc) for doc in docs], page, total)


@router.get("/pricing_units/{code:path}")
async def get_pricing_unit(call: Call) -> Json:
    """Read one pricing unit."""
    tenant, code = call.tenant, call.identifiers["code"]
    doc = await reading.find(tenant.database, tenant.organization_id, "pricing_units", "code = %(code)s", code=code)
    if doc is None:
        raise NotFoundError("pricing_unit")
    return {"pricing_unit": present_pricing_unit(doc)}


@answers("pricing_unit")
async def _again(tenant: Tenant, unit_id: UUID) -> Json:
    doc = await reading.by_id(tenant.database, tenant.organization_id, "pricing_units", unit_id)
    assert doc is not None, unit_id
    return {"pricing_unit": present_pricing_unit(doc)}


def _read(fields: Fields) -> PricingUnitDetails:
    details = PricingUnitDetails(
        name=fields.mandatory_text("name"),
        code=fields.mandatory_text("code"),
        short_name=fields.mandatory_text("short_name", longest=LONGEST_SHORT_NAME),
        description=fields.text("description", longest=LONGEST_DESCRIPTION),
    )
    fields.check()
    return details
