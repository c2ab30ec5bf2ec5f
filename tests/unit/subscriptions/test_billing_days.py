from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from domain.subscriptions.billing_dates import (
    Schedule,
    billing_instant,
    downgrade_day,
    is_first_month_of_period,
    next_billing_day,
)
from domain.subscriptions.intervals import BillingTime, Interval

ISO = date.fromisoformat


def schedule(
    interval: Interval,
    billing_time: BillingTime,
    anchor: str,
    *,
    timezone: str = "UTC",
    charges_monthly: bool = False,
    fixed_monthly: bool = False,
) -> Schedule:
    return Schedule(
        interval=interval,
        billing_time=billing_time,
        subscription_at=datetime.fromisoformat(anchor).replace(tzinfo=UTC),
        timezone=timezone,
        pay_in_advance=False,
        bill_charges_monthly=charges_monthly,
        bill_fixed_charges_monthly=fixed_monthly,
    )


@pytest.mark.parametrize(
    ("it", "billed_on"),
    [  # metering-pricing B2, conformance billing_days.yaml; the first is the day of the start
        (schedule("daily", "calendar", "2024-02-28"), ["2024-02-28", "2024-02-29", "2024-03-01"]),
        (schedule("weekly", "calendar", "2023-02-01"), ["2023-02-01", "2023-02-06", "2023-02-13"]),
        (schedule("weekly", "anniversary", "2023-02-01"), ["2023-02-01", "2023-02-08", "2023-02-15"]),
        (schedule("monthly", "calendar", "2023-02-04"), ["2023-02-04", "2023-03-01", "2023-04-01"]),
        (
            schedule("monthly", "anniversary", "2022-12-31"),
            ["2022-12-31", "2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"],
        ),
        (schedule("monthly", "anniversary", "2024-01-31"), ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        (schedule("quarterly", "calendar", "2023-02-04"), ["2023-02-04", "2023-04-01", "2023-07-01"]),
        (schedule("quarterly", "anniversary", "2022-11-30"), ["2022-11-30", "2023-02-28", "2023-05-30"]),
        (schedule("semiannual", "calendar", "2023-02-04"), ["2023-02-04", "2023-07-01", "2024-01-01"]),
        (schedule("semiannual", "anniversary", "2023-08-31"), ["2023-08-31", "2024-02-29", "2024-08-31"]),
        (schedule("yearly", "calendar", "2023-02-04"), ["2023-02-04", "2024-01-01", "2025-01-01"]),
        (
            schedule("yearly", "anniversary", "2020-02-29"),
            ["2020-02-29", "2021-02-28", "2022-02-28", "2023-02-28", "2024-02-29", "2025-02-28"],
        ),
        (
            schedule("yearly", "calendar", "2023-11-04", charges_monthly=True),
            ["2023-11-04", "2023-12-01", "2024-01-01", "2024-02-01"],
        ),
        (
            schedule("semiannual", "anniversary", "2023-12-31", fixed_monthly=True),
            ["2023-12-31", "2024-01-31", "2024-02-29", "2024-03-31"],
        ),
        (schedule("quarterly", "calendar", "2023-02-04", charges_monthly=True), ["2023-02-04", "2023-04-01"]),
    ],
)
def test_billing_days(it: Schedule, billed_on: list[str]) -> None:
    for after, then in pairwise(billed_on):
        assert next_billing_day(it, ISO(after)) == ISO(then)


def test_a_billing_day_is_strictly_after() -> None:
    monthly = schedule("monthly", "calendar", "2023-02-04")
    assert next_billing_day(monthly, ISO("2023-02-28")) == ISO("2023-03-01")
    assert next_billing_day(monthly, ISO("2023-03-01")) == ISO("2023-04-01")


@pytest.mark.parametrize(
    ("timezone", "day", "instant", "why"),
    [  # conformance timezones.yaml, activation.yaml
        ("Asia/Kolkata", "2023-03-01", "2023-02-28T18:30", "east of UTC the month begins earlier"),
        ("America/Bogota", "2023-03-01", "2023-03-01T05:00", "west of UTC it begins later"),
        ("America/Bogota", "2023-08-25", "2023-08-25T05:00", "so does a start in the future"),
        ("Europe/Paris", "2023-10-29", "2023-10-28T22:00", "in summer time"),
        ("Europe/Paris", "2023-10-30", "2023-10-29T23:00", "in winter time"),
    ],
)
def test_a_billing_day_begins_at_local_midnight(timezone: str, day: str, instant: str, why: str) -> None:
    it = schedule("monthly", "calendar", "2023-01-01", timezone=timezone)
    assert billing_instant(it, ISO(day)) == datetime.fromisoformat(instant).replace(tzinfo=UTC), why


@pytest.mark.parametrize(
    ("anchor", "timezone", "next_day", "why"),
    [
        ("2024-01-14T23:30", "Asia/Kolkata", "2024-02-15", "05:00 on the 15th in Kolkata"),
        ("2024-01-15T02:00", "America/Bogota", "2024-02-14", "21:00 on the 14th in Bogota"),
    ],
)
def test_the_anchor_is_a_local_day(anchor: str, timezone: str, next_day: str, why: str) -> None:
    it = schedule("monthly", "anniversary", anchor, timezone=timezone)
    assert next_billing_day(it, ISO("2024-01-16")) == ISO(next_day), why


@pytest.mark.parametrize(
    ("interval", "billing_time", "anchor", "day", "first", "why"),
    [
        ("yearly", "calendar", "2023-03-15", "2024-01-01", True, "January opens the calendar year"),
        ("yearly", "calendar", "2023-03-15", "2023-03-15", False, "the start is in its third month"),
        ("semiannual", "calendar", "2023-03-15", "2024-07-31", True, "July opens a half-year"),
        ("semiannual", "calendar", "2023-03-15", "2024-08-01", False, "August does not"),
        ("yearly", "anniversary", "2024-01-31", "2025-01-31", True, "the anniversary"),
        ("yearly", "anniversary", "2024-01-31", "2025-02-27", True, "the last day of its first month"),
        ("yearly", "anniversary", "2024-01-31", "2024-02-29", False, "the second month"),
        ("yearly", "anniversary", "2024-02-29", "2025-02-28", True, "29 February in a common year"),
        ("semiannual", "anniversary", "2023-08-31", "2024-02-29", True, "half a year on"),
        ("semiannual", "anniversary", "2023-08-31", "2024-03-31", False, "and a month more"),
        ("monthly", "calendar", "2023-03-15", "2023-08-20", True, "a month is not split in months"),
        ("weekly", "anniversary", "2023-03-15", "2023-08-20", True, "nor is a week"),
    ],
)
def test_first_month_of_period(
    interval: Interval, billing_time: BillingTime, anchor: str, day: str, first: bool, why: str
) -> None:
    assert is_first_month_of_period(schedule(interval, billing_time, anchor), ISO(day)) is first, why


@pytest.mark.parametrize(
    ("it", "asked_at", "day", "why"),
    [
        (schedule("monthly", "anniversary", "2023-07-19"), "2023-11-09", "2023-11-19", "downgrade.yaml"),
        (schedule("monthly", "calendar", "2023-07-19"), "2023-08-21T23:00", "2023-09-01", "downgrade.yaml"),
        (schedule("yearly", "anniversary", "2023-07-19", charges_monthly=True), "2023-11-09", "2024-07-19", "the year"),
        (schedule("monthly", "calendar", "2023-07-19"), "2023-09-01", "2023-10-01", "on a billing day: the next one"),
        (schedule("monthly", "anniversary", "2024-01-31"), "2024-02-28T23:59", "2024-02-29", "a short month"),
    ],
)
def test_a_downgrade_waits_for_the_end_of_the_plans_own_period(it: Schedule, asked_at: str, day: str, why: str) -> None:
    assert downgrade_day(it, datetime.fromisoformat(asked_at).replace(tzinfo=UTC)) == ISO(day), why
