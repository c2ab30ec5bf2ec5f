"""What a body may say of a subscription.

Source: api-surface "Subscriptions"; invoicing-money 1.1, 1.2, 1.8.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

from api.fields import Fields
from domain.subscriptions.intervals import BillingTime
from domain.subscriptions.subscription import OnTerminationCreditNote, OnTerminationInvoice, SubscriptionDetails

CREDIT_NOTE_MODES = get_args(OnTerminationCreditNote)
INVOICE_MODES = get_args(OnTerminationInvoice)

_NOT_YET = ("usage_thresholds", "activation_rules", "invoice_custom_section", "payment_method")
"""What would change amounts or the lifecycle and is not there: refused, since silence would bill something else."""


def read_new(fields: Fields, *, at: datetime) -> SubscriptionDetails:
    """The details of a new subscription that is asked for at `at`.

    Raises:
        InvalidInputError: a value is refused.
    """
    before = SubscriptionDetails(subscription_at=at)
    if fields.values.get("billing_time") is not None:
        before = replace(before, billing_time=fields.choice("billing_time", get_args(BillingTime)) or "calendar")
    return _read_common(fields, before)


def read_plan_change(fields: Fields, handed_on: SubscriptionDetails) -> SubscriptionDetails:
    """The details of a subscription that follows another on a new plan; its anchor and billing time stay (quirk 21).

    Raises:
        InvalidInputError: a value is refused.
    """
    return replace(_read_common(fields, handed_on), subscription_at=handed_on.subscription_at)


def read_change(fields: Fields, before: SubscriptionDetails) -> SubscriptionDetails:
    """The details with what the body changes.

    Raises:
        InvalidInputError: a value is refused.
    """
    invoice = fields.choice(
        "on_termination_invoice", INVOICE_MODES, before.on_termination_invoice, code="invalid_value"
    )
    credit_note = fields.choice(
        "on_termination_credit_note", CREDIT_NOTE_MODES, before.on_termination_credit_note, code="invalid_value"
    )
    changed = replace(before, on_termination_credit_note=credit_note, on_termination_invoice=invoice or "generate")
    return _read_common(fields, changed)


def _read_common(fields: Fields, before: SubscriptionDetails) -> SubscriptionDetails:
    for unbilled in _NOT_YET:
        if fields.values.get(unbilled):
            fields.refuse(unbilled, "feature_unavailable")
    name = fields.text("name", before.name)
    consolidated = fields.boolean("consolidate_invoice", before.consolidate_invoice)
    details = replace(
        before,
        name=name.strip() if name is not None else None,
        subscription_at=_instant(fields, "subscription_at", before.subscription_at) or before.subscription_at,
        ending_at=_instant(fields, "ending_at", before.ending_at),
        consolidate_invoice=True if consolidated is None else consolidated,
        purchase_order_number=fields.text("purchase_order_number", before.purchase_order_number) or None,
        progressive_billing_disabled=bool(
            fields.boolean("progressive_billing_disabled", before.progressive_billing_disabled)
        ),
    )
    fields.check()
    return details


def _instant(fields: Fields, name: str, before: datetime | None) -> datetime | None:
    """ISO 8601; a date alone is its midnight, and a time without an offset is UTC, as Lago reads them."""
    if name not in fields.values:
        return before
    text = fields.text(name)
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        fields.refuse(name, "invalid_date")
        return before
    if not 1970 <= value.year <= 9000:
        fields.refuse(name, "invalid_date")
        return before
    return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
