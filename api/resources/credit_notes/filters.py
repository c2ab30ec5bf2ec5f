"""Which credit notes a list shows.

Source: api-surface "Credit notes", 3.5: a filter whose values are unknown vanishes.
"""

from __future__ import annotations

from typing import LiteralString, get_args

from api.call import Call
from api.fields import decimal_of
from api.resources.invoices.filters import day_of
from api.resources.organizations.entities import check_entities
from domain.invoicing.credit_note import CreditStatus, Reason, RefundStatus
from domain.kernel.errors import InvalidInputError
from projections.views.reading import Where, like

_TEXTS: dict[str, LiteralString] = {
    "external_customer_id": "external_customer_id = %(external_customer_id)s",
    "currency": "currency = upper(%(currency)s)",
    "invoice_number": "invoice_number = %(invoice_number)s",
    "purchase_order_number": "doc->>'purchase_order_number' = %(purchase_order_number)s",
}
_CHOICES: dict[str, tuple[tuple[str, ...], LiteralString]] = {
    "reason": (get_args(Reason), "reason = any(%(reason)s)"),
    "credit_status": (get_args(CreditStatus), "credit_status = any(%(credit_status)s)"),
    "refund_status": (get_args(RefundStatus), "refund_status = any(%(refund_status)s)"),
}
_PARTS: dict[str, LiteralString] = {
    "credit": "(doc->'content'->>'credit_amount_cents')::bigint > 0",
    "refund": "(doc->'content'->>'refund_amount_cents')::bigint > 0",
    "offset": "(doc->'content'->>'offset_amount_cents')::bigint > 0",
}
_DAYS: dict[str, LiteralString] = {
    "issuing_date_from": "issuing_date >= %(issuing_date_from)s",
    "issuing_date_to": "issuing_date <= %(issuing_date_to)s",
}
_AMOUNTS: dict[str, LiteralString] = {
    "amount_from": "total_amount_cents >= %(amount_from)s",
    "amount_to": "total_amount_cents <= %(amount_to)s",
}
_SEARCHED: LiteralString = """
(id::text = %(term)s or number ilike %(pattern)s or exists (
   select from customers c where c.organization_id = credit_notes.organization_id and c.id = credit_notes.customer_id
   and exists (select from unnest(array[c.external_id, c.doc->'details'->>'name', c.doc->'details'->>'firstname',
     c.doc->'details'->>'lastname', c.doc->'details'->>'legal_name', c.doc->'details'->>'email']) as searched
     where searched ilike %(pattern)s)))
"""


def where_of(call: Call) -> Where:
    """The conditions that the parameters ask for.

    Raises:
        InvalidInputError: a date or amount that is none.
        NotFoundError: `billing_entity_not_found`.
    """
    check_entities(call)
    where = Where()
    for name, condition in _TEXTS.items():
        if value := call.text(name):
            where.add(condition, **{name: value})
    for name, (options, condition) in _CHOICES.items():
        asked = call.texts(name) or [call.text(name) or ""]
        if known := [value for value in asked if value in options]:
            where.add(condition, **{name: known})
    if parts := [_PARTS[part] for part in call.texts("types") if part in _PARTS]:
        where.add(f"({' or '.join(parts)})")
    for name, condition in _DAYS.items():
        if value := call.text(name):
            where.add(condition, **{name: day_of(name, value)})
    for name, condition in _AMOUNTS.items():
        if value := call.text(name):
            amount = decimal_of(value)
            if amount is None:
                raise InvalidInputError({name: ["invalid_value"]})
            where.add(condition, **{name: amount})
    if value := call.text("search_term"):
        where.add(_SEARCHED, term=value, pattern=like(value))
    if call.boolean("self_billed"):  # which no credit note is
        where.add("false")
    return where
