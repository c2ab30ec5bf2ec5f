"""metering-pricing A22, A23, N5."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.metering.aggregations.unique_count import Operation
from domain.metering.prorated_period import ProratedPeriod, ProratedValue
from domain.metering.proration import (
    full_units,
    prorate_sum,
    prorate_unique_count,
    prorated_units,
    round_up,
    rounded_up,
)

D = Decimal


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def period(first: str, last: str, days: int, duration: int, timezone: str = "UTC") -> ProratedPeriod:
    return ProratedPeriod(
        from_at=instant(first),
        to_at=instant(f"{last}T23:59:59.999999" if len(last) == 10 else last),
        days=days,
        duration_days=duration,
        timezone=timezone,
    )


MAY = period("2023-05-01", "2023-05-31", 31, 31)
APRIL = period("2023-04-01", "2023-04-30", 30, 30)


@pytest.mark.parametrize(
    ("of", "carried", "changes", "units", "full", "why"),
    [
        (MAY, "5", "05-26:12 05-26:12", "9.64517", "29", "six days left, the event's own included"),
        (MAY, "5", "05-26:12 05-26:12 05-31:4.5", "9.79033", "33.5", "one on the last day"),
        (MAY, "5", "", "5", "5", "carried over for the whole period"),
        (period("2023-05-01", "2023-05-17", 17, 31), "5", "", "2.74194", "5", "the window is cut"),
        (APRIL, "0", "04-11:1 04-11:1 04-11:1", "2.00001", "3", "Q1: 20/30 is rounded at 20 decimals"),
        (APRIL, "3", "", "3", "3", "what is carried over is not"),
        (period("2023-04-01", "2023-04-20", 20, 30), "3", "", "2.00000", "3", "what is carried over is not"),
        (APRIL, "5", "04-16:-3", "3.5", "2", "units that go"),
        (APRIL, "0", "", "0", "0", "nothing"),
    ],
)
def test_sum(of: ProratedPeriod, carried: str, changes: str, units: str, full: str, why: str) -> None:
    read = [change.split(":") for change in changes.split()]
    found = prorate_sum(D(carried), [(instant(f"2023-{day}"), D(value)) for day, value in read], of)
    assert (prorated_units(found), full_units(found)) == (D(units), D(full)), why


def test_days_are_the_customer_s() -> None:
    paris = period("2023-04-30T22:00", "2023-05-31T21:59:59.999999", 31, 31, "Europe/Paris")
    (change,) = prorate_sum(D(0), [(instant("2023-05-30T22:30"), D(31))], paris)
    assert round(change.prorated, 10) == 1, "half past midnight of the last day in Paris"


JULY = period("2023-07-09", "2023-08-08", 31, 31)


@pytest.mark.parametrize(
    ("of", "operations", "days", "full", "why"),
    [
        (JULY, "06-20+a", 31, 1, "added before, never removed"),
        (JULY, "07-24+a", 16, 1, "added on the sixteenth day"),
        (JULY, "06-20+a 07-19+b", 52, 2, "one more ten days in"),
        (JULY, "06-20+a 07-24-a", 16, 0, "removed 15 days before the end"),
        (JULY, "06-20+a 08-08-a", 31, 0, "removed on the last day"),
        (JULY, "07-10+a 08-07-a", 29, 0, "added on day 2, removed the day before the last"),
        (JULY, "07-20T08+a 07-20T09-a 07-20T10+a 07-20T11-a", 1, 0, "twice on one day"),
        (JULY, "07-20T08+a 07-20T09-a 07-20T10+a 07-22-a", 3, 0, "a removal undone on its day"),
        (JULY, "07-20T08+a 07-20T09-a 07-21T08+a 07-21T09-a 07-22T08+a 07-22T09-a", 3, 0, "on three days"),
        (JULY, "07-20+a 07-22-a 07-24+a 07-25-a", 5, 0, "three days, and two"),
        (JULY, "06-20+a 06-25-a", 0, 0, "Q7: removed before the window"),
        (JULY, "07-20+a 07-21+a", 20, 1, "added twice"),
        (JULY, "07-20-a", 0, 0, "removed what was not there"),
        (period("2023-07-09", "2023-07-24", 16, 31), "06-20+a", 16, 1, "ended on 24 July"),
        (period("2023-07-09", "2023-07-23", 15, 31), "06-20+a", 15, 1, "upgraded on 24 July"),
        (JULY, "", 0, 0, "nothing"),
    ],
)
def test_unique_count(of: ProratedPeriod, operations: str, days: int, full: int, why: str) -> None:
    walked = [
        Operation(value=name[-1], adds=name[-2] == "+", at=instant(f"2023-{name[:-2]}")) for name in operations.split()
    ]
    found = prorate_unique_count(walked, of)
    assert prorated_units(found) == round_up(D(days) / 31), why
    assert full_units(found) == full, why


def test_changes_of_a_unique_count_are_in_the_order_of_time_and_those_before_the_window_are_gone() -> None:
    walked = [
        Operation(value=value, adds=adds, at=instant(f"2023-{day}"))
        for value, adds, day in (
            ("a", True, "06-01"),
            ("b", True, "06-02"),
            ("b", False, "06-03"),
            ("c", True, "07-20"),
            ("a", False, "07-24"),
        )
    ]
    assert rounded_up(prorate_unique_count(walked, JULY)) == [
        ProratedValue(full=D(1), prorated=D("0.51613")),
        ProratedValue(full=D(1), prorated=D("0.64517")),
        ProratedValue(full=D(-1), prorated=D(0)),
    ]


@pytest.mark.parametrize(
    ("units", "rounded"),
    [("0.645161", "0.64517"), ("1", "1"), ("0.123450000001", "0.12346"), ("-0.000019", "-0.00001")],
)
def test_round_up(units: str, rounded: str) -> None:
    assert round_up(D(units)) == D(rounded)
