"""What pricing yields: a price settled into the figures that a fee keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import exact
from domain.kernel.money import Money, major_units, minor_units
from domain.pricing.price import Price

PRECISE_AMOUNT_DECIMALS = 15
"""Scale of `precise_amount_cents` and `precise_unit_amount`. Source: metering-pricing N1, N2; invoicing-money 0.1."""

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
        precise_unit_amount: major units per unit, 15 decimals.
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

    Source: metering-pricing N2, N3, K2 to K4.
    """
    if units < 0 or price.amount < 0:
        units, amount, unit_amount = Decimal(0), Decimal(0), Decimal(0)
    else:
        amount, unit_amount = price.amount, price.unit_amount
    return PricedFee(
        units=units,
        total_aggregated_units=units if total_aggregated_units is None else total_aggregated_units,
        events_count=events_count,
        amount_cents=Money.settle(amount, currency).minor_units,
        precise_amount_cents=precise(minor_units(amount, currency)),
        unit_amount_cents=int(minor_units(unit_amount, currency)),
        precise_unit_amount=precise(unit_amount),
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


def precise(amount: Decimal) -> Decimal:
    """An amount at the scale of a fee's precise twins."""
    return amount.quantize(_PRECISE_UNIT)
