"""Local days: where a day of a time zone begins and ends, and how many lie between two instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

DAY = timedelta(days=1)


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones())


def is_zone(name: str) -> bool:
    """Whether `name` is of the IANA database."""
    try:
        return name in _names() and ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError):
        return False


def local(at: datetime, zone: str) -> datetime:
    """The same instant on the wall clock of `zone`."""
    return at.astimezone(ZoneInfo(zone))


def local_date(at: datetime, zone: str) -> date:
    return local(at, zone).date()


def start_of_day(day: date, zone: str) -> datetime:
    """The instant (UTC) at which `day` begins in `zone`.

    Where the clock skips midnight, the day begins at the first instant after the gap; where midnight happens
    twice, at the first of them. Source: metering-pricing T2.
    """
    # Midnight itself, or read with the offset of before the gap that swallows it: then that is the gap's end.
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def end_of_day(day: date, zone: str) -> datetime:
    """The last microsecond (UTC) of `day` in `zone`."""
    return start_of_day(day + DAY, zone) - timedelta(microseconds=1)


def day_count(from_at: datetime, to_at: datetime, zone: str) -> int:
    """Days from `from_at` to `to_at`, elapsed time rounded up and blind to changes of the clock.

    A `to_at` on local midnight counts the day that it opens. Source: metering-pricing T3, invoicing-money 0.5.
    """
    start, end = local(from_at, zone), local(to_at, zone)
    if (end.hour, end.minute, end.second, end.microsecond) == (0, 0, 0, 0):
        to_at += timedelta(seconds=1)
    offsets = (start.utcoffset() or timedelta()) - (end.utcoffset() or timedelta())
    return -((to_at - from_at - offsets) // -DAY)
