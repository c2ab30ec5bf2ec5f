"""Volume: all units have the price of the range that they reach. Source: metering-pricing 12.7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import wire
from domain.pricing.charge_models import ranges
from domain.pricing.charge_models.ranges import PRICED_RANGE_AMOUNTS, PRICED_RANGE_DEFAULT, PricedRange
from domain.pricing.price import Price, PricedUsage

DEFAULTS: Mapping[str, Any] = {"volume_ranges": [dict(PRICED_RANGE_DEFAULT)]}
KEYS = frozenset(DEFAULTS)


def validate(properties: Mapping[str, Any]) -> list[str]:
    return ranges.validate(
        properties.get("volume_ranges"), "volume_ranges", PRICED_RANGE_AMOUNTS, steps=ranges.NEXT_OR_HOLE
    )


def parse(properties: Mapping[str, Any]) -> tuple[PricedRange, ...]:
    return tuple(PricedRange.parse(tier) for tier in properties["volume_ranges"])


def price(usage: PricedUsage, tiers: Sequence[PricedRange]) -> Price:
    """Units before proration choose the range, prorated units are priced.

    The range is the first whose upper bound they do not exceed. Where ranges leave a hole ("0-10, 12-20") it belongs to
    the range above: 10.5 and 11 cost what 12 does. Lago takes such ranges and asks besides that a range begin at or
    below the units, rounded up: then none has 10.5 or 11, and the units that are used would have no price.

    Args:
        tiers: ascending, the last one unbounded. Units below zero are none (Q12).
    """
    units = max(usage.units, Decimal(0))
    reached = units if usage.full_units is None else usage.full_units
    tier = next(tier for tier in tiers if tier.to_value is None or reached <= tier.to_value)
    of_units = units * tier.per_unit_amount
    details = {
        "flat_unit_amount": wire(tier.flat_amount),
        "per_unit_amount": wire(tier.per_unit_amount if units else Decimal(0)),
        "per_unit_total_amount": wire(of_units),
    }
    return Price.of(of_units + tier.flat_amount, usage, details)
