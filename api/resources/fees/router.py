"""Fees: read, one or a list.

Source: api-surface "Fees", 3.5.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import LiteralString, get_args
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.idempotency import answers
from api.routing import Resource
from api.tenant import Tenant
from domain.invoicing.commands import change_fee_payment_status, delete_fee
from domain.invoicing.invoice import FeeType
from domain.invoicing.standalone_fee import FeePaymentStatus
from domain.kernel.errors import InvalidInputError, NotAllowedError, NotFoundError
from projections.presenters.fees import present_fee
from projections.presenters.taxes import present_fee_taxes
from projections.views import reading
from projections.views.reading import Doc, Where

router = Resource("fees")

_VISIBLE = (
    "deleted_at is null and"
    " (invoice_id is null or doc->>'invoice_status' in ('draft', 'finalized', 'voided', 'failed', 'pending'))"
)
_TEXTS: dict[str, LiteralString] = {
    "external_customer_id": "external_customer_id = %(external_customer_id)s",
    "external_subscription_id": "external_subscription_id = %(external_subscription_id)s",
    "billable_metric_code": "billable_metric_code = %(billable_metric_code)s",
    "currency": "currency = upper(%(currency)s)",
}
_CHOICES: dict[str, tuple[tuple[str, ...], LiteralString]] = {
    "fee_type": (get_args(FeeType), "fee_type = %(fee_type)s"),
    "payment_status": (("pending", "succeeded", "failed", "refunded"), "payment_status = %(payment_status)s"),
}
_TIMES: dict[str, LiteralString] = {
    "created_at_from": "created_at >= %(created_at_from)s",
    "created_at_to": "created_at <= %(created_at_to)s",
    "succeeded_at_from": "instant(doc->>'succeeded_at') >= %(succeeded_at_from)s",
    "succeeded_at_to": "instant(doc->>'succeeded_at') <= %(succeeded_at_to)s",
    "failed_at_from": "instant(doc->>'failed_at') >= %(failed_at_from)s",
    "failed_at_to": "instant(doc->>'failed_at') <= %(failed_at_to)s",
    "refunded_at_from": "instant(doc->>'refunded_at') >= %(refunded_at_from)s",
    "refunded_at_to": "instant(doc->>'refunded_at') <= %(refunded_at_to)s",
}


@router.get("/fees")
async def list_fees(call: Call) -> Json:
    """Oldest first; an unknown type or payment status is refused."""
    where = Where()
    where.add(_VISIBLE)
    for name, condition in _TEXTS.items():
        if value := call.text(name):
            where.add(condition, **{name: value})
    for name, (options, condition) in _CHOICES.items():
        if value := call.text(name):
            if value not in options:
                raise InvalidInputError({name: ["value_is_invalid"]})
            where.add(condition, **{name: value})
    for name, condition in _TIMES.items():
        if value := call.text(name):
            where.add(condition, **{name: _time(name, value)})
    if value := call.text("event_transaction_id"):
        where.add("doc->>'event_transaction_id' = %(event)s", event=value)
    page, tenant = call.page, call.tenant
    docs, total = await reading.select(
        tenant.database,
        tenant.organization_id,
        "fees",
        where,
        order="created_at, invoice_id, (doc->>'position')::int, id",
        limit=page.size,
        offset=page.offset,
    )
    return listing("fees", [_present(doc) for doc in docs], page, total)


@router.get("/fees/{lago_id}")
async def get_fee(call: Call) -> Json:
    return {"fee": _present(await _find(call.tenant, call.uuid("lago_id", "fee")))}


@router.put("/fees/{lago_id}")
async def put_fee(call: Call) -> Json:
    """Say how the payment of a fee stands that is on no invoice."""
    tenant, fields, fee_id = call.tenant, call.fields("fee"), call.uuid("lago_id", "fee")
    payment_status = fields.choice("payment_status", get_args(FeePaymentStatus))
    fields.required("payment_status", payment_status)
    fields.check()
    await _refuse_invoiced(tenant, fee_id)
    await change_fee_payment_status(tenant.ledger, fee_id, payment_status, at=await tenant.now())
    return await _body(tenant, fee_id)


@router.delete("/fees/{lago_id}")
async def remove_fee(call: Call) -> Json:
    """Take a fee back that is on no invoice."""
    tenant, fee_id = call.tenant, call.uuid("lago_id", "fee")
    doc = await _refuse_invoiced(tenant, fee_id)
    await delete_fee(tenant.ledger, fee_id, at=await tenant.now())
    return {"fee": _present(doc)}


async def _refuse_invoiced(tenant: Tenant, fee_id: UUID) -> Doc:
    doc = await _find(tenant, fee_id)
    if doc["invoice_id"] is not None:
        raise NotAllowedError("invoiced_fee")
    return doc


@answers("fee")
async def _body(tenant: Tenant, fee_id: UUID) -> Json:
    return {"fee": _present(await _find(tenant, fee_id))}


async def _find(tenant: Tenant, fee_id: UUID) -> Doc:
    doc = await reading.find(tenant.database, tenant.organization_id, "fees", "id = %(id)s and " + _VISIBLE, id=fee_id)
    if doc is None:
        raise NotFoundError("fee")
    return doc


def _present(doc: Doc) -> Json:
    return present_fee(doc) | {"applied_taxes": present_fee_taxes(doc)}


def _time(name: str, text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError({name: ["invalid_date"]}) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
