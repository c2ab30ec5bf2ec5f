"""What the units of a fixed charge cost: for a window, and for a change in the course of one.

Source: metering-pricing 18 (W4, W5, W8, W9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from domain.kernel.decimals import exact
from domain.kernel.money import Money, major_units
from domain.metering.prorated_period import ProratedValue
from domain.pricing.fee import PricedFee, precise, settle, unit_amounts
from domain.pricing.price import PricedUsage, per_unit
from domain.pricing.registry import ChargeModel, price


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpiredFee:
    """What was paid in advance under an old plan for the same add-on: `days_left` of its `days` are still to come."""

    amount_cents: int
    days_left: int
    days: int


def price_window(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    *,
    units: Decimal,
    prorated_units: Decimal | None,
    currency: str,
) -> PricedFee:
    """The fee of a window: `units` are shown, and priced unless they are prorated.

    Args:
        units: decided last in the window.
        prorated_units: weighed by the days that they held; None where the charge is not prorated.
    """
    if prorated_units is None:
        usage = PricedUsage(units=units)
    else:
        change = ProratedValue(full=units, prorated=prorated_units)
        changes = (change,) if charge_model == "graduated" else None
        usage = PricedUsage(units=prorated_units, full_units=units, changes=changes)
    return settle(price(charge_model, properties, usage), units, 0, currency)


@exact()
def price_change(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    *,
    units: Decimal,
    billed_units: Decimal,
    days_left: int | None,
    duration_days: int,
    currency: str,
) -> PricedFee:
    """The fee of a change that takes effect in the course of a window: of the units beyond those that were billed.

    Ranges begin anew with them (Q16). Fewer units cost nothing, and nothing is given back.

    Args:
        billed_units: for the same window, in all.
        days_left: of the period, from the day of the change on; None where the charge is not prorated.
    """
    more = max(units - billed_units, Decimal(0))
    if more == 0:
        return settle(price("standard", {"amount": "0"}, PricedUsage(units=more)), more, 0, currency)
    weight = Decimal(1) if days_left is None else Decimal(days_left) / duration_days
    usage = PricedUsage(units=more * weight, full_units=more)
    fee = settle(price(charge_model, properties, usage), more, 0, currency)
    unit_amount_cents, _ = unit_amounts(major_units(fee.amount_cents, currency) / more, currency, ROUND_HALF_UP)
    return replace(fee, unit_amount_cents=unit_amount_cents)


@exact()
def less_unexpired(
    fee: PricedFee, unexpired: Sequence[UnexpiredFee], currency: str, *, taken_cents: int = 0
) -> PricedFee:
    """The fee without what was paid for the same days already; never below zero (W9).

    Args:
        taken_cents: of that, what was taken off another fee of the same add-on.
    """
    paid_cents = sum(_unexpired_cents(one, currency) for one in unexpired) - taken_cents
    if paid_cents <= 0:
        return fee
    precise_cents = max(fee.precise_amount_cents - paid_cents, Decimal(0))
    unit_amount = per_unit(major_units(precise_cents, currency), fee.units)
    unit_amount_cents, precise_unit_amount = unit_amounts(unit_amount, currency)
    return replace(
        fee,
        amount_cents=max(fee.amount_cents - paid_cents, 0),
        precise_amount_cents=precise(precise_cents),
        unit_amount_cents=unit_amount_cents,
        precise_unit_amount=precise_unit_amount,
    )


def _unexpired_cents(paid: UnexpiredFee, currency: str) -> int:
    share = Decimal(paid.amount_cents) * paid.days_left / paid.days
    return Money.settle(major_units(share, currency), currency).minor_units
