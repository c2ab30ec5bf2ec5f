from datetime import date, timedelta

import pytest

from domain.subscriptions.intervals import BillingTime, Interval, LocalPeriod, period_containing

ISO = date.fromisoformat


def period(first: str, last: str) -> LocalPeriod:
    return LocalPeriod(ISO(first), ISO(last))


@pytest.mark.parametrize(
    ("interval", "anchor", "bill_day", "behind", "holding"),
    [  # metering-pricing P5: "bill day: arrears period | period containing bill day"
        ("monthly", "2024-01-31", "2024-02-29", ("2024-01-31", "2024-02-28"), ("2024-02-29", "2024-03-30")),
        ("monthly", "2024-01-31", "2024-03-31", ("2024-02-29", "2024-03-30"), ("2024-03-31", "2024-04-29")),
        ("monthly", "2024-01-31", "2024-04-30", ("2024-03-31", "2024-04-29"), ("2024-04-30", "2024-05-30")),
        ("monthly", "2024-01-31", "2025-02-28", ("2025-01-31", "2025-02-27"), ("2025-02-28", "2025-03-30")),
        ("monthly", "2024-01-30", "2024-02-29", ("2024-01-30", "2024-02-28"), ("2024-02-29", "2024-03-29")),
        ("monthly", "2024-01-30", "2025-02-28", ("2025-01-30", "2025-02-27"), ("2025-02-28", "2025-03-29")),
        ("monthly", "2024-01-29", "2025-02-28", ("2025-01-29", "2025-02-27"), ("2025-02-28", "2025-03-28")),
        ("monthly", "2024-01-29", "2025-03-29", ("2025-02-28", "2025-03-28"), ("2025-03-29", "2025-04-28")),
        ("quarterly", "2022-01-31", "2022-04-30", ("2022-01-31", "2022-04-29"), ("2022-04-30", "2022-07-30")),
        ("quarterly", "2022-01-31", "2022-07-31", ("2022-04-30", "2022-07-30"), ("2022-07-31", "2022-10-30")),
        ("semiannual", "2023-08-31", "2024-02-29", ("2023-08-31", "2024-02-28"), ("2024-02-29", "2024-08-30")),
        ("semiannual", "2021-11-30", "2022-05-30", ("2021-11-30", "2022-05-29"), ("2022-05-30", "2022-11-29")),
        ("yearly", "2024-02-29", "2025-02-28", ("2024-02-29", "2025-02-27"), ("2025-02-28", "2026-02-27")),
        ("yearly", "2024-02-29", "2028-02-29", ("2027-02-28", "2028-02-28"), ("2028-02-29", "2029-02-27")),
        ("yearly", "2021-03-01", "2024-03-01", ("2023-03-01", "2024-02-29"), ("2024-03-01", "2025-02-28")),
        ("weekly", "2022-06-22", "2022-06-29", ("2022-06-22", "2022-06-28"), ("2022-06-29", "2022-07-05")),
        ("daily", "2022-06-22", "2022-06-29", ("2022-06-28", "2022-06-28"), ("2022-06-29", "2022-06-29")),
    ],
)
def test_an_anniversary_is_derived_from_the_anchor(
    interval: Interval, anchor: str, bill_day: str, behind: tuple[str, str], holding: tuple[str, str]
) -> None:
    day = ISO(bill_day)
    assert period_containing(day, interval, "anniversary", ISO(anchor)) == period(*holding)
    assert period_containing(day - timedelta(days=1), interval, "anniversary", ISO(anchor)) == period(*behind)


def test_a_month_end_outside_a_billing_month_is_no_fence() -> None:
    held = period_containing(ISO("2021-05-31"), "quarterly", "anniversary", ISO("2021-04-30"))
    assert held == period("2021-04-30", "2021-07-29")


@pytest.mark.parametrize(
    ("interval", "day", "first", "last", "why"),
    [
        ("daily", "2024-02-29", "2024-02-29", "2024-02-29", "a day is a period"),
        ("weekly", "2023-02-05", "2023-01-30", "2023-02-05", "a week begins on Monday"),
        ("weekly", "2023-02-06", "2023-02-06", "2023-02-12", "a week begins on Monday"),
        ("weekly", "1999-12-31", "1999-12-27", "2000-01-02", "before the epoch of the calendar too"),
        ("monthly", "2024-02-29", "2024-02-01", "2024-02-29", "a leap day belongs to its month"),
        ("quarterly", "2024-12-31", "2024-10-01", "2024-12-31", "quarters begin in 1, 4, 7, 10"),
        ("quarterly", "2024-04-01", "2024-04-01", "2024-06-30", "quarters begin in 1, 4, 7, 10"),
        ("semiannual", "2024-06-30", "2024-01-01", "2024-06-30", "half-years begin in 1, 7"),
        ("semiannual", "2024-07-01", "2024-07-01", "2024-12-31", "half-years begin in 1, 7"),
        ("yearly", "1970-06-01", "1970-01-01", "1970-12-31", "years begin in 1"),
    ],
)
def test_calendar_periods(interval: Interval, day: str, first: str, last: str, why: str) -> None:
    for anchor in ("2023-02-15", "2020-02-29"):
        assert period_containing(ISO(day), interval, "calendar", ISO(anchor)) == period(first, last), why


@pytest.mark.parametrize(
    ("interval", "billing_time", "anchor", "day", "days"),
    [
        ("quarterly", "anniversary", "2022-01-31", "2022-04-29", 89),
        ("quarterly", "anniversary", "2022-01-31", "2022-04-30", 92),
        ("quarterly", "calendar", "2024-05-20", "2024-05-20", 91),
        ("yearly", "anniversary", "2024-02-29", "2028-02-28", 366),
        ("yearly", "anniversary", "2023-07-19", "2023-11-19", 366),
        ("yearly", "anniversary", "2023-06-29", "2023-09-28", 366),
        ("yearly", "calendar", "2022-03-15", "2022-03-15", 365),
        ("monthly", "calendar", "2024-02-04", "2024-02-04", 29),
    ],
)
def test_days_of_a_period(interval: Interval, billing_time: BillingTime, anchor: str, day: str, days: int) -> None:
    assert period_containing(ISO(day), interval, billing_time, ISO(anchor)).days == days
