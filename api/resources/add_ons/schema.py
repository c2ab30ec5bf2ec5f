"""What a body may say of an add-on.

Source: api-surface "Add-ons".
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from api import formats
from api.fields import Fields
from api.resources.billable_metrics.schema import LONGEST_DESCRIPTION
from api.resources.taxes.named import read_tax_ids
from domain.catalog.add_on import AddOnDetails


def read_details(fields: Fields, before: AddOnDetails | None, taxes: Mapping[str, UUID]) -> AddOnDetails:
    """The details in the body; what it leaves out is as it was `before`.

    Args:
        taxes: those of the body, ids by code.

    Raises:
        InvalidInputError: a value is refused.
    """
    amount_cents = fields.integer("amount_cents", before.amount_cents if before else None, least=0)
    currency = formats.currency(fields, "amount_currency", before.amount_currency if before else None)
    fields.required("amount_cents", amount_cents)
    fields.required("amount_currency", currency)
    old = before or AddOnDetails(name="", code="", amount_cents=0, amount_currency="USD")
    details = AddOnDetails(
        name=fields.mandatory_text("name", old.name),
        code=fields.mandatory_text("code", old.code),
        amount_cents=amount_cents or 0,
        amount_currency=currency or "USD",
        description=fields.text("description", old.description, longest=LONGEST_DESCRIPTION),
        invoice_display_name=fields.text("invoice_display_name", old.invoice_display_name),
        tax_ids=read_tax_ids(fields, taxes, old.tax_ids),
    )
    fields.check()
    return details
