"""The copy of a plan that one subscription has of its own, and what of the plan's later changes reaches it.

Source: metering-pricing F11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.catalog.charge import Charge, ChargeFilter, charge_code
from domain.catalog.plan import PlanDetails
from domain.kernel import ids
from domain.pricing.grouping import KEYS as GROUPING_KEYS


def copied(details: PlanDetails, plan_id: UUID) -> PlanDetails:
    """The details for the copy with the id `plan_id`: charges and filters have ids of their own there."""
    return replace(details, charges=tuple(_copied(charge, plan_id) for charge in details.charges))


def copied_filter_id(filter_id: UUID, plan_id: UUID) -> UUID:
    """The id that a filter of the plan has in the copy."""
    return ids.of("charge_filter", plan_id, filter_id)


def cascaded(before: PlanDetails, after: PlanDetails, own: PlanDetails, plan_id: UUID) -> PlanDetails:
    """The details of a copy once the change of its plan from `before` to `after` has reached it.

    Charges and filters that the plan gained or lost come and go; prices follow where they are still the plan's.

    Args:
        own: of the copy, whose id is `plan_id`.
    """
    old, new = ({charge.id: charge for charge in details.charges} for details in (before, after))
    charges = [
        charge if charge.parent_id not in old else _followed(old[charge.parent_id], new[charge.parent_id], charge)
        for charge in own.charges
        if charge.parent_id not in old or charge.parent_id in new
    ]
    for added in after.charges:
        if added.id not in old:
            code = charge_code(added.code, (charge.code for charge in charges))
            charges.append(replace(_copied(added, plan_id), code=code))
    return replace(own, charges=tuple(charges))


def _copied(charge: Charge, plan_id: UUID) -> Charge:
    return replace(
        charge,
        id=ids.of("charge", plan_id, charge.id),
        parent_id=charge.id,
        filters=tuple(_copied_filter(filter_, plan_id) for filter_ in charge.filters),
    )


def _copied_filter(filter_: ChargeFilter, plan_id: UUID) -> ChargeFilter:
    return replace(filter_, id=copied_filter_id(filter_.id, plan_id))


def _followed(before: Charge, after: Charge, own: Charge) -> Charge:
    return replace(
        own,
        properties=_properties(before.properties, after.properties, own.properties),
        filters=tuple(_filters(before, after, own)),
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
