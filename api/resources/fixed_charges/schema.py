"""What a body may say of fixed charges.

Source: metering-pricing W1, W2; M2, M3, M7 as of usage charges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from api.fields import Fields
from api.resources.fixed_charges.known import KnownAddOn
from api.resources.plans.parts import read_code, read_parts
from api.resources.taxes.named import read_tax_ids
from domain.catalog.charge import charge_code
from domain.catalog.fixed_charge import FixedCharge, FixedChargeModel, UnitsChange
from domain.kernel import ids
from domain.kernel.errors import ForbiddenError, NotFoundError
from domain.pricing.compatibility import check_fixed
from domain.pricing.grouping import KEYS as GROUPING_KEYS
from domain.pricing.properties import MAX_DIGITS
from domain.pricing.registry import validate, with_defaults

_FROZEN = ("charge_model", "code")
"""What no longer changes once the plan has, or had, a subscription; `pay_in_advance` and `prorated` never change."""

_OVERRIDABLE = ("invoice_display_name", "properties", "tax_codes")
"""What one subscription may have of its own in a copy of its plan. Units need no copy."""

_MOST_UNITS = Decimal(10) ** 15


def read_fixed_charges(
    fields: Fields,
    before: Sequence[FixedCharge],
    add_ons: Mapping[UUID, KnownAddOn],
    taxes: Mapping[str, UUID],
    *,
    subscribed: bool,
    at: datetime,
) -> tuple[FixedCharge, ...]:
    """The list in the body, see `read_parts`.

    Args:
        add_ons: those that entries name and that are not deleted. A fixed charge that is there needs none.
        taxes: those of the body, ids by code.
        subscribed: whether the plan has, or had, a subscription.

    Raises:
        NotFoundError: `add_ons_not_found`, of a new one.
    """

    def read(entry: Fields, old: FixedCharge | None, taken: set[str]) -> FixedCharge:
        if old is not None:
            return read_fixed_charge(entry, old, taxes, subscribed=subscribed, at=at)
        add_on_id = entry.uuid("add_on_id")
        if add_on_id is None or add_on_id not in add_ons:
            raise NotFoundError("add_ons")
        return read_new_fixed_charge(entry, ids.new(), add_ons[add_on_id], taxes, taken, at=at)

    return read_parts(fields, "fixed_charges", before, read)


def read_new_fixed_charge(
    fields: Fields,
    fixed_charge_id: UUID,
    add_on: KnownAddOn,
    taxes: Mapping[str, UUID],
    taken: Iterable[str],
    *,
    at: datetime,
) -> FixedCharge:
    """A fixed charge that begins; one without a code gets one that is not `taken`."""
    change = UnitsChange(
        units=read_units(fields) or Decimal(0), decided_at=at, immediately=applies_units_immediately(fields)
    )
    begun = FixedCharge(
        id=fixed_charge_id,
        code=read_code(fields) or charge_code(add_on.code, taken),
        add_on_id=add_on.id,
        charge_model="standard",
        properties={},
        pay_in_advance=bool(fields.boolean("pay_in_advance")),
        prorated=bool(fields.boolean("prorated")),
        units_log=(change,),
        created_at=at,
    )
    model = fields.choice("charge_model", get_args(FixedChargeModel))
    fields.required("charge_model", model)
    return _read(fields, begun, model, taxes)


def read_fixed_charge(
    fields: Fields, old: FixedCharge, taxes: Mapping[str, UUID], *, subscribed: bool, at: datetime
) -> FixedCharge:
    """A fixed charge with what the body changes of it."""
    if subscribed:
        fields = Fields({key: value for key, value in fields.values.items() if key not in _FROZEN}, fields.errors)
    model = fields.choice("charge_model", get_args(FixedChargeModel), old.charge_model)
    fields.required("charge_model", model)
    changed, units = replace(old, code=read_code(fields) or old.code), read_units(fields)
    if units is not None:
        changed = changed.with_units(units, immediately=applies_units_immediately(fields), at=at)
    return _read(fields, changed, model, taxes)


def is_override(fields: Fields) -> bool:
    """Whether one subscription shall have more of its own than units."""
    return any(name in fields for name in _OVERRIDABLE)


def read_override(fields: Fields, old: FixedCharge, taxes: Mapping[str, UUID], *, at: datetime) -> FixedCharge:
    """A fixed charge with what one subscription shall have of its own, but for units.

    Raises:
        ForbiddenError: `cannot_override_charge_model`.
    """
    if fields.values.get("charge_model") not in (None, old.charge_model):
        raise ForbiddenError("cannot_override_charge_model")
    own = Fields({key: value for key, value in fields.values.items() if key in _OVERRIDABLE}, fields.errors)
    return read_fixed_charge(own, old, taxes, subscribed=False, at=at)


def read_units(fields: Fields) -> Decimal | None:
    """As a number or in a text; None where the body does not say."""
    units = fields.decimal("units", least=Decimal(0), most=_MOST_UNITS)
    if units is None:
        return None
    exponent = units.as_tuple().exponent
    assert isinstance(exponent, int), "it is finite"
    if exponent < -MAX_DIGITS:
        fields.refuse("units", "value_is_out_of_range")
    return units


def applies_units_immediately(fields: Fields) -> bool:
    return bool(fields.boolean("apply_units_immediately"))


def _read(
    fields: Fields, fixed_charge: FixedCharge, model: FixedChargeModel | None, taxes: Mapping[str, UUID]
) -> FixedCharge:
    """`fixed_charge` with the body's values."""
    read = replace(
        fixed_charge,
        charge_model=model or fixed_charge.charge_model,
        properties=_read_properties(fields, model, fixed_charge.properties),
        invoice_display_name=fields.text("invoice_display_name", fixed_charge.invoice_display_name),
        tax_ids=read_tax_ids(fields, taxes, fixed_charge.tax_ids),
    )
    wrong = check_fixed(charge_model=read.charge_model, pay_in_advance=read.pay_in_advance, prorated=read.prorated)
    for name, codes in wrong.items():
        for code in codes:
            fields.refuse(name, code)
    return read


def _read_properties(fields: Fields, model: FixedChargeModel | None, before: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the model, checked and completed; nothing is grouped here, so grouping keys are unknown ones."""
    given = fields.object("properties")
    if model is None:
        return {}
    completed = with_defaults(model, given.values if given is not None else before)
    properties = {key: value for key, value in completed.items() if key not in GROUPING_KEYS}
    for code in validate(model, properties):
        fields.refuse("properties", code)
    return properties
