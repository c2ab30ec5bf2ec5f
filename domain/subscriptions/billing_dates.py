"""When a subscription is billed, and which stretch of time an invoice covers.

Local days are the customer's, instants are UTC. Ends are inclusive, as Lago keeps them: the last microsecond of a
local day, or the instant of the termination.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from domain.kernel.zones import DAY, end_of_day, local_date, start_of_day
from domain.subscriptions.intervals import (
    BILLED_MONTHLY_IF_ASKED,
    BillingTime,
    Interval,
    LocalPeriod,
    period_containing,
)

PlanChange = Literal["upgrade", "downgrade"]

_TIMEZONE_GUARD = timedelta(hours=26)
"""The farthest that two zones lie apart: a start that would move by more is another period's (P8)."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The calendar that a subscription is billed by.

    Attributes:
        subscription_at: the anchor; a plan change hands it on to the next subscription (P1).
        timezone: the customer's, by IANA name (T1).
        pay_in_advance: the plan's, about its own amount.
        bill_charges_monthly: of yearly and semiannual plans, without effect on others (P11).
        bill_fixed_charges_monthly: likewise.
    """

    interval: Interval
    billing_time: BillingTime
    subscription_at: datetime
    timezone: str
    pay_in_advance: bool
    bill_charges_monthly: bool = False
    bill_fixed_charges_monthly: bool = False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a subscription was active, and what came after it.

    Attributes:
        terminated_at: None while it has not been terminated.
        successor: the plan change that ended it; None where it runs, or ended for good.
    """

    started_at: datetime
    terminated_at: datetime | None = None
    successor: PlanChange | None = None

    def terminated_by(self, at: datetime) -> bool:
        """Whether it has ended at `at`, to the second. Source: metering-pricing T5."""
        return self.terminated_at is not None and _to_second(self.terminated_at) <= _to_second(at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundaries:
    """What one invoice covers of one subscription: three windows, from and to inclusive, in UTC.

    Attributes:
        from_at: of the subscription fee; begins at a local midnight.
        charges_from_at: of usage; begins with the very instant of the start. None, like its end, on the monthly runs
            that bill fixed charges alone. A window whose start is not before its end bills no usage (P15).
        fixed_charges_from_at: None, like its end, on the monthly runs that bill usage alone.
        duration: days of the whole period that the subscription fee is prorated by, whatever the window covers.
        charges_duration: likewise of usage.
        fixed_charges_duration: likewise of fixed charges.
        timestamp: the billing instant that all of this was computed for.
    """

    from_at: datetime
    to_at: datetime
    charges_from_at: datetime | None
    charges_to_at: datetime | None
    fixed_charges_from_at: datetime | None
    fixed_charges_to_at: datetime | None
    duration: int
    charges_duration: int
    fixed_charges_duration: int
    timestamp: datetime


def period_of(schedule: Schedule, day: date) -> LocalPeriod:
    """The plan's own period that holds the local date `day`. Its last day is `next_end_of_period` (P17)."""
    return _period(schedule, schedule.interval, day)


def is_first_month_of_period(schedule: Schedule, day: date) -> bool:
    """Whether the monthly run of `day` opens a period of a yearly or semiannual plan.

    True for the other intervals, which are never split in months. Source: metering-pricing P12: the month of the
    period's start is the one monthly period that begins on the same day.
    """
    if schedule.interval not in ("yearly", "semiannual"):
        return True
    return _period(schedule, "monthly", day).first == period_of(schedule, day).first


def next_billing_day(schedule: Schedule, after: date) -> date:
    """The first local date after `after` on which a period ends or, where a monthly flag is set, a month of it.

    A subscription is never billed periodically on the day it starts: ask with that day, or with the last one billed.
    Source: metering-pricing B2, B3.
    """
    monthly = schedule.bill_charges_monthly or schedule.bill_fixed_charges_monthly
    return _period(schedule, _interval(schedule, monthly=monthly), after).last + DAY


def next_fixed_charges_period(schedule: Schedule, at: datetime) -> datetime:
    """The instant at which the next period of fixed charges begins, by their own cadence (metering-pricing W2)."""
    interval = _interval(schedule, monthly=schedule.bill_fixed_charges_monthly)
    return start_of_day(_period(schedule, interval, local_date(at, schedule.timezone)).last + DAY, schedule.timezone)


def downgrade_day(schedule: Schedule, asked_at: datetime) -> date:
    """The local date on which a downgrade takes effect: the one after the plan's own period that it is asked for in.

    Monthly runs of a year do not count, where L3 has the next billing day of any kind: the year was agreed, and in
    advance it is paid. Source: invoicing-money 1.4, metering-pricing L3.
    """
    return period_of(schedule, local_date(asked_at, schedule.timezone)).last + DAY


def billing_instant(schedule: Schedule, day: date) -> datetime:
    """The instant (UTC) at which the local billing day begins."""
    return start_of_day(day, schedule.timezone)


def billed_elsewhere_until(last_charges_to_at: datetime | None, *, made_in: str | None, now_in: str) -> datetime | None:
    """End of the usage that the last invoice billed if the time zone has changed since, else None (P8)."""
    return last_charges_to_at if made_in not in (None, now_in) else None


def boundaries(
    schedule: Schedule,
    lifetime: Lifetime,
    billing_at: datetime,
    *,
    current_usage: bool = False,
    previous_charges_to_at: datetime | None = None,
) -> Boundaries:
    """The windows that an invoice of `billing_at` covers.

    Args:
        billing_at: the instant the invoice is due (local midnight of a billing day, the start, the termination),
            however late it is made.
        current_usage: look at the period in progress, not at the one behind: current usage, charges and fixed charges
            in advance, progressive billing. A termination by `billing_at` implies it, unless for a downgrade: that
            waits for the end of the period.
        previous_charges_to_at: of `billed_elsewhere_until`: usage goes on from there, so that no event is lost or
            billed twice. The next microsecond, where Lago goes on a whole second later (the same on the wire, and
            nothing lost).

    Source: metering-pricing P6-P16, P19 (fixed), invoicing-money 2.2.
    """
    today = local_date(billing_at, schedule.timezone)
    in_progress = current_usage or (lifetime.terminated_by(billing_at) and lifetime.successor != "downgrade")

    def period(*, monthly: bool, in_progress: bool) -> LocalPeriod:
        interval = _interval(schedule, monthly=monthly)
        current = _period(schedule, interval, today)
        return current if in_progress else _period(schedule, interval, current.first - DAY)

    own = period(monthly=False, in_progress=in_progress or schedule.pay_in_advance)
    charges = period(monthly=schedule.bill_charges_monthly, in_progress=in_progress)
    fixed = period(monthly=schedule.bill_fixed_charges_monthly, in_progress=in_progress)

    from_at, to_at = _fee_window(schedule, lifetime, own, billing_at)
    charges_from_at, charges_to_at = _usage_window(schedule, lifetime, charges)
    if previous_charges_to_at is not None and previous_charges_to_at > lifetime.started_at:
        resumed_at = previous_charges_to_at + _MICROSECOND
        if abs(resumed_at - charges_from_at) < _TIMEZONE_GUARD:
            charges_from_at = resumed_at
    fixed_from_at, fixed_to_at = _usage_window(schedule, lifetime, fixed)

    monthly_run = not (in_progress or is_first_month_of_period(schedule, today))
    only_fixed = monthly_run and schedule.bill_fixed_charges_monthly and not schedule.bill_charges_monthly
    only_charges = monthly_run and schedule.bill_charges_monthly and not schedule.bill_fixed_charges_monthly
    return Boundaries(
        from_at=from_at,
        to_at=to_at,
        charges_from_at=None if only_fixed else charges_from_at,
        charges_to_at=None if only_fixed else charges_to_at,
        fixed_charges_from_at=None if only_charges else fixed_from_at,
        fixed_charges_to_at=None if only_charges else fixed_to_at,
        duration=own.days,
        charges_duration=charges.days,
        fixed_charges_duration=fixed.days,
        timestamp=billing_at,
    )


def termination_boundaries(
    schedule: Schedule,
    lifetime: Lifetime,
    *,
    previous_billed: bool,
    previous_charges_to_at: datetime | None = None,
) -> Boundaries:
    """The windows that the invoice of a termination covers.

    On a billing day whose periodic invoice was not made, a subscription that ends for good is billed for the whole
    period behind it, as if it were active, and not for the hours since. That goes for each window by its own
    cadence: one whose period does not begin today runs up to the termination as on any other day.

    Args:
        lifetime: terminated.
        previous_billed: whether the periodic invoice of that local day exists.
        previous_charges_to_at: as in `boundaries`.

    Source: metering-pricing P18, by local days instead of 24 hours.
    """
    assert lifetime.terminated_at is not None
    at, today = lifetime.terminated_at, local_date(lifetime.terminated_at, schedule.timezone)
    ended = boundaries(schedule, lifetime, at, previous_charges_to_at=previous_charges_to_at)
    started_today = local_date(lifetime.started_at, schedule.timezone) == today
    if previous_billed or lifetime.successor is not None or started_today:
        return ended

    def begins_today(*, monthly: bool) -> bool:
        return _period(schedule, _interval(schedule, monthly=monthly), today).first == today

    active = boundaries(
        schedule, replace(lifetime, terminated_at=None), at, previous_charges_to_at=previous_charges_to_at
    )
    own = active if begins_today(monthly=False) else ended
    charges = active if begins_today(monthly=schedule.bill_charges_monthly) else ended
    fixed = active if begins_today(monthly=schedule.bill_fixed_charges_monthly) else ended
    return Boundaries(
        from_at=own.from_at,
        to_at=own.to_at,
        charges_from_at=charges.charges_from_at,
        charges_to_at=charges.charges_to_at,
        fixed_charges_from_at=fixed.fixed_charges_from_at,
        fixed_charges_to_at=fixed.fixed_charges_to_at,
        duration=own.duration,
        charges_duration=charges.charges_duration,
        fixed_charges_duration=fixed.fixed_charges_duration,
        timestamp=at,
    )


def _interval(schedule: Schedule, *, monthly: bool) -> Interval:
    return "monthly" if monthly and schedule.interval in BILLED_MONTHLY_IF_ASKED else schedule.interval


def _period(schedule: Schedule, interval: Interval, day: date) -> LocalPeriod:
    anchor = local_date(schedule.subscription_at, schedule.timezone)
    return period_containing(day, interval, schedule.billing_time, anchor)


def _fee_window(
    schedule: Schedule, lifetime: Lifetime, period: LocalPeriod, billing_at: datetime
) -> tuple[datetime, datetime]:
    """The part of `period` that the plan's amount is owed for: the first day counts as a whole.

    Source: P7, but for the end: Lago rounds it to a second, and so half a second before midnight to one more day.
    """
    started_on = local_date(lifetime.started_at, schedule.timezone)
    from_at = start_of_day(max(period.first, started_on), schedule.timezone)
    to_at = end_of_day(period.last, schedule.timezone)
    if lifetime.terminated_at is not None and lifetime.terminated_by(billing_at):
        to_at = min(to_at, lifetime.terminated_at)
    return from_at, max(to_at, lifetime.started_at)


def _usage_window(schedule: Schedule, lifetime: Lifetime, period: LocalPeriod) -> tuple[datetime, datetime]:
    """The part of `period` in which usage counts: from the instant of the start to that of the end. Source: P8, P9."""
    from_at = max(start_of_day(period.first, schedule.timezone), lifetime.started_at)
    to_at = end_of_day(period.last, schedule.timezone)
    if lifetime.terminated_at is not None:
        to_at = min(to_at, lifetime.terminated_at)
    return from_at, max(to_at, lifetime.started_at)


def _to_second(at: datetime) -> datetime:
    """Rounded to the nearest second, halves up."""
    return (at + timedelta(microseconds=500_000)).replace(microsecond=0)
