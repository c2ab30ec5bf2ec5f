"""What an event costs by itself, and which events can be estimated at all.

With its history an event costs what it then does: `pay_in_advance`. Source: metering-pricing 17 (Y5, Y6).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import exact
from domain.kernel.errors import InvalidInputError
from domain.metering.high_water import change_of
from domain.metering.ports import Metric
from domain.metering.rounding import round_units
from domain.metering.usage_event import UsageEvent, number
from domain.pricing.charge_models import percentage
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import Price, PricedUsage
from domain.pricing.registry import ChargeModel, price

INSTANT_MODELS: frozenset[ChargeModel] = frozenset({"standard", "percentage"})
"""Charge models that instant estimates know."""

_NUMERIC = frozenset({"sum_agg", "max_agg", "latest_agg"})


def check_number(metric: Metric, properties: Mapping[str, Any]) -> None:
    """Refuse the properties of an event whose value is not a number where the metric needs one.

    Raises:
        InvalidInputError: `properties: value_is_not_valid_number`.
    """
    if metric.aggregation_type in _NUMERIC and number(properties.get(metric.field_name or "")) is None:
        raise InvalidInputError({"properties": ["value_is_not_valid_number"]})


@exact()
def instant_fee(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    metric: Metric,
    event: UsageEvent,
    *,
    rounding: tuple[str, int] | None,
    currency: str,
) -> PricedFee:
    """The fee of `event` alone: no history, no free allowances (Y6).

    An added value of a unique count is one unit. (Lago would read the value itself as the units.) An event that counts
    for nothing has no units.

    Args:
        charge_model: one of `INSTANT_MODELS`.
        rounding: function and precision of the metric, None without.
    """
    units = change_of(event, metric, frozenset()) or Decimal(0)
    if rounding is not None:
        units = round_units(units, *rounding)
    usage = PricedUsage(units=units, events_count=1)
    if charge_model == "standard":
        return settle(price(charge_model, properties, usage), units, 1, currency)
    assert charge_model == "percentage", charge_model
    amount = percentage.of_event(units, percentage.parse(properties))
    return settle(Price.of(amount, usage), units, 1, currency)
