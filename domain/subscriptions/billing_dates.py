"""When a subscription is billed, and which stretch of time an invoice covers.

Local days are the customer's, instants are UTC. Ends are inclusive, as Lago keeps them: the last microsecond of a
local day, or the instant of the termination.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal

from domain.kernel.zones import DAY, end_of_day, local_date, start_of_day
from domain.subscriptions.intervals import BillingTime, Interval, LocalPeriod, period_containing

_TIMEZONE_GUARD = timedelta(hours=26)
"""The farthest that two zones lie apart: a start that would move by more is another period's (P8)."""


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
    successor: Literal["upgrade", "downgrade"] | None = None

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


def billing_instant(schedule: Schedule, day: date) -> datetime:
    """The instant (UTC) at which the local billing day begins."""
    return start_of_day(day, schedule.timezone)


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
            in advance, progressive billing. An upgrade at `billing_at` implies it.
        previous_charges_to_at: end of the usage window of the subscription's last invoice if that was made in another
            time zone, else None: usage goes on from there, so that no event is lost or billed twice. The next
            microsecond, where Lago goes on a whole second later (the same on the wire, and nothing lost).

    Source: metering-pricing P6-P16, P19 (fixed), invoicing-money 2.2.
    """
    today = local_date(billing_at, schedule.timezone)
    ended = lifetime.terminated_by(billing_at)
    looks_ahead = current_usage or (ended and lifetime.successor == "upgrade")

    def period(*, monthly: bool, in_progress: bool) -> LocalPeriod:
        interval = _interval(schedule, monthly=monthly)
        current = _period(schedule, interval, today)
        return current if in_progress or looks_ahead else _period(schedule, interval, current.first - DAY)

    own_in_progress = schedule.pay_in_advance or (ended and lifetime.successor != "downgrade")
    usage_in_progress = ended and (lifetime.successor is None or own_in_progress and not schedule.pay_in_advance)
    own = period(monthly=False, in_progress=own_in_progress)
    charges = period(monthly=schedule.bill_charges_monthly, in_progress=usage_in_progress)
    fixed = period(monthly=schedule.bill_fixed_charges_monthly, in_progress=usage_in_progress)

    from_at, to_at = _fee_window(schedule, lifetime, own, billing_at)
    charges_from_at, charges_to_at = _usage_window(schedule, lifetime, charges)
    if previous_charges_to_at is not None and previous_charges_to_at > lifetime.started_at:
        resumed_at = previous_charges_to_at + timedelta(microseconds=1)
        if abs(resumed_at - charges_from_at) < _TIMEZONE_GUARD:
            charges_from_at = resumed_at
    fixed_from_at, fixed_to_at = _usage_window(schedule, lifetime, fixed)

    whole = looks_ahead or usage_in_progress or is_first_month_of_period(schedule, today)
    has_charges = whole or schedule.bill_charges_monthly or not schedule.bill_fixed_charges_monthly
    has_fixed = whole or schedule.bill_fixed_charges_monthly or not schedule.bill_charges_monthly
    return Boundaries(
        from_at=from_at,
        to_at=to_at,
        charges_from_at=charges_from_at if has_charges else None,
        charges_to_at=charges_to_at if has_charges else None,
        fixed_charges_from_at=fixed_from_at if has_fixed else None,
        fixed_charges_to_at=fixed_to_at if has_fixed else None,
        duration=own.days,
        charges_duration=charges.days,
        fixed_charges_duration=fixed.days,
        timestamp=billing_at,
    )
