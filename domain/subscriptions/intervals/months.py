"""Periods of a number of months: monthly, quarterly, semiannual and yearly."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from domain.kernel.zones import DAY
from domain.subscriptions.intervals.local_period import LocalPeriod


def period_of_months(day: date, anchor: date, length: int) -> LocalPeriod:
    """The period of `length` months that holds `day`, where one begins on `anchor`.

    Every fence is derived from the anchor, never from the fence before: a short month ends its period early and
    leaves the later ones alone. Source: metering-pricing P2-P4.
    """
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    months -= months % length
    if _fence(anchor, months) > day:
        months -= length
    return LocalPeriod(_fence(anchor, months), _fence(anchor, months + length) - DAY)


def _fence(anchor: date, months: int) -> date:
    """The anchor's day `months` later, or the last day of a month that has no such day."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))
