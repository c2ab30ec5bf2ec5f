"""A plan: what a subscription costs per interval, its usage charges and its fixed charges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.charge import Charge
from domain.catalog.fixed_charge import FixedCharge
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import NotFoundError
from domain.subscriptions.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumCommitment:
    """What a period of the plan costs at least. Source: metering-pricing D1."""

    id: UUID
    amount_cents: int
    invoice_display_name: str | None = None
    tax_ids: tuple[UUID, ...] = ()
    created_at: datetime
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDetails:
    """Source: api-surface "Plans", metering-pricing P1, P11. `trial_period` is in days, fractions allowed."""

    name: str
    code: str
    interval: Interval
    amount_cents: int
    amount_currency: str
    description: str | None = None
    invoice_display_name: str | None = None
    trial_period: Decimal = Decimal(0)
    pay_in_advance: bool = False
    bill_charges_monthly: bool | None = None
    bill_fixed_charges_monthly: bool | None = None
    charges: tuple[Charge, ...] = ()
    fixed_charges: tuple[FixedCharge, ...] = ()
    tax_ids: tuple[UUID, ...] = ()
    minimum_commitment: MinimumCommitment | None = None
    metadata: Mapping[str, str | None] | None = None

    def charge(self, code: str) -> Charge:
        """Raises NotFoundError: `charge_not_found`."""
        for charge in self.charges:
            if charge.code == code:
                return charge
        raise NotFoundError("charge")

    def with_charge(self, charge: Charge) -> PlanDetails:
        """With this charge in the place of the one with its id."""
        return replace(self, charges=tuple(charge if one.id == charge.id else one for one in self.charges))

    def fixed_charge(self, code: str) -> FixedCharge:
        """Raises NotFoundError: `fixed_charge_not_found`."""
        for fixed_charge in self.fixed_charges:
            if fixed_charge.code == code:
                return fixed_charge
        raise NotFoundError("fixed_charge")

    def with_fixed_charge(self, fixed_charge: FixedCharge) -> PlanDetails:
        """With this one in the place of the one with its id."""
        changed = (fixed_charge if one.id == fixed_charge.id else one for one in self.fixed_charges)
        return replace(self, fixed_charges=tuple(changed))


class Plan(Aggregate):
    """Where `parent_id` is set, the copy of a plan that is made for one subscription and changes with it alone."""

    TOPIC = "plan"

    class Created(Aggregate.Created):
        TOPIC = "plan.created"
        organization_id: UUID
        parent_id: UUID | None
        details: PlanDetails

    class Updated(Aggregate.Event):
        TOPIC = "plan.updated"
        details: PlanDetails

        def apply(self, plan: Plan) -> None:
            plan.details = self.details

    class Deleted(Aggregate.Event):
        TOPIC = "plan.deleted"

        def apply(self, plan: Plan) -> None:
            plan.deleted_at = self.timestamp

    def __init__(self, organization_id: UUID, parent_id: UUID | None, details: PlanDetails) -> None:
        self.organization_id, self.parent_id, self.details = organization_id, parent_id, details
        self.deleted_at: datetime | None = None

    def update(self, details: PlanDetails, *, at: datetime) -> None:
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

    def delete(self, *, at: datetime) -> None:
        if self.deleted_at is None:
            self.trigger_event(self.Deleted, timestamp=at)
