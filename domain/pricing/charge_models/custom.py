"""Custom: the events have made the amount (`domain/metering/aggregations/custom.py`).

Source: metering-pricing 12.9, A20.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.metering.aggregations.custom import is_served
from domain.metering.ports import CustomAggregator, CustomProperties
from domain.metering.usage_event import text
from domain.pricing.price import Price, PricedUsage

DEFAULTS: Mapping[str, Any] = {"custom_properties": {}}
KEYS = frozenset(DEFAULTS)


def validate(properties: Mapping[str, Any]) -> list[str]:
    """An object of texts and whole numbers: decimals are texts here, too (M3)."""
    given = properties.get("custom_properties")
    is_valid = given is None or (
        isinstance(given, Mapping) and all(isinstance(value, str | int) for value in given.values())
    )
    return [] if is_valid else ["invalid_custom_properties"]


def validate_for(aggregator: CustomAggregator, properties: Mapping[str, Any]) -> list[str]:
    """Likewise, of valid properties for a metric: without a number that it names no event would cost anything."""
    return [] if is_served(aggregator, parse(properties)) else ["missing_custom_properties"]


def parse(properties: Mapping[str, Any]) -> CustomProperties:
    """What the aggregator's expressions are given."""
    given = properties.get("custom_properties") or {}
    return tuple(sorted((name, text(value) or "") for name, value in given.items()))


def price(usage: PricedUsage, custom_properties: CustomProperties) -> Price:
    """The properties are in the amount already. It is owed without units, too: an event may add to it alone."""
    return Price.of(usage.precise_total_amount, usage)
