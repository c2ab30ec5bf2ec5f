"""Invoices: read, listed, and their documents.

Source: api-surface "Invoices", 3.5, 3.9; invoicing-money 5.16.
"""

from __future__ import annotations

import hmac
from uuid import UUID

from api.call import Call
from api.envelope import Json, Reply, listing
from api.idempotency import answers
from api.resources.customers.named import named_customer
from api.resources.invoices.filters import VISIBLE, where_of
from api.routing import Resource
from api.tenant import Tenant
from domain.invoicing.commands import request_document
from domain.kernel.errors import NotFoundError
from projections.documents import Documents
from projections.presenters.customers import present_customer
from projections.presenters.invoices import present_listed_invoice, present_whole_invoice
from projections.presenters.subscriptions import present_subscription
from projections.views import customers, fees, reading, subscriptions
from projections.views.reading import Doc, Where

router = Resource("invoices")


@router.get("/invoices")
async def list_invoices(call: Call) -> Json:
    """The latest issuing date first."""
    return await _list(call, where_of(call))


@router.get("/customers/{external_customer_id}/invoices")
async def list_invoices_of_customer(call: Call) -> Json:
    """As above, of one customer."""
    customer_id, where = await named_customer(call), where_of(call)
    where.add("customer_id = %(of_customer)s", of_customer=customer_id)
    return await _list(call, where)


async def _list(call: Call, where: Where) -> Json:
    page, tenant = call.page, call.tenant
    docs, total = await reading.select(
        tenant.database,
        tenant.organization_id,
        "invoices",
        where,
        order="issuing_date desc, created_at desc, id",
        limit=page.size,
        offset=page.offset,
    )
    buyers = await customers.of_ids(
        tenant.database, tenant.organization_id, sorted({UUID(doc["customer_id"]) for doc in docs})
    )
    rows = [
        present_listed_invoice(
            doc,
            file_url=file_url(call, doc),
            customer=present_customer(buyers[doc["customer_id"]], tenant.organization),
        )
        for doc in docs
    ]
    return listing("invoices", rows, page, total)


@router.get("/invoices/{lago_id}")
async def get_invoice(call: Call) -> Json:
    return {"invoice": await _whole(call, await _find(call))}


@router.post("/invoices/{lago_id}/download")
async def download_invoice(call: Call) -> Json | Reply:
    """The invoice with the address of its PDF, or an empty answer while that is being made."""
    doc = await _find(call)
    if doc["document_sha256"] is not None:
        return {"invoice": await _listed(call, doc)}
    await request_document(call.tenant.ledger, UUID(doc["id"]), at=await call.tenant.now())
    return Reply(200)


@answers("invoice")
async def _requested(tenant: Tenant, invoice_id: UUID) -> Reply:
    return Reply(200)


documents = Resource("documents", prefix="")


@documents.get("/documents/{organization_id}/{lago_id}/{sha256}.pdf")
async def get_document(call: Call) -> Reply:
    """The PDF. Who knows the hash has been given the address by somebody who may read the invoice."""
    organization_id, invoice_id = call.uuid("organization_id", "document"), call.uuid("lago_id", "document")
    stored = await Documents(call.services.database).get(organization_id, invoice_id)
    if stored is None or not hmac.compare_digest(stored.sha256.encode(), call.identifiers["sha256"].encode()):
        raise NotFoundError("document")
    return Reply(200, content=stored.content, content_type="application/pdf")


def file_url(call: Call, doc: Doc) -> str | None:
    """Where the PDF is, once it is made."""
    sha256 = doc["document_sha256"]
    return (
        None if sha256 is None else f"{call.base_url}documents/{call.tenant.organization_id}/{doc['id']}/{sha256}.pdf"
    )


async def _find(call: Call) -> Doc:
    tenant, invoice_id = call.tenant, call.uuid("lago_id", "invoice")
    doc = await reading.find(
        tenant.database, tenant.organization_id, "invoices", "id = %(id)s and " + VISIBLE, id=invoice_id
    )
    if doc is None:
        raise NotFoundError("invoice")
    return doc


async def _listed(call: Call, doc: Doc) -> Json:
    tenant = call.tenant
    buyers = await customers.of_ids(tenant.database, tenant.organization_id, [UUID(doc["customer_id"])])
    customer = present_customer(buyers[doc["customer_id"]], tenant.organization)
    return present_listed_invoice(doc, file_url=file_url(call, doc), customer=customer)


async def _whole(call: Call, doc: Doc) -> Json:
    tenant, now = call.tenant, await call.tenant.now()
    buyers = await customers.of_ids(tenant.database, tenant.organization_id, [UUID(doc["customer_id"])])
    billed = await subscriptions.of_ids(
        tenant.database,
        tenant.organization_id,
        [UUID(row["subscription_id"]) for row in doc["content"]["subscriptions"]],
    )
    return present_whole_invoice(
        doc,
        file_url=file_url(call, doc),
        customer=present_customer(buyers[doc["customer_id"]], tenant.organization),
        fees=await fees.of_invoice(tenant.database, tenant.organization_id, UUID(doc["id"])),
        subscriptions=[present_subscription(view, now=now) for view in billed],
    )
