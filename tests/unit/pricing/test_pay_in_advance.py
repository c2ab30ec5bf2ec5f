"""metering-pricing V4 to V10, V16, the examples in advance of section 12, EX3, EX9, EX10 and 24 item 11."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.current_peak import current_units
from domain.metering.high_water import fold
from domain.metering.peak import Peak
from domain.metering.ports import Metric
from domain.metering.usage_event import UsageEvent
from domain.pricing.fee import PricedFee, settle
from domain.pricing.pay_in_advance import UsageBefore, price_event
from domain.pricing.registry import ChargeModel, PricedUsage, price
from tests.unit.pricing.advance import (
    COUNT,
    JULY,
    JULY_DAYS,
    JUNE,
    JUNE_DAYS,
    RECURRING_SUM,
    RECURRING_UNIQUE,
    SUM,
    UNIQUE,
    event,
    fees,
    in_arrears,
    moves,
    sums,
)

D = Decimal
GRADUATED = {
    "graduated_ranges": [
        {"from_value": 0, "to_value": 5, "per_unit_amount": "0.02", "flat_amount": "0.01"},
        {"from_value": 6, "to_value": None, "per_unit_amount": "0.01", "flat_amount": "0.01"},
    ]
}
TWO_FREE = {
    "graduated_ranges": [
        {"from_value": 0, "to_value": 2, "per_unit_amount": "0", "flat_amount": "0"},
        {"from_value": 3, "to_value": None, "per_unit_amount": "2", "flat_amount": "0"},
    ]
}
SHARES = {
    "graduated_percentage_ranges": [
        {"from_value": 0, "to_value": 100, "rate": "20", "flat_amount": "10"},
        {"from_value": 101, "to_value": 200, "rate": "30", "flat_amount": "7"},
        {"from_value": 201, "to_value": None, "rate": "40", "flat_amount": "5"},
    ]
}
PACKAGES = {"amount": "100", "package_size": 2, "free_units": 3}
BOUNDED = {"rate": "1", "fixed_amount": "0.5", "per_transaction_min_amount": "1.75", "per_transaction_max_amount": "2"}
FIVE_PERCENT = {"rate": "5", "fixed_amount": "1"}


def cents(charge_model: ChargeModel, properties: dict[str, Any], metric: Metric, events: list[UsageEvent]) -> list[int]:
    return [fee.amount_cents for fee in priced(charge_model, properties, metric, events)]


def priced(
    charge_model: ChargeModel, properties: dict[str, Any], metric: Metric, events: list[UsageEvent]
) -> list[PricedFee]:
    return [fee for fee in fees(charge_model, properties, metric, events) if fee is not None]


@pytest.mark.parametrize(
    ("charge_model", "properties", "metric", "events", "owed", "why"),
    [
        ("standard", {"amount": "10"}, COUNT, sums("x x x"), [1000] * 3, "every event alike"),
        ("standard", {"amount": "1"}, SUM, sums("10 -4 8"), [1000, 0, 400], "14 are 4 above the paid 10"),
        ("standard", {"amount": "1"}, SUM, sums("-5 10"), [0, 500], "the climb back to zero is free (Q18)"),
        (
            "standard",
            {"amount": "12"},
            UNIQUE,
            moves("id1 -id1 id1 id2 id2 id3 -id3"),
            [1200, 0, 0, 1200, 0, 1200, 0],
            "a value that comes back is paid already",
        ),
        ("graduated", GRADUATED, SUM, sums("3 1 2"), [7, 2, 4], "the first event pays the first flat amount"),
        ("graduated", GRADUATED, SUM, sums("3 -1 2 2"), [7, 0, 2, 4], "4 are 1 above the paid 3"),
        ("graduated", GRADUATED, UNIQUE, moves("a b -a -b b a c"), [3, 2, 0, 0, 0, 0, 2], "both are paid already"),
        ("graduated_percentage", SHARES, SUM, sums("50 100"), [2000, 3200], "50 in each range"),
        ("package", PACKAGES, SUM, sums("3 1 2"), [0, 10000, 10000], "each package when it is opened"),
        ("package", PACKAGES, SUM, sums("4 -2 2 1 1"), [10000, 0, 0, 0, 10000], "an opened package stays paid"),
        ("package", PACKAGES, COUNT, sums("x x x x x x"), [0, 0, 0, 10000, 0, 10000], "counted"),
        ("percentage", FIVE_PERCENT | {"free_units_per_events": 2}, SUM, sums("8 5 3"), [0, 0, 115], "two free events"),
        (
            "percentage",
            FIVE_PERCENT | {"free_units_per_total_aggregation": "120"},
            SUM,
            sums("100 10 20 20"),
            [0, 0, 150, 200],
            "10 of the third are paid",
        ),
        (
            "percentage",
            FIVE_PERCENT | {"free_units_per_total_aggregation": "3"},
            SUM,
            sums("5 1"),
            [110, 105],
            "2 of the first are paid",
        ),
        ("percentage", BOUNDED, SUM, sums("100 1000 10000"), [175, 200, 200], "EX9: each within its bounds"),
        (
            "percentage",
            BOUNDED | {"free_units_per_events": 1},
            SUM,
            sums("100 1000 1"),
            [0, 200, 175],
            "free, then bounded",
        ),
        ("percentage", BOUNDED | {"free_units_per_events": 2}, COUNT, sums("x x x x"), [0, 0, 175, 175], "counted"),
        (
            "percentage",
            BOUNDED | {"free_units_per_total_aggregation": "1.5"},
            UNIQUE,
            moves("a a b -b b c"),
            [0, 0, 175, 0, 0, 175],
            "half of the second is paid, what comes back is not",
        ),
        ("percentage", FIVE_PERCENT, UNIQUE, moves("a a -a a"), [105, 0, 0, 0], "no fixed amount without a new value"),
        ("percentage", FIVE_PERCENT, SUM, sums("100 -50 20"), [600, 100, 100], "each a transaction, as in arrears"),
    ],
)
def test_fees(
    charge_model: ChargeModel,
    properties: dict[str, Any],
    metric: Metric,
    events: list[UsageEvent],
    owed: list[int],
    why: str,
) -> None:
    assert cents(charge_model, properties, metric, events) == owed, why
    assert {fee.events_count for fee in priced(charge_model, properties, metric, events)} == {1}


@pytest.mark.parametrize(
    ("metric", "events", "units"),
    [
        (SUM, sums("10 -4 8"), "10 0 4"),
        (SUM, sums("10 -4 3"), "10 0 3"),
        (UNIQUE, moves("id1 -id1 id1 id2 id2 id3"), "1 0 1 1 0 1"),
        (COUNT, sums("5 6"), "1 1"),
    ],
)
def test_a_fee_shows_what_it_owes_for_or_else_the_event_s_units(
    metric: Metric, events: list[UsageEvent], units: str
) -> None:
    shown = [fee.units for fee in priced("standard", {"amount": "1"}, metric, events)]
    assert shown == [D(number) for number in units.split()]


def test_simultaneous_events_have_a_place_each() -> None:
    together = [event(place, {}, at=JUNE) for place in range(3)]
    assert cents("graduated", TWO_FREE, COUNT, together) == [0, 0, 200]


def test_what_counts_for_nothing_has_no_fee() -> None:
    assert fees("standard", {"amount": "1"}, SUM, sums("abc 2"))[0] is None
    assert cents("standard", {"amount": "1"}, SUM, sums("abc 2")) == [200]


@pytest.mark.parametrize(("amounts", "owed"), [("1234.56 2.1", [1235, 2]), ("10.1", [10]), ("901.9", [902])])
def test_dynamic_amounts_are_rounded_event_by_event(amounts: str, owed: list[int]) -> None:
    """EX10: of two groups, each event is the first of its own."""
    events = [event(place, {"v": "10"}, amount_cents=cents) for place, cents in enumerate(amounts.split())]
    assert cents("dynamic", {}, SUM, events) == owed


def test_a_dynamic_amount_without_units_waits_for_some() -> None:
    events = [event(0, {"v": "0"}, amount_cents="5"), event(1, {"v": "1"}, amount_cents="10")]
    assert cents("dynamic", {}, SUM, events) == [0, 15]


def test_a_dynamic_amount_is_owed_below_the_peak_too() -> None:
    """Units went to nothing and below, and yet those of the first event were used (V13)."""
    values = zip(["1", "-1", "-1", "2", "0"], ["900", "10", "20", "30", "40"], strict=True)
    events = [event(place, {"v": value}, amount_cents=amount) for place, (value, amount) in enumerate(values)]
    assert cents("dynamic", {}, SUM, events) == [900, 10, 20, 30, 40]


def test_the_unit_amount_is_the_rounded_amount_per_unit() -> None:
    (fee,) = priced("percentage", {"rate": "2.9"}, SUM, sums("4"))
    assert (fee.amount_cents, fee.precise_amount_cents, fee.precise_unit_amount) == (12, D("11.6"), D("0.03"))
    first, gone = priced("standard", {"amount": "3"}, SUM, sums("4 -1"))
    assert (first.precise_unit_amount, gone.precise_unit_amount, gone.unit_amount_cents) == (D(3), D(0), 0)


def test_details_are_of_the_event_alone() -> None:
    *_, third = priced("percentage", FIVE_PERCENT | {"free_units_per_events": 2}, SUM, sums("8 5 3"))
    expected = {"paid_units": "3.0", "free_units": "0.0", "per_unit_total_amount": "0.15", "rate": "5.0"}
    assert expected.items() <= third.amount_details.items()
    *_, capped = priced("percentage", BOUNDED, SUM, sums("100 1000"))
    assert capped.amount_details["min_max_adjustment_total_amount"] == "-8.5"
    assert priced("graduated", GRADUATED, SUM, sums("3"))[0].amount_details == {}


def test_values_past_the_free_allowances_may_be_left_out() -> None:
    terms = BOUNDED | {"free_units_per_events": 2}
    usage = PricedUsage(units=D(1103), events_count=5, running_totals=(D(1), D(2)), values=(D(1), D(1)))
    before = UsageBefore(usage=usage, peak=Peak(current=D(1103), max=D(1103), max_prorated=D(1103)))
    fee = price_event("percentage", terms, SUM, sums("180")[0], before, currency="EUR")
    assert fee is not None
    assert (fee.amount_cents, fee.amount_details["min_max_adjustment_total_amount"]) == (200, "-0.3")


def seats(*days: int, first: int = 1, month: int = 6) -> list[UsageEvent]:
    start = JUNE if month == 6 else JULY
    return [
        event(100 * month + place, {"v": f"user_{first + place}"}, at=start + timedelta(days=day - 1, hours=10))
        for place, day in enumerate(days)
    ]


def test_seats_over_three_months() -> None:
    """EX3."""
    terms = {"amount": "30"}
    june = seats(11, 12, 13, 14, 15)
    fees_of_june = [fee for fee in fees("standard", terms, RECURRING_UNIQUE, june, prorated=JUNE_DAYS) if fee]
    assert [fee.amount_cents for fee in fees_of_june] == [2000, 1900, 1800, 1700, 1600]
    assert [fee.units for fee in fees_of_june] == [D(1)] * 5
    assert fees_of_june[0].precise_unit_amount == D(20)
    assert in_arrears("standard", terms, RECURRING_UNIQUE, june).amount_cents == 15000, "the renewal"
    july = seats(12, 12, first=6, month=7)
    history = [*june, *july]
    fees_of_july = fees("standard", terms, RECURRING_UNIQUE, history, from_at=JULY, prorated=JULY_DAYS)
    assert [fee.amount_cents for fee in fees_of_july if fee] == [1936, 1936], "0.64517, not 20/31"
    assert in_arrears("standard", terms, RECURRING_UNIQUE, history).amount_cents == 21000, "the next renewal"


def test_a_seat_that_comes_back_in_a_prorated_month_is_paid_already() -> None:
    events = [
        event(1, {"v": "a"}, at=JUNE + timedelta(days=10)),
        event(2, {"v": "a", "operation_type": "remove"}, at=JUNE + timedelta(days=12)),
        event(3, {"v": "b"}, at=JUNE + timedelta(days=20)),
    ]
    owed = fees("standard", {"amount": "30"}, RECURRING_UNIQUE, events, prorated=JUNE_DAYS)
    assert [fee.amount_cents for fee in owed if fee] == [2000, 0, 0]


@pytest.mark.parametrize(
    ("june", "july", "owed", "why"),
    [
        ("4", "2", [4], "the 5th at 2 cents, the 6th at 1, the second flat amount"),
        ("10", "-2 3", [0, 1], "one above the carried ten"),
    ],
)
def test_tiers_begin_where_carried_units_end(june: str, july: str, owed: list[int], why: str) -> None:
    later = [event(50 + place, {"v": value}, at=JULY) for place, value in enumerate(july.split())]
    priced = fees("graduated", GRADUATED, RECURRING_SUM, [*sums(june), *later], from_at=JULY)
    assert [fee.amount_cents for fee in priced if fee] == owed, why


@pytest.mark.parametrize(("values", "owed"), [("100 1000 10000 333", 775), ("100", 175)])
def test_current_usage_of_bounded_transactions(values: str, owed: int) -> None:
    """EX9."""
    events = sums(values)
    assert sum(cents("percentage", BOUNDED, SUM, events)) == owed
    assert in_arrears("percentage", BOUNDED, SUM, events).amount_cents == owed


def test_current_usage_stands_at_what_was_paid() -> None:
    events: Sequence[UsageEvent] = sums("10 -4 8 -9")
    peak = fold(events, SUM, from_at=JUNE)
    units = current_units(peak.current, peak)
    fee = settle(price("standard", {"amount": "1"}, PricedUsage(units=units.billed)), units.shown, 4, "EUR")
    assert (fee.amount_cents, fee.units) == (1400, D(5))
