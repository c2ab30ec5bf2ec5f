"""metering-pricing 15."""

from decimal import Decimal

import pytest

from domain.pricing.true_up import prorated_minimum, true_up

D = Decimal


@pytest.mark.parametrize(
    ("minimum", "days", "duration", "used", "cents", "precise", "why"),
    [
        (1000, 31, 31, 700, 300, "300", "a full August"),
        (1000, 15, 31, 200, 284, "283.870967741935484", "half of it"),
        (1000, 25, 28, 800, 93, "92.857142857142857", "ended on 25 February"),
        (1000, 31, 31, 999, 1, "1", "one cent is missing"),
    ],
)
def test_what_is_missing(minimum: int, days: int, duration: int, used: int, cents: int, precise: str, why: str) -> None:
    of_window = prorated_minimum(minimum, days=days, duration_days=duration)
    fee = true_up(of_window, used_cents=used, used_precise_cents=D(used), currency="EUR")
    assert fee is not None
    assert (fee.amount_cents, fee.unit_amount_cents, fee.precise_amount_cents) == (cents, cents, D(precise)), why
    assert (fee.units, fee.events_count, fee.amount_details) == (D(1), 0, {})


@pytest.mark.parametrize(("used", "why"), [(1000, "reached exactly"), (2000, "exceeded")])
def test_nothing_is_missing(used: int, why: str) -> None:
    assert true_up(D(1000), used_cents=used, used_precise_cents=D(used), currency="EUR") is None, why


def test_amounts_follow_the_currency_and_the_precise_usage() -> None:
    fee = true_up(D(1000), used_cents=700, used_precise_cents=D("699.6"), currency="JPY")
    assert fee is not None
    assert (fee.amount_cents, fee.precise_amount_cents, fee.precise_unit_amount) == (300, D("300.4"), D("300.4"))
