"""A pricing unit: what prices are in where they are not in money (credits, tokens, …)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.kernel.aggregate import Aggregate

LONGEST_SHORT_NAME, LONGEST_DESCRIPTION = 3, 600
"""Characters. Source: metering-pricing X1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingUnitDetails:
    """Source: metering-pricing X1. What one is worth is said by the charges that are priced in it."""

    name: str
    code: str
    short_name: str
    description: str | None = None


class PricingUnit(Aggregate):
    """Never changes: charges and fees name it."""

    TOPIC = "pricing_unit"

    class Created(Aggregate.Created):
        TOPIC = "pricing_unit.created"
        organization_id: UUID
        details: PricingUnitDetails

    def __init__(self, organization_id: UUID, details: PricingUnitDetails) -> None:
        self.organization_id, self.details = organization_id, details
