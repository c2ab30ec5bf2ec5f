"""Dynamic: the events carry their amounts. Source: metering-pricing 12.8."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.pricing.price import Price, PricedUsage

DEFAULTS: Mapping[str, Any] = {}
KEYS: frozenset[str] = frozenset()


def validate(properties: Mapping[str, Any]) -> list[str]:
    return []


def parse(properties: Mapping[str, Any]) -> None:
    """Nothing: only grouping keys may be there."""


def price(usage: PricedUsage, nothing: None) -> Price:
    """Amounts without units are not owed."""
    return Price.of(usage.precise_total_amount if usage.units else Decimal(0), usage)
