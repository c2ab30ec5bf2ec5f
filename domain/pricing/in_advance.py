"""The price of one event that is paid in advance: what usage costs with it, less what it cost before.

Source: metering-pricing V5, V7, V10.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import exact, wire
from domain.kernel.money import Money, major_units
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import Price, PricedUsage, per_unit
from domain.pricing.registry import ChargeModel, price

_OWED_WITHOUT_UNITS: frozenset[ChargeModel] = frozenset({"percentage", "custom"})
"""Models where events of no units may owe something: a minimum each, or what they make the amount."""

_TERMS = frozenset({"from_value", "to_value", "rate", "fixed_fee_unit_amount"})
"""Details that tell of the price and not of the usage: they stay as they are."""


@exact()
def price_event(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    *,
    before: PricedUsage,
    after: PricedUsage,
    units: Decimal,
    currency: str,
) -> PricedFee:
    """The fee of one event, rounded on its own.

    Usage of no units has cost nothing, so the first event carries the flat amount of the first range.

    Args:
        before, after: usage without and with the event; both not prorated unless the event's units are.
        units: what the fee shows, >= 0 (metering-pricing V7).
    """
    with_event, without = (_cost(charge_model, properties, usage) for usage in (after, before))
    amount = max(with_event.amount - without.amount, Decimal(0))
    rounded = major_units(Money.settle(amount, currency).minor_units, currency)
    event = Price(
        amount=amount,
        unit_amount=per_unit(rounded, units),
        amount_details=_difference(charge_model, with_event.amount_details, without.amount_details),
    )
    return settle(event, units, 1, currency)


def _cost(charge_model: ChargeModel, properties: Mapping[str, Any], usage: PricedUsage) -> Price:
    if usage.units <= 0 and charge_model not in _OWED_WITHOUT_UNITS:
        return Price(amount=Decimal(0), unit_amount=Decimal(0))
    return price(charge_model, properties, usage)


def _difference(charge_model: ChargeModel, after: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Details of the event alone; only the two models that Lago shows them of have any."""
    if charge_model == "percentage":
        return _less(after, before)
    if charge_model == "graduated_percentage":
        name = "graduated_percentage_ranges"
        earlier = {tier["from_value"]: tier for tier in before.get(name, ())}
        return {name: [_less(tier, earlier.get(tier["from_value"], {})) for tier in after.get(name, ())]}
    return {}


def _less(after: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """Number by number; counts stay integers, decimals are strings."""
    return {key: value if key in _TERMS else _minus(value, before.get(key, 0)) for key, value in after.items()}


def _minus(after: int | str, before: int | str) -> int | str:
    if isinstance(after, int):
        return after - int(before)
    return wire(Decimal(after) - Decimal(before))
