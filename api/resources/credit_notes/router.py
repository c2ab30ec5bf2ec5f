"""Credit notes: read and listed.

Source: api-surface "Credit notes", 3.5, 3.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.resources.credit_notes.filters import where_of
from api.resources.customers.named import named_customer
from api.routing import Resource
from api.tenant import Tenant
from domain.kernel.errors import NotFoundError
from projections.presenters.credit_notes import present_credit_note
from projections.presenters.customers import present_customer
from projections.views import customers, fees, reading
from projections.views.reading import Doc, Where

router = Resource("credit_notes")


@router.get("/credit_notes")
async def list_credit_notes(call: Call) -> Json:
    """The newest first."""
    return await _list(call, where_of(call))


@router.get("/customers/{external_customer_id}/credit_notes")
async def list_credit_notes_of_customer(call: Call) -> Json:
    """As above, of one customer."""
    customer_id, where = await named_customer(call), where_of(call)
    where.add("customer_id = %(of_customer)s", of_customer=customer_id)
    return await _list(call, where)


@router.get("/credit_notes/{lago_id}")
async def get_credit_note(call: Call) -> Json:
    tenant, note_id = call.tenant, call.uuid("lago_id", "credit_note")
    doc = await reading.by_id(tenant.database, tenant.organization_id, "credit_notes", note_id)
    if doc is None:
        raise NotFoundError("credit_note")
    [row] = await _present(tenant, [doc])
    return {"credit_note": row}


async def _list(call: Call, where: Where) -> Json:
    page, tenant = call.page, call.tenant
    docs, total = await reading.select(
        tenant.database,
        tenant.organization_id,
        "credit_notes",
        where,
        order="created_at desc, id",
        limit=page.size,
        offset=page.offset,
    )
    return listing("credit_notes", await _present(tenant, docs), page, total)


async def _present(tenant: Tenant, docs: Sequence[Doc]) -> list[Json]:
    """What the notes name is read once for all."""
    database, organization_id = tenant.database, tenant.organization_id
    buyers = await customers.of_ids(database, organization_id, (UUID(doc["customer_id"]) for doc in docs))
    items = [item for doc in docs for item in doc["content"]["items"]]
    rows = await fees.of_ids(database, organization_id, (UUID(item["fee_id"]) for item in items))
    return [
        present_credit_note(doc, customer=present_customer(buyers[doc["customer_id"]], tenant.organization), fees=rows)
        for doc in docs
    ]
