"""Periods of a number of days: daily and weekly."""

from __future__ import annotations

from datetime import date, timedelta

from domain.subscriptions.intervals.local_period import LocalPeriod


def period_of_days(day: date, anchor: date, length: int) -> LocalPeriod:
    """The period of `length` days that holds `day`, where one begins on `anchor`.

    Source: metering-pricing P2, P3 (a week begins on the anchor's weekday).
    """
    first = day - timedelta(days=(day - anchor).days % length)
    return LocalPeriod(first, first + timedelta(days=length - 1))
