"""What a body may say of a plan.

Source: api-surface "Plans", 3.10, 3.11; metering-pricing P1, P11, M1-M7, W1, D1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import get_args
from uuid import UUID

from api import formats
from api.fields import Fields
from api.resources.billable_metrics.schema import LONGEST_DESCRIPTION
from api.resources.charges.known import Known
from api.resources.charges.schema import read_charges
from api.resources.fixed_charges.known import KnownAddOn
from api.resources.fixed_charges.schema import read_fixed_charges
from api.resources.organizations.schema import MOST_DAYS
from api.resources.plans import unavailable
from api.resources.taxes.named import read_tax_ids
from domain.catalog.plan import MinimumCommitment, PlanDetails
from domain.kernel import ids
from domain.subscriptions.intervals import BILLED_MONTHLY_IF_ASKED, Interval

METADATA_ENTRIES, METADATA_KEY, METADATA_VALUE = 50, 100, 255

_FROZEN = (
    "code",
    "interval",
    "pay_in_advance",
    "amount_currency",
    "trial_period",
    "bill_charges_monthly",
    "bill_fixed_charges_monthly",
)
"""What no longer changes once the plan has, or had, a subscription; Lago leaves it as it is without a word."""


def read_details(
    fields: Fields,
    before: PlanDetails | None,
    known: Known,
    add_ons: Mapping[UUID, KnownAddOn],
    *,
    subscribed: bool,
    at: datetime,
) -> PlanDetails:
    """The details in the body; what it leaves out is as it was `before`.

    Args:
        known: with the metrics of all charges, those of before too, and the taxes of the body.
        add_ons: those that the body names.
        subscribed: whether the plan has, or had, a subscription.

    Raises:
        InvalidInputError: a value is refused, or nothing bills it yet (`unavailable.py`).
        NotFoundError: a billable metric or an add-on that does not exist.
        ConflictError: the plan has moved on since its metrics were read.
    """
    fields = Fields(
        {key: value for key, value in fields.values.items() if not (subscribed and key in _FROZEN)}, fields.errors
    )
    unavailable.refuse_of_plan(fields)
    interval = fields.choice("interval", get_args(Interval), before.interval if before else None)
    amount_cents = fields.integer("amount_cents", before.amount_cents if before else None, least=0)
    currency = formats.currency(fields, "amount_currency", before.amount_currency if before else None)
    for name, value in (("interval", interval), ("amount_cents", amount_cents), ("amount_currency", currency)):
        fields.required(name, value)
    old = before or PlanDetails(name="", code="", interval="monthly", amount_cents=0, amount_currency="USD")
    trial_period = fields.decimal("trial_period", old.trial_period, least=Decimal(0), most=Decimal(MOST_DAYS))
    details = replace(
        old,
        name=fields.mandatory_text("name", old.name),
        code=fields.mandatory_text("code", old.code),
        interval=interval or "monthly",
        amount_cents=amount_cents or 0,
        amount_currency=currency or "USD",
        description=fields.text("description", old.description, longest=LONGEST_DESCRIPTION),
        invoice_display_name=fields.text("invoice_display_name", old.invoice_display_name),
        trial_period=trial_period or Decimal(0),
        pay_in_advance=bool(fields.boolean("pay_in_advance", old.pay_in_advance)),
        bill_charges_monthly=_read_monthly(fields, "bill_charges_monthly", old.bill_charges_monthly, interval),
        bill_fixed_charges_monthly=_read_monthly(
            fields, "bill_fixed_charges_monthly", old.bill_fixed_charges_monthly, interval
        ),
        charges=read_charges(fields, old.charges, known, subscribed=subscribed, at=at),
        fixed_charges=read_fixed_charges(fields, old.fixed_charges, add_ons, known.taxes, subscribed=subscribed, at=at),
        minimum_commitment=_read_commitment(fields, old.minimum_commitment, known.taxes, at=at),
        tax_ids=read_tax_ids(fields, known.taxes, old.tax_ids),
        metadata=_read_metadata(fields, old.metadata),
    )
    fields.check()
    return details


def _read_monthly(fields: Fields, name: str, before: bool | None, interval: str | None) -> bool | None:
    """Null where the interval leaves no choice, else not unless asked for (P11)."""
    asked = fields.boolean(name, before)
    return bool(asked) if interval in BILLED_MONTHLY_IF_ASKED else None


def _read_commitment(
    fields: Fields, before: MinimumCommitment | None, taxes: Mapping[str, UUID], *, at: datetime
) -> MinimumCommitment | None:
    """The one in the body; null or an empty object is none (D1)."""
    if "minimum_commitment" not in fields:
        return before
    given = fields.object("minimum_commitment")
    if given is None or not given.values:
        return None
    amount_cents = given.integer("amount_cents", before.amount_cents if before else None, least=1)
    given.required("amount_cents", amount_cents)
    begun = before or MinimumCommitment(id=ids.new(), amount_cents=0, created_at=at)
    read = replace(
        begun,
        amount_cents=amount_cents or 0,
        invoice_display_name=given.text("invoice_display_name", begun.invoice_display_name),
        tax_ids=read_tax_ids(given, taxes, begun.tax_ids),
    )
    return read if before is None or read == before else replace(read, updated_at=at)


def _read_metadata(fields: Fields, before: Mapping[str, str | None] | None) -> Mapping[str, str | None] | None:
    """The map in the body, whole."""
    if "metadata" not in fields:
        return before
    given = fields.object("metadata")
    if given is None:
        return None
    if len(given.values) > METADATA_ENTRIES:
        fields.refuse("metadata", "invalid_count")
    for key, value in given.values.items():
        if not key or not isinstance(value, str | None):
            fields.refuse("metadata", "value_is_invalid")
        elif len(key) > METADATA_KEY or len(value or "") > METADATA_VALUE:
            fields.refuse("metadata", "value_is_too_long")
    return dict(given.values)
