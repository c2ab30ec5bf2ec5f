from decimal import ROUND_DOWN, Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.currency import EXPONENTS
from domain.kernel.decimals import exact
from domain.kernel.money import Money, major_units, minor_units

currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.decimals(-9 * 10**14, 9 * 10**14, places=15)
"""What 64 bits hold in minor units of each currency, also of one with four decimals."""
minor = st.integers(-(10**15), 10**15)
weights = st.lists(st.decimals(0, 10**9, places=6), min_size=1, max_size=20).filter(any)


@given(minor, weights, currencies)
def test_an_allocation_loses_nothing_and_is_fair(total: int, weights: list[Decimal], currency: str) -> None:
    with exact():
        shares = Money(total, currency).allocate(weights)
        assert sum(share.minor_units for share in shares) == total
        for share, weight in zip(shares, weights, strict=True):
            assert abs(share.minor_units - total * weight / sum(weights)) < 1
            assert weight or share.minor_units == 0, "what weighs nothing gets nothing"


@given(amounts, currencies)
def test_settling_moves_by_half_a_minor_unit_at_most(amount: Decimal, currency: str) -> None:
    with exact():
        settled = Money.settle(amount, currency).minor_units
        assert abs(settled - minor_units(amount, currency)) <= Decimal("0.5")


@given(amounts, currencies)
def test_settling_is_symmetric(amount: Decimal, currency: str) -> None:
    with exact():
        assert Money.settle(-amount, currency).minor_units == -Money.settle(amount, currency).minor_units


@given(amounts, currencies)
def test_settling_what_is_settled_changes_nothing(amount: Decimal, currency: str) -> None:
    with exact():
        whole = minor_units(amount, currency).quantize(Decimal(1), ROUND_DOWN)
        assert Money.settle(major_units(whole, currency), currency) == Money(int(whole), currency)
