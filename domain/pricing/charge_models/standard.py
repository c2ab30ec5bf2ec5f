"""Standard: every unit has the same price. Source: metering-pricing 12.1."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.pricing.price import Price, PricedUsage
from domain.pricing.properties import decimal

DEFAULTS: Mapping[str, Any] = {"amount": "0"}
KEYS = frozenset(DEFAULTS)


def validate(properties: Mapping[str, Any]) -> list[str]:
    return ["invalid_amount"] if decimal(properties.get("amount")) is None else []


def parse(properties: Mapping[str, Any]) -> Decimal:
    """Major units per unit."""
    return Decimal(properties["amount"])


def price(usage: PricedUsage, amount: Decimal) -> Price:
    return Price.of(usage.units * amount, usage)
