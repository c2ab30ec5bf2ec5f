"""Graduated, on units that last for a part of the period: full units choose the range, prorated ones are priced.

Source: metering-pricing 12.3. Where Lago's running sums differ from this concept (Q10), the concept stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from domain.metering.prorated_period import ProratedValue
from domain.pricing.charge_models.ranges import PricedRange
from domain.pricing.price import Price, per_unit


def price(units: Decimal, changes: Sequence[ProratedValue], tiers: Sequence[PricedRange]) -> Price:
    """Walk up and down the ranges, change by change.

    Flat amounts are owed of every range up to the highest position reached, and stay owed when units go away.

    Args:
        units: prorated aggregation; zero owes the first flat amount only.
        changes: in the order of time, what was carried over first.
        tiers: ascending, contiguous, the last one unbounded.
    """
    full_units = sum((change.full for change in changes), Decimal(0))
    if units == 0:
        return Price(amount=tiers[0].flat_amount, unit_amount=per_unit(tiers[0].flat_amount, full_units))
    position = peak = owed = Decimal(0)
    for change in changes:
        if _is_skipped(change, position):
            continue
        weight = change.prorated / change.full
        following = position + change.full
        owed += sum((piece * weight * rate for piece, rate in _pieces(position, following, tiers)), Decimal(0))
        position, peak = following, max(peak, following)
    amount = Decimal(0) if position < 0 else max(owed, Decimal(0)) + _flats(peak, tiers)
    return Price(amount=amount, unit_amount=per_unit(amount, full_units))


def _is_skipped(change: ProratedValue, position: Decimal) -> bool:
    """Whether a change that lasts for no part of the period is left out: one that adds, or that would go below zero."""
    return change.full == 0 or (change.prorated == 0 and (change.full > 0 or position + change.full < 0))


def _pieces(start: Decimal, end: Decimal, tiers: Sequence[PricedRange]) -> Iterator[tuple[Decimal, Decimal]]:
    """The way from `start` to `end` cut at the tops of the ranges: signed units with the rate of their range.

    Below zero the first range goes on.
    """
    low, high, sign = min(start, end), max(start, end), 1 if end > start else -1
    lower: Decimal | None = None
    for tier in tiers:
        bottom = low if lower is None else max(low, lower)
        top = high if tier.to_value is None else min(high, tier.to_value)
        if top > bottom:
            yield sign * (top - bottom), tier.per_unit_amount
        lower = tier.to_value


def _flats(peak: Decimal, tiers: Sequence[PricedRange]) -> Decimal:
    owed = Decimal(0)
    for tier in tiers:
        owed += tier.flat_amount
        if tier.to_value is None or peak <= tier.to_value:
            break
    return owed
