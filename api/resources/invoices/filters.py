"""Which invoices a list shows.

Source: api-surface "Invoices", 3.5: scalars and lists are read for the two statuses, unknown values are refused.
"""

from __future__ import annotations

from datetime import date
from typing import LiteralString, get_args

from api.call import Call
from api.fields import decimal_of
from api.resources.organizations.entities import check_entities
from domain.invoicing.invoice import InvoiceType, PaymentStatus
from domain.kernel.errors import InvalidInputError
from projections.views.reading import Where, like

VISIBLE_STATUSES = ("draft", "finalized", "voided", "failed", "pending")
VISIBLE: LiteralString = "status in ('draft', 'finalized', 'voided', 'failed', 'pending')"


def where_of(call: Call) -> Where:
    """The conditions that the parameters ask for.

    Raises:
        InvalidInputError: a status, type, date or amount that is none.
        NotFoundError: `billing_entity_not_found`.
    """
    check_entities(call)
    where = Where()
    where.add(VISIBLE)
    for name, plural, options, condition in (
        ("status", "statuses", VISIBLE_STATUSES, "status = any(%(status)s)"),
        ("payment_status", "payment_statuses", get_args(PaymentStatus), "payment_status = any(%(payment_status)s)"),
        ("invoice_type", "invoice_types", get_args(InvoiceType), "invoice_type = any(%(invoice_type)s)"),
    ):
        asked = call.texts(plural) or call.texts(name) or [one for one in (call.text(name),) if one]
        if not set(asked) <= set(options):
            raise InvalidInputError({name: ["value_is_invalid"]})
        if asked:
            where.add(condition, **{name: asked})
    if value := call.text("external_customer_id") or call.text("customer_external_id"):
        where.add("external_customer_id = %(external_customer_id)s", external_customer_id=value)
    if value := call.text("currency"):
        where.add("currency = upper(%(currency)s)", currency=value)
    if value := call.text("purchase_order_number"):
        where.add("doc->'content'->>'purchase_order_number' = %(order_number)s", order_number=value)
    for name, condition in (
        ("issuing_date_from", "issuing_date >= %(issuing_date_from)s"),
        ("issuing_date_to", "issuing_date <= %(issuing_date_to)s"),
    ):
        if value := call.text(name):
            where.add(condition, **{name: day_of(name, value)})
    for name, condition in (
        ("amount_from", "total_amount_cents >= %(amount_from)s"),
        ("amount_to", "total_amount_cents <= %(amount_to)s"),
    ):
        if value := call.text(name):
            amount = decimal_of(value)
            if amount is None:
                raise InvalidInputError({name: ["invalid_value"]})
            where.add(condition, **{name: amount})
    if value := call.text("search_term"):
        where.add(
            "(id::text = %(term)s or external_customer_id ilike %(pattern)s"
            " or doc->'content'->'buyer'->>'name' ilike %(pattern)s or number ilike %(pattern)s)",
            term=value,
            pattern=like(value),
        )
    _flags(call, where)
    return where


def _flags(call: Call, where: Where) -> None:
    """What no invoice is or has yet: overdue, partially paid, disputed, self-billed; metadata. Asked for it, nothing is
    found."""
    for name in ("payment_overdue", "partially_paid", "payment_dispute_lost", "self_billed"):
        value = call.parameters.get(name)
        if value in (True, "true", "1"):
            where.add("false")
        elif value not in (None, "", False, "false", "0"):
            raise InvalidInputError({name: ["value_is_invalid"]})
    metadata = call.parameters.get("metadata")
    if isinstance(metadata, dict) and any(metadata.values()):
        where.add("false")


def day_of(name: str, text: str) -> date:
    """The date that a parameter names. Raises InvalidInputError where it names none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise InvalidInputError({name: ["invalid_date"]}) from None
