"""Prices in a virtual currency: a fee in pricing units becomes one in money.

Source: metering-pricing 16 (X1 to X5), Q21.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from domain.kernel.decimals import exact
from domain.kernel.money import Money, major_units, minor_units
from domain.pricing.fee import PricedFee, precise, unit_amounts

SETTLES_AS = "EUR"
"""Pricing units have two decimals (X1), so prices in them settle with any currency of two: pass this one as
`currency` where fees, minimums (X3) and projections are computed in pricing units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PricingUnitUsage:
    """A fee's figures in pricing units (`pricing_unit_details` on the wire).

    Attributes:
        amount_cents, unit_amount_cents: hundredths of a pricing unit; the latter cut off.
        precise_amount_cents: hundredths before rounding, 15 decimals.
        precise_unit_amount: pricing units per unit, 15 decimals.
        conversion_rate: major units of money per pricing unit.
    """

    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    conversion_rate: Decimal


@exact()
def convert(fee: PricedFee, conversion_rate: Decimal, currency: str) -> tuple[PricedFee, PricingUnitUsage]:
    """The fee in money, and what it was in pricing units.

    The money follows from the rounded hundredths, its precise figures too (Q21): unit prices below one hundredth come
    to nothing.

    Args:
        fee: in pricing units, settled as `SETTLES_AS`; of usage in arrears or a minimum.
        conversion_rate: major units of money per pricing unit, > 0.
        currency: of the plan.
    """
    usage = PricingUnitUsage(
        amount_cents=fee.amount_cents,
        precise_amount_cents=fee.precise_amount_cents,
        unit_amount_cents=fee.unit_amount_cents,
        precise_unit_amount=fee.precise_unit_amount,
        conversion_rate=conversion_rate,
    )
    amount = major_units(fee.amount_cents, SETTLES_AS) * conversion_rate
    unit_amount = major_units(fee.unit_amount_cents, SETTLES_AS) * conversion_rate
    unit_amount_cents, precise_unit_amount = unit_amounts(unit_amount, currency)
    money = replace(
        fee,
        amount_cents=Money.settle(amount, currency).minor_units,
        precise_amount_cents=precise(minor_units(amount, currency)),
        unit_amount_cents=unit_amount_cents,
        precise_unit_amount=precise_unit_amount,
    )
    return money, usage


@exact()
def convert_in_advance(fee: PricedFee, conversion_rate: Decimal, currency: str) -> tuple[PricedFee, PricingUnitUsage]:
    """As `convert`, for the fee of an event in advance.

    Its pricing units are rounded with the decimals of the plan's currency before those of the pricing unit (X4).
    (Where these are not two, Lago then also mistakes hundreds for units; here the amount keeps its size.)

    Args:
        fee: in pricing units, settled with the decimals of `currency`.
    """
    rounded = major_units(fee.amount_cents, currency)
    in_pricing_units = replace(
        fee,
        amount_cents=Money.settle(rounded, SETTLES_AS).minor_units,
        precise_amount_cents=precise(minor_units(rounded, SETTLES_AS)),
        unit_amount_cents=int(minor_units(fee.precise_unit_amount, SETTLES_AS)),
    )
    return convert(in_pricing_units, conversion_rate, currency)
