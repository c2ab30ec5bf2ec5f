from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from domain.subscriptions.billing_dates import (
    Boundaries,
    Lifetime,
    Schedule,
    boundaries,
    next_billing_day,
    termination_boundaries,
)

MONTHLY = Schedule(
    interval="monthly",
    billing_time="anniversary",
    subscription_at=datetime(2024, 1, 31, 1, tzinfo=UTC),
    timezone="UTC",
    pay_in_advance=False,
)
YEARLY = replace(MONTHLY, interval="yearly", bill_charges_monthly=True)


class Windows(NamedTuple):
    """To the second, as on the wire."""

    fee: tuple[str, str]
    charges: tuple[str, str] | None
    fixed: tuple[str, str] | None


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wire(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")


def windows(found: Boundaries) -> Windows:
    charges = fixed = None
    if found.charges_from_at is not None and found.charges_to_at is not None:
        charges = (wire(found.charges_from_at), wire(found.charges_to_at))
    if found.fixed_charges_from_at is not None and found.fixed_charges_to_at is not None:
        fixed = (wire(found.fixed_charges_from_at), wire(found.fixed_charges_to_at))
    return Windows((wire(found.from_at), wire(found.to_at)), charges, fixed)


@pytest.mark.parametrize(
    ("day", "fee_from", "usage_from", "to"),
    [  # conformance boundaries.yaml, first scenario
        ("2024-02-29", "2024-01-31T00:00:00", "2024-01-31T01:00:00", "2024-02-28T23:59:59"),
        ("2024-03-31", "2024-02-29T00:00:00", "2024-02-29T00:00:00", "2024-03-30T23:59:59"),
        ("2024-04-30", "2024-03-31T00:00:00", "2024-03-31T00:00:00", "2024-04-29T23:59:59"),
    ],
)
def test_in_arrears_the_period_behind_is_billed(day: str, fee_from: str, usage_from: str, to: str) -> None:
    found = windows(boundaries(MONTHLY, Lifetime(utc("2024-01-31T01:00")), utc(day)))
    assert found == Windows((fee_from, to), (usage_from, to), (usage_from, to))


@pytest.mark.parametrize(
    ("day", "fee", "charges"),
    [  # P14, P15, conformance boundaries.yaml, second scenario
        ("2024-01-30", ("2024-01-30T00:00:00", "2024-02-28T23:59:59"), ("2024-01-30T00:00:00", "2024-01-30T00:00:00")),
        ("2024-02-29", ("2024-02-29T00:00:00", "2024-03-29T23:59:59"), ("2024-01-30T00:00:00", "2024-02-28T23:59:59")),
        ("2024-03-30", ("2024-03-30T00:00:00", "2024-04-29T23:59:59"), ("2024-02-29T00:00:00", "2024-03-29T23:59:59")),
    ],
)
def test_in_advance_the_fee_looks_ahead_and_usage_behind(
    day: str, fee: tuple[str, str], charges: tuple[str, str]
) -> None:
    advance = replace(MONTHLY, pay_in_advance=True, subscription_at=utc("2024-01-30"))
    assert windows(boundaries(advance, Lifetime(utc("2024-01-30")), utc(day))) == Windows(fee, charges, charges)


@pytest.mark.parametrize(
    ("day", "found", "durations"),
    [  # P13
        (
            "2024-02-29",
            Windows(
                ("2024-01-31T00:00:00", "2024-01-31T01:00:00"), ("2024-01-31T01:00:00", "2024-02-28T23:59:59"), None
            ),
            (365, 29, 365),
        ),
        (
            "2025-01-31",
            Windows(
                ("2024-01-31T00:00:00", "2025-01-30T23:59:59"),
                ("2024-12-31T00:00:00", "2025-01-30T23:59:59"),
                ("2024-01-31T01:00:00", "2025-01-30T23:59:59"),
            ),
            (366, 31, 366),
        ),
    ],
)
def test_a_yearly_plan_with_monthly_usage(day: str, found: Windows, durations: tuple[int, int, int]) -> None:
    it = boundaries(YEARLY, Lifetime(utc("2024-01-31T01:00")), utc(day))
    assert windows(it) == found
    assert (it.duration, it.charges_duration, it.fixed_charges_duration) == durations


def test_a_yearly_plan_with_monthly_fixed_charges() -> None:
    it = replace(YEARLY, bill_charges_monthly=False, bill_fixed_charges_monthly=True)
    found = windows(boundaries(it, Lifetime(utc("2024-01-31T01:00")), utc("2024-03-31")))
    assert found.charges is None, "usage is billed with the first month of the next year"
    assert found.fixed == ("2024-02-29T00:00:00", "2024-03-30T23:59:59")


def test_both_flags_bill_both_kinds_monthly() -> None:
    it = replace(YEARLY, bill_fixed_charges_monthly=True)
    found = windows(boundaries(it, Lifetime(utc("2024-01-31T01:00")), utc("2024-03-31")))
    assert found.charges == found.fixed == ("2024-02-29T00:00:00", "2024-03-30T23:59:59")


def test_without_a_flag_a_yearly_plan_has_all_windows_in_any_month() -> None:
    it = replace(YEARLY, bill_charges_monthly=False, billing_time="calendar")
    found = windows(boundaries(it, Lifetime(utc("2024-03-05T12:00")), utc("2024-03-05T12:00")))
    assert found.charges == found.fixed == ("2024-03-05T12:00:00", "2024-03-05T12:00:00")


def test_a_flag_means_nothing_to_a_quarterly_plan() -> None:
    flagged = replace(MONTHLY, interval="quarterly", bill_charges_monthly=True)
    plain = replace(flagged, bill_charges_monthly=False)
    lifetime, day = Lifetime(utc("2024-01-31T01:00")), utc("2024-04-30")
    assert boundaries(flagged, lifetime, day) == boundaries(plain, lifetime, day)


@pytest.mark.parametrize("pay_in_advance", [False, True])
def test_current_usage_is_of_the_period_in_progress(pay_in_advance: bool) -> None:
    it = replace(MONTHLY, pay_in_advance=pay_in_advance)
    lifetime = Lifetime(utc("2024-01-31T01:00"))
    first = windows(boundaries(it, lifetime, utc("2024-01-31T01:00"), current_usage=True))
    assert first.charges == first.fixed == ("2024-01-31T01:00:00", "2024-02-28T23:59:59")
    second = windows(boundaries(it, lifetime, utc("2024-02-29T02:00"), current_usage=True))
    assert second.charges == second.fixed == ("2024-02-29T00:00:00", "2024-03-30T23:59:59")


def test_current_usage_has_all_windows_in_any_month() -> None:
    found = windows(boundaries(YEARLY, Lifetime(utc("2024-01-31T01:00")), utc("2024-05-05"), current_usage=True))
    assert found.charges == ("2024-04-30T00:00:00", "2024-05-30T23:59:59")
    assert found.fixed == ("2024-01-31T01:00:00", "2025-01-30T23:59:59")


def test_local_midnights() -> None:
    """Conformance timezones.yaml: Bogota is UTC-5."""
    bogota = replace(
        MONTHLY, billing_time="calendar", timezone="America/Bogota", subscription_at=utc("2023-02-02T19:00")
    )
    found = windows(boundaries(bogota, Lifetime(utc("2023-02-02T19:00")), utc("2023-03-01T05:00")))
    assert found.fee == ("2023-02-02T05:00:00", "2023-03-01T04:59:59")
    assert found.charges == ("2023-02-02T19:00:00", "2023-03-01T04:59:59")


def test_an_end_is_the_last_microsecond_of_the_local_day() -> None:
    found = boundaries(MONTHLY, Lifetime(utc("2024-01-31T01:00")), utc("2024-03-31"))
    assert found.to_at == found.charges_to_at == utc("2024-03-30T23:59:59.999999")


def test_a_termination_in_arrears_bills_the_period_in_progress() -> None:
    it = replace(MONTHLY, billing_time="calendar")
    ended_at = utc("2025-02-21T23:59:59.600")
    found = boundaries(it, Lifetime(utc("2025-02-08"), ended_at), ended_at)
    assert (found.from_at, found.to_at) == (utc("2025-02-08"), ended_at), "never rounded to the next day"
    assert (found.charges_from_at, found.charges_to_at) == (utc("2025-02-08"), ended_at)


def test_a_termination_in_advance_bills_the_usage_in_progress() -> None:
    ended_at = utc("2024-03-10T10:00")
    found = boundaries(replace(MONTHLY, pay_in_advance=True), Lifetime(utc("2024-01-31T01:00"), ended_at), ended_at)
    assert windows(found).charges == ("2024-02-29T00:00:00", "2024-03-10T10:00:00")


@pytest.mark.parametrize("pay_in_advance", [False, True])
def test_an_upgrade_bills_the_period_in_progress_and_the_new_plan_keeps_the_anchor(pay_in_advance: bool) -> None:
    it = replace(MONTHLY, pay_in_advance=pay_in_advance, subscription_at=utc("2023-06-29T12:12"))
    at = utc("2023-09-28T05:00")
    old = boundaries(it, Lifetime(utc("2023-06-29T12:12"), at, "upgrade"), at + timedelta(seconds=1))
    assert windows(old).charges == ("2023-08-29T00:00:00", "2023-09-28T05:00:00")
    new = boundaries(replace(it, interval="yearly", pay_in_advance=True), Lifetime(at), at)
    assert windows(new).fee == ("2023-09-28T00:00:00", "2024-06-28T23:59:59")
    assert new.duration == 366


@pytest.mark.parametrize("pay_in_advance", [False, True])
def test_a_downgrade_bills_the_period_behind(pay_in_advance: bool) -> None:
    at = utc("2023-11-19")
    it = replace(MONTHLY, pay_in_advance=pay_in_advance, subscription_at=utc("2023-07-19T12:12"))
    old = windows(boundaries(it, Lifetime(utc("2023-07-19T12:12"), at, "downgrade"), at))
    assert old.charges == ("2023-10-19T00:00:00", "2023-11-18T23:59:59")
    if not pay_in_advance:
        assert old.fee == old.charges


def test_a_later_termination_does_not_shorten_the_fee_of_an_earlier_invoice() -> None:
    lifetime = Lifetime(utc("2024-01-31T01:00"), utc("2024-03-10"))
    advance = replace(MONTHLY, pay_in_advance=True)
    assert windows(boundaries(advance, lifetime, utc("2024-02-29"))).fee[1] == "2024-03-30T23:59:59"


def test_monthly_usage_is_billed_up_to_a_termination_of_the_same_day() -> None:
    """P19: the month in progress, not the one behind, which its own run has billed."""
    ended_at = utc("2024-04-30T15:00")
    found = windows(boundaries(YEARLY, Lifetime(utc("2024-01-31T01:00"), ended_at), ended_at))
    assert found.charges == ("2024-04-30T00:00:00", "2024-04-30T15:00:00")
    assert found.fixed == ("2024-01-31T01:00:00", "2024-04-30T15:00:00"), "the year's fixed charges are owed too"


@pytest.mark.parametrize("flag", ["charges", "fixed"])
def test_an_end_in_any_month_bills_what_is_not_billed_monthly(flag: str) -> None:
    it = replace(YEARLY, bill_charges_monthly=flag == "charges", bill_fixed_charges_monthly=flag == "fixed")
    ended_at = utc("2024-05-05T15:00")
    found = windows(boundaries(it, Lifetime(utc("2024-01-31T01:00"), ended_at), ended_at))
    year, month = ("2024-01-31T01:00:00", "2024-05-05T15:00:00"), ("2024-04-30T00:00:00", "2024-05-05T15:00:00")
    assert (found.charges, found.fixed) == ((month, year) if flag == "charges" else (year, month))


@pytest.mark.parametrize(
    ("timezone", "previous", "charges_from", "why"),
    [
        ("UTC", None, "2024-02-29T00:00:00", "the zone has not changed"),
        ("UTC", "2024-02-29T04:59:59.999999", "2024-02-29T05:00:00", "usage up to 05:00 was billed in Bogota"),
        ("UTC", "2024-02-28T18:29:59.999999", "2024-02-28T18:30:00", "usage since 18:30 was not billed in Kolkata"),
        ("UTC", "2024-02-26T18:29:59.999999", "2024-02-29T00:00:00", "farther than two zones lie apart"),
        ("UTC", "2024-01-31T01:00:00", "2024-02-29T00:00:00", "the start of a plan in advance billed no usage"),
    ],
)
def test_usage_goes_on_where_another_time_zone_left_it(
    timezone: str, previous: str | None, charges_from: str, why: str
) -> None:
    found = boundaries(
        replace(MONTHLY, timezone=timezone),
        Lifetime(utc("2024-01-31T01:00")),
        utc("2024-03-31"),
        previous_charges_to_at=utc(previous) if previous else None,
    )
    assert found.charges_from_at == utc(charges_from), why


@pytest.mark.parametrize(
    ("started", "ended", "previous_billed", "charges", "why"),
    [
        ("2023-09-05T00:00", "2023-10-05T00:00", False, ("2023-09-05T00:00:00", "2023-10-04T21:59:59"), "18.10"),
        ("2023-09-05T00:00", "2023-10-05T00:00", True, ("2023-10-04T22:00:00", "2023-10-05T00:00:00"), "billed before"),
        ("2023-09-05T00:00", "2023-10-06T00:00", False, ("2023-10-04T22:00:00", "2023-10-06T00:00:00"), "a day later"),
        (
            "2023-09-05T00:00",
            "2023-09-05T05:00",
            False,
            ("2023-09-05T00:00:00", "2023-09-05T05:00:00"),
            "the first day",
        ),
    ],
)
@pytest.mark.parametrize("pay_in_advance", [False, True])
def test_an_end_on_the_billing_day(
    started: str, ended: str, previous_billed: bool, charges: tuple[str, str], why: str, pay_in_advance: bool
) -> None:
    it = replace(MONTHLY, subscription_at=utc(started), timezone="Europe/Paris", pay_in_advance=pay_in_advance)
    found = termination_boundaries(it, Lifetime(utc(started), utc(ended)), previous_billed=previous_billed)
    assert windows(found).charges == windows(found).fixed == charges, why
    assert found.timestamp == utc(ended)


def test_an_end_on_a_monthly_run_closes_the_month_and_not_the_year() -> None:
    ended_at = utc("2024-04-30T10:00")
    lifetime = Lifetime(utc("2024-01-31T01:00"), ended_at)
    found = termination_boundaries(YEARLY, lifetime, previous_billed=False)
    assert windows(found) == Windows(
        ("2024-01-31T00:00:00", "2024-04-30T10:00:00"),
        ("2024-03-31T00:00:00", "2024-04-29T23:59:59"),
        ("2024-01-31T01:00:00", "2024-04-30T10:00:00"),
    )
    assert (found.duration, found.charges_duration, found.fixed_charges_duration) == (366, 30, 366)


def test_a_plan_change_on_the_billing_day_has_a_rule_of_its_own() -> None:
    ended_at = utc("2024-03-31T10:00")
    lifetime = Lifetime(utc("2024-01-31T01:00"), ended_at, "upgrade")
    found = termination_boundaries(MONTHLY, lifetime, previous_billed=False)
    assert found == boundaries(MONTHLY, lifetime, ended_at)


def test_monthly_runs_of_a_year_leave_no_usage_out() -> None:
    lifetime, day, covered_to = Lifetime(utc("2024-01-31T01:00")), utc("2024-01-31").date(), utc("2024-01-31T01:00")
    for _ in range(24):
        day = next_billing_day(YEARLY, day)
        found = boundaries(YEARLY, lifetime, utc(day.isoformat()))
        assert found.charges_from_at == covered_to
        assert found.charges_to_at is not None
        covered_to = found.charges_to_at + timedelta(microseconds=1)
