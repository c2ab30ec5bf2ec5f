"""The copy of a plan that one subscription has of its own, and what of the plan's later changes reaches it.

Source: metering-pricing F11, W10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from domain.catalog.charge import Charge, ChargeFilter, charge_code
from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import PlanDetails
from domain.kernel import ids
from domain.pricing.grouping import KEYS as GROUPING_KEYS

C = TypeVar("C", Charge, FixedCharge)


def copied(details: PlanDetails, plan_id: UUID) -> PlanDetails:
    """The details for the copy with the id `plan_id`: charges, filters and the like have ids of their own there."""
    commitment = details.minimum_commitment
    return replace(
        details,
        charges=tuple(_copied(charge, plan_id) for charge in details.charges),
        fixed_charges=tuple(_copied_fixed(fixed_charge, plan_id) for fixed_charge in details.fixed_charges),
        minimum_commitment=commitment and replace(commitment, id=ids.of("minimum_commitment", plan_id, commitment.id)),
    )


def copied_filter_id(filter_id: UUID, plan_id: UUID) -> UUID:
    """The id that a filter of the plan has in the copy."""
    return ids.of("charge_filter", plan_id, filter_id)


def cascaded(
    before: PlanDetails, after: PlanDetails, own: PlanDetails, plan_id: UUID, own_units: Mapping[UUID, Decimal]
) -> PlanDetails:
    """The details of a copy once the change of its plan from `before` to `after` has reached it.

    Charges and filters that the plan gained or lost come and go; prices follow where they are still the plan's.

    Args:
        own: of the copy, whose id is `plan_id`.
        own_units: of the fixed charges that its subscription has other units for, by `root_id`.
    """
    return replace(
        own,
        charges=_cascaded(before.charges, after.charges, own.charges, plan_id, _copied, _followed),
        fixed_charges=_cascaded(
            before.fixed_charges,
            after.fixed_charges,
            own.fixed_charges,
            plan_id,
            _copied_fixed,
            partial(_followed_fixed, own_units),
        ),
    )


def _cascaded(
    before: Sequence[C],
    after: Sequence[C],
    own: Sequence[C],
    plan_id: UUID,
    copy: Callable[[C, UUID], C],
    follow: Callable[[C, C, C], C],
) -> tuple[C, ...]:
    """The charges of a copy, usage or fixed: `follow` makes one of what the plan's was and is and of its own."""
    old, new = ({charge.id: charge for charge in charges} for charges in (before, after))
    charges = [
        charge if charge.parent_id not in old else follow(old[charge.parent_id], new[charge.parent_id], charge)
        for charge in own
        if charge.parent_id not in old or charge.parent_id in new
    ]
    for added in after:
        if added.id not in old:
            code = charge_code(added.code, (charge.code for charge in charges))
            charges.append(replace(copy(added, plan_id), code=code))
    return tuple(charges)


def _copied(charge: Charge, plan_id: UUID) -> Charge:
    return replace(
        charge,
        id=ids.of("charge", plan_id, charge.id),
        parent_id=charge.id,
        filters=tuple(_copied_filter(filter_, plan_id) for filter_ in charge.filters),
    )


def _copied_fixed(fixed_charge: FixedCharge, plan_id: UUID) -> FixedCharge:
    return replace(fixed_charge, id=ids.of("fixed_charge", plan_id, fixed_charge.id), parent_id=fixed_charge.id)


def _copied_filter(filter_: ChargeFilter, plan_id: UUID) -> ChargeFilter:
    return replace(filter_, id=copied_filter_id(filter_.id, plan_id))


def _followed(before: Charge, after: Charge, own: Charge) -> Charge:
    return replace(
        own,
        properties=_properties(before.properties, after.properties, own.properties),
        filters=tuple(_filters(before, after, own)),
    )


def _followed_fixed(
    own_units: Mapping[UUID, Decimal], before: FixedCharge, after: FixedCharge, own: FixedCharge
) -> FixedCharge:
    """Model, price and units together, where all three are still the plan's (W10)."""
    units = own_units.get(own.root_id, own.units)
    if (own.charge_model, own.properties, units) != (before.charge_model, before.properties, before.units):
        return own
    changes = after.units_log[len(before.units_log) :]
    return replace(
        own,
        charge_model=after.charge_model,
        properties=after.properties,
        units_log=(*own.units_log, *changes),
    )


def _filters(before: Charge, after: Charge, own: Charge) -> list[ChargeFilter]:
    new = {filter_.id: filter_ for filter_ in after.filters}
    filters: list[ChargeFilter] = []
    for filter_ in own.filters:
        old = next((one for one in before.filters if one.has(filter_.values)), None)
        if old is None:
            filters.append(filter_)
        elif old.id in new:
            changed = new[old.id]
            properties = _properties(old.properties, changed.properties, filter_.properties)
            filters.append(replace(filter_, values=changed.values, properties=properties))
    known = {filter_.id for filter_ in before.filters}
    added = [filter_ for filter_ in after.filters if filter_.id not in known]
    missing = [one for one in added if not any(filter_.has(one.values) for filter_ in filters)]
    return [*filters, *(_copied_filter(one, own.id) for one in missing)]


def _properties(before: Mapping[str, Any], after: Mapping[str, Any], own: Mapping[str, Any]) -> Mapping[str, Any]:
    """The plan's new price where the copy's is still the old one; else only changed grouping keys follow."""
    if own == before:
        return after
    old_keys, new_keys = ({key: one[key] for key in GROUPING_KEYS & one.keys()} for one in (before, after))
    if old_keys == new_keys:
        return own
    return {key: value for key, value in own.items() if key not in GROUPING_KEYS} | new_keys
