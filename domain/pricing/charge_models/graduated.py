"""Graduated: each range prices the units inside it. Source: metering-pricing 12.2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import wire
from domain.pricing.charge_models import prorated_graduated, ranges
from domain.pricing.charge_models.ranges import PRICED_RANGE_AMOUNTS, PRICED_RANGE_DEFAULT, PricedRange
from domain.pricing.price import Price, PricedUsage

DEFAULTS: Mapping[str, Any] = {"graduated_ranges": [dict(PRICED_RANGE_DEFAULT)]}
KEYS = frozenset(DEFAULTS)


def validate(properties: Mapping[str, Any]) -> list[str]:
    return ranges.validate(
        properties.get("graduated_ranges"), "graduated_ranges", PRICED_RANGE_AMOUNTS, steps=ranges.ADJACENT_OR_NEXT
    )


def parse(properties: Mapping[str, Any]) -> tuple[PricedRange, ...]:
    return tuple(PricedRange.parse(tier) for tier in properties["graduated_ranges"])


def price(usage: PricedUsage, tiers: Sequence[PricedRange]) -> Price:
    """A flat amount is owed once its range is entered, the first one always.

    Args:
        tiers: ascending, contiguous, the last one unbounded (`validate` guarantees it).
    """
    if usage.changes is not None:
        return prorated_graduated.price(usage.units, usage.changes, tiers)
    details = [_details(tier, units) for tier, units in ranges.fill(usage.units, tiers)]
    amount = sum(
        (tier.flat_amount + units * tier.per_unit_amount for tier, units in ranges.fill(usage.units, tiers)), Decimal(0)
    )
    return Price.of(amount, usage, {"graduated_ranges": details})


def _details(tier: PricedRange, units: Decimal) -> dict[str, Any]:
    of_units = units * tier.per_unit_amount
    return {
        **ranges.present(tier),
        "units": wire(units),
        "flat_unit_amount": wire(tier.flat_amount),
        "per_unit_amount": wire(tier.per_unit_amount if units else Decimal(0)),
        "per_unit_total_amount": wire(of_units),
        "total_with_flat_amount": wire(of_units + tier.flat_amount),
    }
