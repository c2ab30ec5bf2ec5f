"""Fees: read, one or a list.

Source: api-surface "Fees", 3.5.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import LiteralString, get_args

from api.call import Call
from api.envelope import Json, listing
from api.routing import Resource
from domain.invoicing.invoice import FeeType
from domain.kernel.errors import InvalidInputError, NotFoundError
from projections.presenters.fees import present_fee
from projections.presenters.taxes import present_fee_taxes
from projections.views import reading
from projections.views.reading import Doc, Where

router = Resource("fees")

_VISIBLE = "(invoice_id is null or doc->>'invoice_status' in ('draft', 'finalized', 'voided', 'failed', 'pending'))"
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
        order="created_at, invoice_id, (doc->>'position')::int",
        limit=page.size,
        offset=page.offset,
    )
    return listing("fees", [_present(doc) for doc in docs], page, total)


@router.get("/fees/{lago_id}")
async def get_fee(call: Call) -> Json:
    tenant = call.tenant
    fee_id = call.uuid("lago_id", "fee")
    doc = await reading.find(tenant.database, tenant.organization_id, "fees", "id = %(id)s and " + _VISIBLE, id=fee_id)
    if doc is None:
        raise NotFoundError("fee")
    return {"fee": _present(doc)}


def _present(doc: Doc) -> Json:
    return present_fee(doc) | {"applied_taxes": present_fee_taxes(doc)}


def _time(name: str, text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError({name: ["invalid_date"]}) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
