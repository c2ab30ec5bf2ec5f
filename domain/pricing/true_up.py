"""The minimum that a charge costs: what its fees lack of it becomes one more fee.

Source: metering-pricing 15 (U1 to U4).
"""

from __future__ import annotations

from decimal import Decimal

from domain.kernel.decimals import exact
from domain.kernel.money import Money, major_units
from domain.pricing.fee import PricedFee, lump_sum


@exact()
def prorated_minimum(min_amount_cents: int, *, days: int, duration_days: int) -> Decimal:
    """The minimum of a window in minor units, exact.

    Args:
        days: of the window, as the subscription counts them (metering-pricing T4).
        duration_days: of the whole period.
    """
    return Decimal(min_amount_cents) * days / duration_days


@exact()
def true_up(minimum_cents: Decimal, *, used_cents: int, used_precise_cents: Decimal, currency: str) -> PricedFee | None:
    """The fee that fills the minimum up, or None where the fees reach it.

    Args:
        minimum_cents: from `prorated_minimum`.
        used_cents: amounts of all fees of the charge together, of every filter and group.
        used_precise_cents: the same before rounding.
    """
    if used_cents >= minimum_cents:
        return None
    amount_cents = Money.settle(major_units(minimum_cents - used_cents, currency), currency).minor_units
    return lump_sum(amount_cents, minimum_cents - used_precise_cents, currency)
