"""What a subscription fee amounts to, whether an invoice has one, and what of it an early end leaves unused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from domain.kernel.decimals import exact
from domain.kernel.zones import DAY, day_count, local_date
from domain.subscriptions.billing_dates import (
    Boundaries,
    Lifetime,
    PlanChange,
    Schedule,
    is_first_month_of_period,
    period_of,
)


class Formula(Enum):
    """How the fee of an invoice follows from its window. Source: metering-pricing S2, S3."""

    TERMINATED = "terminated"
    """By the day, up to the end; an upgrade's day is the new plan's."""
    UPGRADED = "upgraded"
    """By the day, from an upgrade on."""
    FULL = "full"
    """The plan's amount, whatever the window."""
    FIRST = "first"
    """By the day, from the start on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeHistory:
    """What happened to a subscription before the invoice in question.

    Attributes:
        created_at: when it was recorded; a start on an earlier local day is a backdated one.
        predecessor: the plan change that it came from, None where it is the first of its line.
        has_earlier_invoice: another invoice of it exists that is not deleted.
        has_earlier_fee: another, earlier invoice carries a subscription fee of it.
        has_fee_of_same_day: such a fee of another invoice (the voided one that this replaces aside) belongs to the
            same local issuing day.
    """

    created_at: datetime
    predecessor: PlanChange | None = None
    has_earlier_invoice: bool = False
    has_earlier_fee: bool = False
    has_fee_of_same_day: bool = False


def subscription_day_count(from_at: datetime, to_at: datetime, timezone: str, lifetime: Lifetime) -> int:
    """Days that a terminated subscription owes: the day of an upgrade is billed on the new plan.

    Source: metering-pricing T4.
    """
    upgraded = lifetime.terminated_at is not None and lifetime.successor == "upgrade"
    return max(0, day_count(from_at, to_at, timezone) - (1 if upgraded else 0))


def choose_formula(schedule: Schedule, lifetime: Lifetime, boundaries: Boundaries, history: FeeHistory) -> Formula:
    """Which formula prices the fee; the first that matches, in this order.

    Source: metering-pricing S2. Its last ground for `FULL` (backdated to before the period behind) is left out: that
    window is whole, so that `FIRST` comes to the same amount.
    """
    if (
        lifetime.terminated_by(boundaries.timestamp)
        and not schedule.pay_in_advance
        and lifetime.successor != "downgrade"
    ):
        return Formula.TERMINATED
    if history.predecessor == "upgrade" and not history.has_earlier_invoice:
        return Formula.UPGRADED
    if history.has_earlier_fee:
        return Formula.FULL
    if schedule.pay_in_advance:
        whole_from_start = schedule.billing_time == "anniversary" and history.predecessor is None
        return Formula.FULL if whole_from_start or _is_backdated(schedule, lifetime, history) else Formula.FIRST
    return Formula.FIRST


def subscription_fee(
    plan_amount_cents: int,
    schedule: Schedule,
    lifetime: Lifetime,
    boundaries: Boundaries,
    *,
    formula: Formula,
    trial_end: datetime | None,
) -> Decimal:
    """The fee in minor units, exact and not rounded.

    Args:
        trial_end: end of the trial, None without one. The days before that of the end are not owed.

    Source: metering-pricing S3. Multiplied first, then divided (invoicing-money 0.1).
    """
    if trial_end is not None and trial_end >= boundaries.to_at:
        return Decimal(0)
    ends_inside = trial_end is not None and boundaries.from_at < trial_end
    if formula is Formula.FULL and not ends_inside:
        return Decimal(plan_amount_cents)
    from_at = trial_end if trial_end is not None and ends_inside else boundaries.from_at
    if formula is Formula.TERMINATED:
        days = subscription_day_count(from_at, boundaries.to_at, schedule.timezone, lifetime)
    else:
        days = day_count(from_at, boundaries.to_at, schedule.timezone)
    with exact():
        return Decimal(plan_amount_cents) * days / boundaries.duration


def unused_days(schedule: Schedule, lifetime: Lifetime, *, trial_end: datetime | None) -> int:
    """Days of the period in progress that a plan paid in advance no longer covers once it is terminated.

    The day of the termination is used, that of an upgrade is not. Days of a trial were not paid for. All by local
    dates, where Lago takes some of UTC (invoicing-money 19, 7). Source: metering-pricing L4, invoicing-money 18.7.
    """
    assert lifetime.terminated_at is not None
    ended_on = local_date(lifetime.terminated_at, schedule.timezone)
    first_unused = ended_on if lifetime.successor == "upgrade" else ended_on + DAY
    if trial_end is not None:
        first_unused = max(first_unused, local_date(trial_end, schedule.timezone))
    return max(0, (period_of(schedule, ended_on).last - first_unused).days + 1)


def unused_amount(
    plan_amount_cents: int, schedule: Schedule, lifetime: Lifetime, *, trial_end: datetime | None
) -> Decimal:
    """The price of the unused days in minor units, exact; a credit note holds it to what was billed.

    Source: metering-pricing L4.
    """
    return _price_of_days(plan_amount_cents, schedule, lifetime, unused_days(schedule, lifetime, trial_end=trial_end))


def used_amount(
    plan_amount_cents: int, schedule: Schedule, lifetime: Lifetime, *, from_at: datetime, trial_end: datetime | None
) -> Decimal:
    """The price of the days up to the termination, its own included, in minor units, exact.

    Args:
        from_at: where the fee's window begins: `Boundaries.from_at`.
        trial_end: days before that of the end of the trial were not paid for.

    Source: invoicing-money 7.6, by local dates (19, 7).
    """
    assert lifetime.terminated_at is not None
    zone = schedule.timezone
    first_used = local_date(from_at if trial_end is None else max(from_at, trial_end), zone)
    days = (local_date(lifetime.terminated_at, zone) - first_used).days + 1
    return _price_of_days(plan_amount_cents, schedule, lifetime, max(0, days))


def _price_of_days(plan_amount_cents: int, schedule: Schedule, lifetime: Lifetime, days: int) -> Decimal:
    """Of days of the period that was in progress at the end."""
    assert lifetime.terminated_at is not None
    period = period_of(schedule, local_date(lifetime.terminated_at, schedule.timezone))
    with exact():
        return Decimal(plan_amount_cents) * days / period.days


def bills_subscription_fee(
    schedule: Schedule,
    lifetime: Lifetime,
    boundaries: Boundaries,
    history: FeeHistory,
    *,
    starting: bool,
    trial_end: datetime | None,
) -> bool:
    """Whether the invoice of `boundaries` carries a fee for the plan's amount.

    Args:
        starting: the invoice opens the subscription. In arrears it exists only for fixed charges in advance.
        trial_end: end of the trial, None without one.

    Source: metering-pricing S7, invoicing-money 3.1 item 1.
    """
    at, zone = boundaries.timestamp, schedule.timezone
    today, ended = local_date(at, zone), lifetime.terminated_by(at)
    if schedule.pay_in_advance and (ended or history.has_fee_of_same_day):
        return False
    if starting and not schedule.pay_in_advance:
        return False
    if trial_end is not None and today < local_date(trial_end, zone):
        return False
    if schedule.interval not in ("yearly", "semiannual"):
        return True
    first_month = is_first_month_of_period(schedule, today)
    if not schedule.pay_in_advance:
        return first_month or ended
    if _is_backdated(schedule, lifetime, history):
        return first_month and local_date(lifetime.started_at, zone) < period_of(schedule, today).first
    return first_month or not history.has_earlier_fee


def _is_backdated(schedule: Schedule, lifetime: Lifetime, history: FeeHistory) -> bool:
    """Whether it started on a local day before the one it was recorded on."""
    zone = schedule.timezone
    return local_date(lifetime.started_at, zone) < local_date(history.created_at, zone)
