"""A fixed charge of a plan: so many units of an add-on each period, whatever is used.

Source: metering-pricing 18 (W1, W2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

FixedChargeModel = Literal["standard", "graduated", "volume"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsChange:
    """From `decided_at` on, or with the next period of fixed charges, there are `units`."""

    units: Decimal
    decided_at: datetime
    immediately: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCharge:
    """
    Attributes:
        parent_id: in the copy of a plan for one subscription the fixed charge that this one was copied from.
        properties: of the charge model, in wire form, checked and completed.
        units_log: every change of the units, the oldest first; the first is that of the making. Never empty.
    """

    id: UUID
    parent_id: UUID | None = None
    code: str
    add_on_id: UUID
    charge_model: FixedChargeModel
    properties: Mapping[str, Any]
    invoice_display_name: str | None = None
    pay_in_advance: bool = False
    prorated: bool = False
    units_log: tuple[UnitsChange, ...]
    tax_ids: tuple[UUID, ...] = ()
    created_at: datetime

    @property
    def units(self) -> Decimal:
        """As decided last, in force or not."""
        return self.units_log[-1].units

    @property
    def root_id(self) -> UUID:
        """The same in a plan and in its copies: what a subscription's units and fees are known by."""
        return self.parent_id or self.id

    def with_units(self, units: Decimal, *, immediately: bool, at: datetime) -> FixedCharge:
        """With these units from now or the next period on; the same units again change nothing (W2)."""
        if units == self.units:
            return self
        change = UnitsChange(units=units, decided_at=at, immediately=immediately)
        return replace(self, units_log=(*self.units_log, change))
