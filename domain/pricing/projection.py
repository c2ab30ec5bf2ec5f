"""Usage of a running period carried forward to its end, at the pace so far.

Source: metering-pricing Y4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from domain.kernel.decimals import exact
from domain.kernel.money import major_units
from domain.kernel.zones import day_count
from domain.metering.rounding import round_at
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import Price, PricedUsage
from domain.pricing.registry import ChargeModel, price

UNIT_DECIMALS = 2
"""Projected units are rounded at this scale, and priced so."""

_REPRICED: frozenset[ChargeModel] = frozenset({"standard", "graduated", "package", "volume"})
"""Models that price the projected units; of the others the amount is projected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """`days` of the window have begun, of `of_days` altogether; 1 <= days <= of_days."""

    days: int
    of_days: int

    @classmethod
    def at(cls, at: datetime, *, from_at: datetime, to_at: datetime, timezone: str) -> Elapsed:
        """How far the window `from_at` to `to_at` (inclusive) has come; complete from its end on."""
        of_days = max(day_count(from_at, to_at, timezone), 1)
        return cls(days=min(max(day_count(from_at, at, timezone), 1), of_days), of_days=of_days)

    @exact()
    def project(self, number: Decimal) -> Decimal:
        return number * self.of_days / self.days


@exact()
def project(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    fee: PricedFee,
    elapsed: Elapsed,
    *,
    recurring: bool,
    currency: str,
) -> PricedFee:
    """The fee that the whole window comes to if it goes on as so far.

    Args:
        fee: of current usage.
        recurring: whether the metric is; such units stay, so the projection is the fee itself. (All prorated charges
            are of recurring metrics.)
        currency: of the fee.
    """
    if recurring or (fee.units == 0 and charge_model in _REPRICED):
        return fee  # usage below zero shows as none too, and owes no flat amount
    units = round_at(elapsed.project(fee.units), UNIT_DECIMALS, ROUND_HALF_UP)
    usage = PricedUsage(units=units, events_count=fee.events_count)
    if charge_model in _REPRICED:
        projected = price(charge_model, properties, usage)
    else:
        projected = Price.of(major_units(elapsed.project(fee.precise_amount_cents), currency), usage)
    return settle(projected, units, fee.events_count, currency)
