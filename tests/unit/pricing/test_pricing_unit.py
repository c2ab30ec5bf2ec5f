"""metering-pricing X1 to X5 and 24 item 17."""

from decimal import Decimal

import pytest

from domain.pricing.fee import PricedFee, settle
from domain.pricing.pricing_unit import SETTLES_AS, convert, convert_in_advance
from domain.pricing.registry import PricedUsage, price
from domain.pricing.true_up import true_up
from tests.unit.pricing.advance import SUM, fees, sums

D = Decimal


def fee(units: str, amount: str, currency: str = SETTLES_AS) -> PricedFee:
    priced = price("standard", {"amount": amount}, PricedUsage(units=D(units)))
    return settle(priced, D(units), 1, currency)


@pytest.mark.parametrize(
    ("units", "amount", "rate", "currency", "in_units", "cents", "precise", "why"),
    [
        ("300", "1.0", "0.5", "EUR", 30000, 15000, "15000", "300 units at half a euro each"),
        ("1", "0.125", "1", "EUR", 13, 13, "13", "precise money follows from the rounded hundredths (Q21)"),
        ("1", "0.13", "0.5", "EUR", 13, 7, "6.5", "half a cent away from zero"),
        ("3", "1", "0.75", "JPY", 300, 2, "2.25", "no decimals"),
        ("3", "1", "0.0005", "KWD", 300, 2, "1.5", "three decimals"),
        ("0", "5", "2", "EUR", 0, 0, "0", "nothing"),
    ],
)
def test_amounts(
    units: str, amount: str, rate: str, currency: str, in_units: int, cents: int, precise: str, why: str
) -> None:
    money, usage = convert(fee(units, amount), D(rate), currency)
    assert (usage.amount_cents, usage.conversion_rate) == (in_units, D(rate)), why
    assert usage.precise_amount_cents == D(units) * D(amount) * 100
    assert (money.amount_cents, money.precise_amount_cents) == (cents, D(precise)), why
    assert (money.units, money.events_count, money.amount_details) == (D(units), 1, {})


@pytest.mark.parametrize(
    ("amount", "rate", "in_units", "cents", "precise", "why"),
    [
        ("1.5", "0.5", 150, 75, "0.75", "half of it"),
        ("0.129", "0.5", 12, 6, "0.06", "cut off"),
        ("0.005", "1000", 0, 0, "0", "below a hundredth it comes to nothing"),
        ("0.01", "0.5", 1, 0, "0.005", "half a cent, cut off"),
        ("100", "1e13", 10000, 0, "0", "1e15 of money per unit is more than is shown"),
        ("99", "1e13", 9900, 99 * 10**15, "990000000000000", "just below"),
    ],
)
def test_unit_amounts(amount: str, rate: str, in_units: int, cents: int, precise: str, why: str) -> None:
    money, usage = convert(fee("1", amount), D(rate), "EUR")
    assert (usage.unit_amount_cents, usage.precise_unit_amount) == (in_units, D(amount)), why
    assert (money.unit_amount_cents, money.precise_unit_amount) == (cents, D(precise)), why


def test_a_minimum_is_in_pricing_units_too() -> None:
    missing = true_up(D(1000), used_cents=700, used_precise_cents=D(700), currency=SETTLES_AS)
    assert missing is not None
    money, usage = convert(missing, D("0.25"), "EUR")
    assert (usage.amount_cents, money.amount_cents) == (300, 75)
    assert (money.unit_amount_cents, money.precise_unit_amount, money.units) == (75, D("0.75"), D(1))


@pytest.mark.parametrize(
    ("currency", "in_units", "precise", "cents", "why"),
    [
        ("EUR", 1235, "1235", 618, "12.35 at a half is 6.175"),
        ("JPY", 1200, "1200", 6, "rounded to 12 first, as yen are"),
        ("KWD", 1235, "1234.5", 6175, "12.345 as dinars are, then 12.35"),
    ],
)
def test_in_advance_the_currency_rounds_first(currency: str, in_units: int, precise: str, cents: int, why: str) -> None:
    (priced,) = fees("standard", {"amount": "12.345"}, SUM, sums("1"), currency=currency)
    assert priced is not None
    money, usage = convert_in_advance(priced, D("0.5"), currency)
    assert (usage.amount_cents, usage.precise_amount_cents, money.amount_cents) == (in_units, D(precise), cents), why


def test_in_advance_the_unit_amount_is_the_rounded_amount_per_unit() -> None:
    (priced,) = fees("percentage", {"rate": "2.9"}, SUM, sums("4"))
    assert priced is not None
    money, usage = convert_in_advance(priced, D(2), "EUR")
    assert (usage.unit_amount_cents, usage.precise_unit_amount) == (3, D("0.03"))
    assert (money.amount_cents, money.unit_amount_cents, money.precise_unit_amount) == (24, 6, D("0.06"))
