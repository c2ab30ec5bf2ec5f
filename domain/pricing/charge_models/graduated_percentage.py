"""Graduated percentage: each range takes its share of the units inside it. Source: metering-pricing 12.4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import wire
from domain.pricing.charge_models import ranges
from domain.pricing.price import Price, PricedUsage

DEFAULTS: Mapping[str, Any] = {
    "graduated_percentage_ranges": [
        {"from_value": 0, "to_value": None, "rate": "0", "fixed_amount": "0", "flat_amount": "0"}
    ]
}
KEYS = frozenset(DEFAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentageRange:
    """`rate_percent` of the units inside it, and `flat_amount` in major units once it is entered."""

    from_value: Decimal
    to_value: Decimal | None
    rate_percent: Decimal
    flat_amount: Decimal


def validate(properties: Mapping[str, Any]) -> list[str]:
    return ranges.validate(
        properties.get("graduated_percentage_ranges"),
        "graduated_percentage_ranges",
        {"rate": "invalid_rate", "flat_amount": "invalid_amount"},
        steps=ranges.ADJACENT_OR_NEXT,
    )


def parse(properties: Mapping[str, Any]) -> tuple[PercentageRange, ...]:
    return tuple(
        PercentageRange(
            from_value=ranges.lower_bound(tier),
            to_value=ranges.upper_bound(tier),
            rate_percent=Decimal(tier["rate"]),
            flat_amount=Decimal(tier["flat_amount"]),
        )
        for tier in properties["graduated_percentage_ranges"]
    )


def price(usage: PricedUsage, tiers: Sequence[PercentageRange]) -> Price:
    """A flat amount is owed once its range is entered, the first one always.

    Ranges that touch ("0-10, 10-20") count each unit once, unlike in Lago (Q11).
    """
    amount, details = Decimal(0), []
    for tier, units in ranges.fill(usage.units, tiers):
        share = units * tier.rate_percent / 100
        amount += share + tier.flat_amount
        details.append(_details(tier, units, share))
    return Price.of(amount, usage, {"graduated_percentage_ranges": details})


def _details(tier: PercentageRange, units: Decimal, share: Decimal) -> dict[str, Any]:
    return {
        **ranges.present(tier),
        "units": wire(units),
        "flat_unit_amount": wire(tier.flat_amount),
        "rate": wire(tier.rate_percent),
        "per_unit_total_amount": wire(share),
        "total_with_flat_amount": wire(share + tier.flat_amount),
    }
