"""metering-pricing N1, N2, K4 and 24 item 21."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest

from domain.kernel.errors import AmountOutOfRangeError
from domain.pricing.fee import settle
from domain.pricing.registry import Price, PricedUsage, price

D = Decimal


@pytest.mark.parametrize(
    ("amount", "currency", "cents", "precise", "why"),
    [
        ("51.2345", "EUR", 5123, "5123.45", "two decimals"),
        ("0.125", "EUR", 13, "12.5", "half away from zero"),
        ("0.135", "EUR", 14, "13.5", "half away from zero, not to even"),
        ("2.5", "JPY", 3, "2.5", "no decimals"),
        ("1234.5", "HUF", 1235, "1234.5", "no decimals, unlike in ISO 4217"),
        ("0.0125", "KWD", 13, "12.5", "three decimals"),
        ("0.00015", "CLF", 2, "1.5", "four decimals"),
        ("92233720368547758.07", "EUR", 2**63 - 1, "9223372036854775807", "as much as 64 bits hold"),
    ],
)
def test_amounts(amount: str, currency: str, cents: int, precise: str, why: str) -> None:
    fee = settle(Price(amount=D(amount), unit_amount=D(0)), units=D(1), events_count=1, currency=currency)
    assert (fee.amount_cents, fee.precise_amount_cents) == (cents, D(precise)), why


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("92233720368547758.075", "EUR"),
        ("99999999999999999999.995", "EUR"),
        ("9223372036854775808", "JPY"),
        ("1e44", "EUR"),
        ("1e60", "KWD"),
    ],
)
def test_more_than_64_bits_hold_is_not_billed(amount: str, currency: str) -> None:
    with pytest.raises(AmountOutOfRangeError):
        settle(Price(amount=D(amount), unit_amount=D(0)), units=D(1), events_count=1, currency=currency)
    assert settle(Price(amount=-D(amount), unit_amount=D(0)), D(1), 1, currency).amount_cents == 0, "nor given back"


@pytest.mark.parametrize(
    ("unit_amount", "currency", "cents", "precise", "why"),
    [
        ("0.015", "EUR", 1, "0.015", "cut off, not rounded"),
        ("0.999", "EUR", 99, "0.999", "cut off just below one"),
        ("9.58333333333333333333", "EUR", 958, "9.583333333333333", "15 decimals"),
        ("0.0000000000000005", "JPY", 0, "0.000000000000001", "the last decimal is rounded"),
        ("999999999999999.9999", "EUR", 99999999999999999, "999999999999999.9999", "as much as its column holds"),
        ("1e15", "EUR", 0, "0", "it does not fit, and is not shown"),
        ("999999999999999.9999999999999996", "EUR", 0, "0", "nor once it is rounded"),
        ("-1e44", "EUR", 0, "0", "of either sign: over less than no units"),
        ("999999999999999", "CLF", 0, "0", "in minor units it is more than 64 bits hold"),
        ("1e45", "EUR", 0, "0", "5 over 5e-45 units"),
        ("1e9000", "EUR", 0, "0", "over any"),
    ],
)
def test_unit_amounts(unit_amount: str, currency: str, cents: int, precise: str, why: str) -> None:
    fee = settle(Price(amount=D(1), unit_amount=D(unit_amount)), units=D(1), events_count=1, currency=currency)
    assert (fee.unit_amount_cents, fee.precise_unit_amount) == (cents, D(precise)), why


@pytest.mark.parametrize(
    ("units", "amount", "why"), [("-1", "5", "negative units"), ("1", "-5", "a negative amount"), ("-1", "-5", "both")]
)
def test_negative_usage_owes_nothing(units: str, amount: str, why: str) -> None:
    fee = settle(
        Price(amount=D(amount), unit_amount=D(7), amount_details={"kept": 1}), D(units), events_count=3, currency="EUR"
    )
    assert (fee.units, fee.total_aggregated_units, fee.amount_cents, fee.unit_amount_cents) == (D(0), D(0), 0, 0), why
    assert (fee.precise_amount_cents, fee.precise_unit_amount) == (D(0), D(0)), why
    assert (fee.events_count, fee.amount_details) == (3, {"kept": 1}), why


def test_a_weighted_sum_has_a_level_of_its_own() -> None:
    fee = settle(
        Price(amount=D(1), unit_amount=D(1)), D("0.02"), events_count=1, currency="EUR", total_aggregated_units=D(300)
    )
    assert (fee.units, fee.total_aggregated_units) == (D("0.02"), D(300))


def test_the_result_does_not_depend_on_the_caller_s_precision() -> None:
    def fee() -> object:
        thirds = PricedUsage(units=D(1) * 3, full_units=D("7.000000000000000000000000001"))
        return settle(price("standard", {"amount": "12345678901234567.891"}, thirds), D(3), 1, "EUR")

    with localcontext() as context:
        context.prec, context.rounding = 6, ROUND_HALF_EVEN
        narrow = fee()
    assert narrow == fee()
