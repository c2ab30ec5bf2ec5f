"""What the fee of a fixed charge follows from, and the fee: what an invoice does, and what its replay does again.

Source: metering-pricing W4, W5, W8, W9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.catalog.fixed_charge import FixedChargeModel
from domain.kernel.zones import DAY, local_date
from domain.pricing.fee import PricedFee
from domain.pricing.fixed_charge import UnexpiredFee, less_unexpired, price_change, price_window
from domain.subscriptions.fixed_charge_units import UnitsEvent, full_units, prorated_units


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedChargeInputs:
    """A fixed charge and the window that is billed, both ends inclusive.

    Attributes:
        events: the decisions about its units that count in the window.
        duration_days: of the whole period of fixed charges.
        billed_units: what was billed for the window before, where the fee is for a change in the course of it.
        unexpired: what an old plan was paid for the same days.
        taken_cents: of that, what another fee of the same add-on has less.
    """

    charge_model: FixedChargeModel
    properties: Mapping[str, Any]
    prorated: bool
    events: tuple[UnitsEvent, ...]
    from_at: datetime
    to_at: datetime
    duration_days: int
    timezone: str
    billed_units: Decimal | None = None
    unexpired: tuple[UnexpiredFee, ...] = ()
    taken_cents: int = 0


def price_fixed_charge(inputs: FixedChargeInputs, currency: str) -> PricedFee:
    """
    Args:
        currency: of the plan.
    """
    units = full_units(inputs.events)
    if inputs.billed_units is not None:
        return price_change(
            inputs.charge_model,
            inputs.properties,
            units=units,
            billed_units=inputs.billed_units,
            days_left=_days_left(inputs) if inputs.prorated else None,
            duration_days=inputs.duration_days,
            currency=currency,
        )
    weighted = None
    if inputs.prorated:
        weighted = prorated_units(
            inputs.events,
            inputs.from_at,
            inputs.to_at,
            duration_days=inputs.duration_days,
            timezone=inputs.timezone,
        )
    fee = price_window(inputs.charge_model, inputs.properties, units=units, prorated_units=weighted, currency=currency)
    return less_unexpired(fee, inputs.unexpired, currency, taken_cents=inputs.taken_cents)


def _days_left(inputs: FixedChargeInputs) -> int:
    """Local days from that of the change on (W8; Lago takes those of UTC)."""
    changed_on = local_date(inputs.events[-1].effective_at, inputs.timezone)
    return (local_date(inputs.to_at, inputs.timezone) + DAY - changed_on).days
