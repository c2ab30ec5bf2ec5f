"""A plan's minimum commitment: what the fees of a period lack of it becomes one more fee.

Source: metering-pricing 19 (D2, D3).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.kernel.decimals import exact
from domain.kernel.money import Money, major_units
from domain.pricing.fee import PricedFee, lump_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentInputs:
    """A commitment and the fees that count towards it: `days` of `duration_days` days of it are owed.

    Attributes:
        fees_cents: of the subscription and the period, before coupons and taxes.
        fees_precise_cents: the same before rounding.
    """

    amount_cents: int
    days: int
    duration_days: int
    fees_cents: int
    fees_precise_cents: Decimal


@exact()
def price_commitment(inputs: CommitmentInputs, currency: str) -> PricedFee | None:
    """The fee that fills the commitment up, or None where the fees reach it.

    What is owed is rounded first: the cents of the fees, and their precise twins, are taken off that.
    """
    share = Decimal(inputs.amount_cents) * inputs.days / inputs.duration_days
    owed_cents = Money.settle(major_units(share, currency), currency).minor_units
    missing_cents = owed_cents - inputs.fees_cents
    if missing_cents <= 0:
        return None
    return lump_sum(missing_cents, max(owed_cents - inputs.fees_precise_cents, Decimal(0)), currency)
