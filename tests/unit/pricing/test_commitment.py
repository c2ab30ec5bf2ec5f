"""Minimum commitments. Figures: metering-pricing D7, EX6."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.pricing.commitment import CommitmentInputs, price_commitment

MILLION = 1_000_000


@pytest.mark.parametrize(
    ("committed", "days", "duration", "fees", "currency", "missing", "why"),
    [
        (MILLION, 5, 7, "71428.571428571", "EUR", 642_857, "weekly, from a Wednesday: 714286 less 71429"),
        (MILLION, 7, 7, "100000", "EUR", 900_000, "a whole period"),
        (MILLION, 25, 28, "89285.714285714", "EUR", 803_571, "from 4 February: 892857 less 89286"),
        (MILLION, 56, 90, "62222.222222222", "EUR", 560_000, "a quarter from 4 February"),
        (MILLION, 334, 365, "91506.849315068", "EUR", 823_561, "a year from 1 February"),
        (MILLION, 3, 7, "100000", "EUR", 328_571, "ended on the third day; what was paid in advance counts as billed"),
        (3000, 6, 7, "0", "EUR", 2571, "rounded"),
        (20000, 30, 31, "0", "EUR", 19355, "rounded"),
        (40000, 90, 91, "0", "EUR", 39560, "rounded"),
        (5000, 30, 30, "5000", "EUR", None, "just reached"),
        (5000, 30, 30, "4999", "EUR", 1, "a cent short"),
        (5000, 30, 30, "9000", "EUR", None, "more than reached"),
        (MILLION, 31, 31, "10000", "EUR", 990_000, "a downgrade owes the whole last period"),
        (1000, 1, 3, "0", "JPY", 333, "yen"),
    ],
)
def test_what_is_missing(
    committed: int, days: int, duration: int, fees: str, currency: str, missing: int | None, why: str
) -> None:
    precise_fees = Decimal(fees)
    inputs = CommitmentInputs(
        amount_cents=committed,
        days=days,
        duration_days=duration,
        fees_cents=int(precise_fees.to_integral_value()),
        fees_precise_cents=precise_fees,
    )
    fee = price_commitment(inputs, currency)
    assert (None if fee is None else fee.amount_cents) == missing, why
    if fee is not None:
        assert fee.units == 1
        assert abs(fee.precise_amount_cents - fee.amount_cents) < 1, why
