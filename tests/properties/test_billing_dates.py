from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.kernel.zones import DAY, day_count, end_of_day, local_date, start_of_day
from domain.subscriptions.billing_dates import (
    Boundaries,
    Lifetime,
    Schedule,
    billing_instant,
    boundaries,
    is_first_month_of_period,
    next_billing_day,
    period_of,
    termination_boundaries,
)
from domain.subscriptions.intervals import BillingTime, Interval, period_containing
from domain.subscriptions.proration import Formula, subscription_fee, unused_days

MICROSECOND = timedelta(microseconds=1)
ZONES = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "America/Sao_Paulo",  # until 2018 the clock skipped midnight
    "America/Asuncion",
    "America/Havana",  # midnight happens twice
    "America/St_Johns",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Asia/Tehran",
    "Africa/Cairo",
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Niue",
)
intervals = st.sampled_from(("daily", "weekly", "monthly", "quarterly", "semiannual", "yearly"))
billing_times = st.sampled_from(("calendar", "anniversary"))
days = st.dates(date(2013, 1, 1), date(2036, 12, 31))
instants = st.timedeltas(timedelta(0), timedelta(days=8760)).map(lambda since: datetime(2013, 1, 1, tzinfo=UTC) + since)
schedules = st.builds(
    Schedule,
    interval=intervals,
    billing_time=billing_times,
    subscription_at=instants,
    timezone=st.sampled_from(ZONES),
    pay_in_advance=st.booleans(),
    bill_charges_monthly=st.booleans(),
    bill_fixed_charges_monthly=st.booleans(),
)


@given(days, days, intervals, billing_times)
def test_periods_tile_the_calendar(day: date, anchor: date, interval: Interval, billing_time: BillingTime) -> None:
    period = period_containing(day, interval, billing_time, anchor)
    assert period.first <= day <= period.last
    for inside in (period.first, period.last):
        assert period_containing(inside, interval, billing_time, anchor) == period
    assert period_containing(period.first - DAY, interval, billing_time, anchor).last == period.first - DAY
    assert period_containing(period.last + DAY, interval, billing_time, anchor).first == period.last + DAY


@given(days, st.integers(0, 800), st.sampled_from(ZONES))
def test_whole_local_days_are_counted_across_changes_of_the_clock(first: date, more: int, zone: str) -> None:
    last = first + timedelta(days=more)
    assert day_count(start_of_day(first, zone), end_of_day(last, zone), zone) == more + 1


def billed(schedule: Schedule, lifetime: Lifetime, runs: int) -> list[Boundaries]:
    """The invoice of the start, where the plan has one, and those of the billing days that follow."""
    day = local_date(lifetime.started_at, schedule.timezone)
    found = [boundaries(schedule, lifetime, lifetime.started_at)] if schedule.pay_in_advance else []
    for _ in range(runs):
        day = next_billing_day(schedule, day)
        found.append(boundaries(schedule, lifetime, billing_instant(schedule, day)))
    return found


@settings(max_examples=200)
@given(schedules, st.timedeltas(timedelta(0), timedelta(days=500)))
def test_successive_invoices_leave_no_gap_and_do_not_overlap(schedule: Schedule, later: timedelta) -> None:
    """Also after a plan change, which keeps the anchor though the subscription starts later."""
    lifetime = Lifetime(schedule.subscription_at + later)
    invoices = billed(schedule, lifetime, 14)
    for windows in (
        [(i.charges_from_at, i.charges_to_at) for i in invoices],
        [(i.fixed_charges_from_at, i.fixed_charges_to_at) for i in invoices],
    ):
        reached = lifetime.started_at
        for from_at, to_at in windows:
            if from_at is None or to_at is None or from_at == to_at == lifetime.started_at:
                continue  # a month of the other kind, or the start, which bills no usage (P15)
            assert from_at == reached
            assert to_at > from_at
            reached = to_at + MICROSECOND


@settings(max_examples=200)
@given(schedules, st.timedeltas(timedelta(0), timedelta(days=500)))
def test_fees_leave_no_gap_and_do_not_overlap(schedule: Schedule, later: timedelta) -> None:
    lifetime = Lifetime(schedule.subscription_at + later)
    start_day = local_date(lifetime.started_at, schedule.timezone)
    reached = start_of_day(start_day, schedule.timezone)
    for invoice in billed(schedule, lifetime, 14):
        first_month = is_first_month_of_period(schedule, local_date(invoice.timestamp, schedule.timezone))
        if not first_month and invoice.timestamp != lifetime.started_at:
            continue  # a month of a year has no fee
        assert invoice.from_at == reached
        reached = invoice.to_at + MICROSECOND


@settings(max_examples=200)
@given(schedules, st.timedeltas(timedelta(seconds=1), timedelta(days=500)))
def test_usage_is_billed_up_to_the_end_once(schedule: Schedule, lasted: timedelta) -> None:
    lifetime = Lifetime(schedule.subscription_at, schedule.subscription_at + lasted)
    ended_at = schedule.subscription_at + lasted
    active = replace(lifetime, terminated_at=None)
    reached, day = lifetime.started_at, local_date(lifetime.started_at, schedule.timezone)
    while (at := billing_instant(schedule, day := next_billing_day(schedule, day))) <= ended_at:
        to_at = boundaries(schedule, active, at).charges_to_at
        reached = reached if to_at is None else to_at + MICROSECOND
    last = termination_boundaries(schedule, lifetime, previous_billed=True)
    assert (last.charges_from_at, last.charges_to_at) == (reached, ended_at)


@settings(max_examples=200)
@given(schedules, days, st.integers(0, 10**12))
def test_a_whole_period_costs_the_whole_amount(schedule: Schedule, day: date, amount: int) -> None:
    lifetime = Lifetime(schedule.subscription_at - timedelta(days=9000))
    found = boundaries(schedule, lifetime, billing_instant(schedule, day))
    for formula in Formula:
        fee = subscription_fee(amount, schedule, lifetime, found, formula=formula, trial_end=None)
        assert fee == amount


@settings(max_examples=200)
@given(schedules, st.timedeltas(timedelta(days=370), timedelta(days=900)))
def test_an_upgrade_bills_every_day_once(schedule: Schedule, later: timedelta) -> None:
    upgraded_at = schedule.subscription_at + later
    arrears = replace(schedule, pay_in_advance=False)
    old = Lifetime(schedule.subscription_at, upgraded_at, "upgrade")
    period = period_of(schedule, local_date(upgraded_at, schedule.timezone))
    assume(start_of_day(period.first, schedule.timezone) > old.started_at)
    paid = subscription_fee(
        period.days, arrears, old, boundaries(arrears, old, upgraded_at), formula=Formula.TERMINATED, trial_end=None
    )
    advance = replace(schedule, pay_in_advance=True)
    new = Lifetime(upgraded_at)
    owed = subscription_fee(
        period.days, advance, new, boundaries(advance, new, upgraded_at), formula=Formula.UPGRADED, trial_end=None
    )
    assert paid + owed == period.days
    assert unused_days(advance, old, trial_end=None) == owed, "what the old plan gives back, the new one bills"
