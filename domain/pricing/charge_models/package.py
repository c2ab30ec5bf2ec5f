"""Package: units are sold in packages, each owed from its first unit on. Source: metering-pricing 12.5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from domain.kernel.decimals import wire
from domain.pricing.price import Price, PricedUsage, per_unit
from domain.pricing.properties import decimal, whole

DEFAULTS: Mapping[str, Any] = {"package_size": 1, "amount": "0", "free_units": 0}
KEYS = frozenset(DEFAULTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """`amount` in major units per package of `size` units, after `free_units`."""

    amount: Decimal
    size: int
    free_units: int


def validate(properties: Mapping[str, Any]) -> list[str]:
    checks = {
        "invalid_amount": decimal(properties.get("amount")) is not None,
        "invalid_package_size": whole(properties.get("package_size"), at_least=1),
        "invalid_free_units": whole(properties.get("free_units"), at_least=0),
    }
    return [code for code, holds in checks.items() if not holds]


def parse(properties: Mapping[str, Any]) -> Package:
    return Package(
        amount=Decimal(properties["amount"]), size=properties["package_size"], free_units=properties["free_units"]
    )


def price(usage: PricedUsage, package: Package) -> Price:
    """The unit amount is spread over the paid units only, unlike in the other models."""
    if usage.units == 0:
        return Price(amount=Decimal(0), unit_amount=Decimal(0), amount_details=_NOTHING)
    paid = max(usage.units - package.free_units, Decimal(0))
    amount = (paid / package.size).to_integral_value(ROUND_CEILING) * package.amount
    details = {
        "free_units": wire(Decimal(package.free_units)),
        "paid_units": wire(paid),
        "per_package_size": package.size,
        "per_package_unit_amount": wire(package.amount),
    }
    return Price(amount=amount, unit_amount=per_unit(amount, paid), amount_details=details)


_NOTHING: Mapping[str, Any] = {
    "free_units": "0.0",
    "paid_units": "0.0",
    "per_package_size": 0,
    "per_package_unit_amount": "0.0",
}
