"""What a body may say of the plan of one subscription.

Source: api-surface "Subscriptions"; invoicing-money 1.2, 1.8; metering-pricing F11, W2.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from api.fields import Fields
from api.resources.charges.known import Known
from api.resources.charges.schema import read_override as override_charge
from api.resources.fixed_charges.schema import applies_units_immediately, is_override, read_units
from api.resources.fixed_charges.schema import read_override as override_fixed_charge
from api.resources.plans import unavailable
from api.resources.plans.schema import read_details
from domain.catalog.plan import PlanDetails
from domain.kernel.errors import NotFoundError
from domain.subscriptions.overrides import OwnTerms, SetUnits

_OF_PLAN = (
    "amount_cents",
    "amount_currency",
    "name",
    "description",
    "invoice_display_name",
    "trial_period",
    "tax_codes",
    "minimum_commitment",
    "metadata",
)
"""What a copy may have beside its charges. All else is the plan's, and ignored as unknown keys are."""


class _Part(Protocol):
    @property
    def id(self) -> UUID: ...

    @property
    def parent_id(self) -> UUID | None: ...


P = TypeVar("P", bound=_Part)


def read_overrides(fields: Fields, before: PlanDetails, known: Known, *, at: datetime) -> OwnTerms:
    """What the body wants of its own for a subscription. Charges that it does not name stay as they are.

    Where it wants no more than units of fixed charges there is no copy of the plan.

    Args:
        before: in force for the subscription.
        known: with the metrics of all charges of before, and the taxes of the body.

    Raises:
        InvalidInputError: a value is refused, or nothing bills it yet.
        NotFoundError: `charge_not_found` or `fixed_charge_not_found`.
        ForbiddenError: `cannot_override_charge_model`.
        ConflictError: the plan has moved on since its metrics were read.
    """
    unavailable.refuse_of_plan(fields)
    charges, fixed_charges = fields.objects("charges") or [], fields.objects("fixed_charges") or []
    details, units = before, []
    for entry in charges:
        charge = _named(entry, details.charges, "charge")
        details = details.with_charge(override_charge(entry, charge, known, at=at))
    for entry in fixed_charges:
        fixed_charge = _named(entry, details.fixed_charges, "fixed_charge")
        details = details.with_fixed_charge(override_fixed_charge(entry, fixed_charge, known.taxes, at=at))
        if (number := read_units(entry)) is not None:
            immediately = applies_units_immediately(entry)
            units.append(SetUnits(fixed_charge_id=fixed_charge.root_id, units=number, immediately=immediately))
    own = {name: fields.values[name] for name in _OF_PLAN if name in fields}
    if own.get("minimum_commitment") is None:  # Lago's Go client sends null where it says nothing
        own.pop("minimum_commitment", None)
    details = read_details(Fields(own, fields.errors), details, known, {}, subscribed=False, at=at)
    is_copied = bool(own or charges) or any(is_override(entry) for entry in fixed_charges)
    return OwnTerms(details=details if is_copied else None, units=tuple(units))


def _named(entry: Fields, parts: Sequence[P], resource: str) -> P:
    """The charge with the id of an entry: its own, or in a copy also that of the plan's, so that a body may be sent
    again once it has made the copy."""
    wanted = entry.uuid("id")
    entry.required("id", wanted)
    entry.check()
    for part in parts:
        if wanted in (part.id, part.parent_id):
            return part
    raise NotFoundError(resource)
