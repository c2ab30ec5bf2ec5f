"""What pricing yields: a price settled into the figures that a fee keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any

from domain.kernel.decimals import exact
from domain.kernel.money import MOST_MINOR_UNITS, Money, major_units, minor_units
from domain.pricing.price import Price

PRECISE_AMOUNT_DECIMALS = 15
"""Scale of `precise_amount_cents` and `precise_unit_amount`. Source: metering-pricing N1, N2; invoicing-money 0.1."""

UNIT_AMOUNT_END = Decimal(10) ** 15
"""`precise_unit_amount` is a decimal(30,15), which holds nothing from here on. Source: metering-pricing N2."""

_PRECISE_UNIT = Decimal(1).scaleb(-PRECISE_AMOUNT_DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedFee:
    """The figures of a fee.

    Attributes:
        units: as shown and billed, never rounded to the currency; >= 0.
        total_aggregated_units: the level that a weighted sum ends with; of other metrics the units.
        events_count: how many events the units come from.
        amount_cents: whole minor units, half away from zero.
        precise_amount_cents: minor units before that rounding, 15 decimals.
        unit_amount_cents: whole minor units per unit, cut off (not rounded).
        precise_unit_amount: major units per unit, 15 decimals; both are 0 without units, and where `unit_amounts` says.
        amount_details: how the amount came about, ready for JSON.
    """

    units: Decimal
    total_aggregated_units: Decimal
    events_count: int
    amount_cents: int
    precise_amount_cents: Decimal
    unit_amount_cents: int
    precise_unit_amount: Decimal
    amount_details: Mapping[str, Any]


@exact()
def settle(
    price: Price,
    units: Decimal,
    events_count: int,
    currency: str,
    *,
    total_aggregated_units: Decimal | None = None,
) -> PricedFee:
    """The figures of the fee for a price. Negative usage owes nothing, and nothing is given back.

    Args:
        price: major units, exact.
        units: what the fee shows: before proration where the charge is prorated (metering-pricing K3).
        total_aggregated_units: of a weighted sum (A17); None takes the units.

    Raises:
        AmountOutOfRangeError: nobody can be asked for so much (the unit amount may be as large as it likes).

    Source: metering-pricing N2, N3, K2 to K4.
    """
    if units < 0 or price.amount < 0:
        units, amount, unit_amount = Decimal(0), Decimal(0), Decimal(0)
    else:
        amount, unit_amount = price.amount, price.unit_amount
    unit_amount_cents, precise_unit_amount = unit_amounts(unit_amount, currency)
    return PricedFee(
        units=units,
        total_aggregated_units=units if total_aggregated_units is None else total_aggregated_units,
        events_count=events_count,
        amount_cents=Money.settle(amount, currency).minor_units,
        precise_amount_cents=precise(minor_units(amount, currency)),
        unit_amount_cents=unit_amount_cents,
        precise_unit_amount=precise_unit_amount,
        amount_details=price.amount_details,
    )


def lump_sum(amount_cents: int, precise_amount_cents: Decimal, currency: str) -> PricedFee:
    """The fee of one unit that costs so much, whose price follows from no model."""
    return PricedFee(
        units=Decimal(1),
        total_aggregated_units=Decimal(1),
        events_count=0,
        amount_cents=amount_cents,
        precise_amount_cents=precise(precise_amount_cents),
        unit_amount_cents=amount_cents,
        precise_unit_amount=precise(major_units(precise_amount_cents, currency)),
        amount_details={},
    )


def unit_amounts(unit_amount: Decimal, currency: str, rounding: str = ROUND_DOWN) -> tuple[int, Decimal]:
    """An amount per unit as a fee shows it: in whole minor units, and in major ones with 15 decimals.

    A flat amount over next to no units may come to more per unit than these hold (`UNIT_AMOUNT_END`, 64 bits). Lago
    fails then, and with it the invoice. Nothing is computed from an amount per unit, so here it is 0, as without units.
    """
    bounded = max(-UNIT_AMOUNT_END, min(unit_amount, UNIT_AMOUNT_END))
    cents, shown = int(minor_units(bounded, currency).to_integral_value(rounding)), precise(bounded)
    if abs(shown) == UNIT_AMOUNT_END or abs(cents) > MOST_MINOR_UNITS:
        return 0, Decimal(0)
    return cents, shown


def precise(amount: Decimal) -> Decimal:
    """An amount of money (`Money.settle`), or per unit (`unit_amounts`), at the scale of a fee's precise twins."""
    return amount.quantize(_PRECISE_UNIT)
