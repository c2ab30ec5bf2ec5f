"""Intervals of plans: which local days belong together in one billing period."""

from __future__ import annotations

from datetime import date
from typing import Literal

from domain.subscriptions.intervals.days import period_of_days
from domain.subscriptions.intervals.local_period import LocalPeriod
from domain.subscriptions.intervals.months import period_of_months

__all__ = ["BILLED_MONTHLY_IF_ASKED", "BillingTime", "Interval", "LocalPeriod", "period_containing"]

Interval = Literal["daily", "weekly", "monthly", "quarterly", "semiannual", "yearly"]
"""Lago's, and daily, which is ours."""

BILLED_MONTHLY_IF_ASKED: tuple[Interval, ...] = ("semiannual", "yearly")
"""Whose plans say whether usage and fixed charges are billed every month (P11)."""

BillingTime = Literal["calendar", "anniversary"]

_DAYS = {"daily": 1, "weekly": 7}
_MONTHS = {"monthly": 1, "quarterly": 3, "semiannual": 6, "yearly": 12}

_CALENDAR_ANCHOR = date(2001, 1, 1)
"""A Monday and a 1 January: calendar periods are the anniversaries of this day, for every interval (P2)."""


def period_containing(day: date, interval: Interval, billing_time: BillingTime, anchor: date) -> LocalPeriod:
    """The billing period that holds the local date `day`; periods tile the calendar, before the anchor too.

    Args:
        anchor: local date of `subscription_at`; without meaning where `billing_time` is calendar.

    Source: metering-pricing P2-P4.
    """
    if billing_time == "calendar":
        anchor = _CALENDAR_ANCHOR
    if interval in _DAYS:
        return period_of_days(day, anchor, _DAYS[interval])
    return period_of_months(day, anchor, _MONTHS[interval])
