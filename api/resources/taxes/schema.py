"""What a body may say of a tax.

Source: api-surface "Taxes", 3.6.
"""

from __future__ import annotations

from decimal import Decimal

from api.fields import Fields
from api.resources.billable_metrics.schema import LONGEST_DESCRIPTION
from domain.taxation.tax import TaxDetails

LARGEST_RATE = Decimal(100)
"""Percent."""


def read_details(fields: Fields, before: TaxDetails | None = None) -> TaxDetails:
    """The details in the body; what it leaves out is as it was `before`.

    Raises:
        InvalidInputError: a value is refused.
    """
    old = before or TaxDetails(name="", code="", rate=Decimal(0))
    rate = fields.decimal("rate", before.rate if before else None, least=Decimal(0), most=LARGEST_RATE)
    fields.required("rate", rate)
    details = TaxDetails(
        name=fields.mandatory_text("name", old.name),
        code=fields.mandatory_text("code", old.code),
        rate=_as_shown(rate or Decimal(0)),
        description=fields.text("description", old.description, longest=LONGEST_DESCRIPTION),
    )
    fields.check()
    return details


def _as_shown(rate: Decimal) -> Decimal:
    """The rate that answers show (a double): what is computed with is what is seen."""
    return Decimal(repr(float(rate)))
