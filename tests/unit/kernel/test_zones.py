from datetime import UTC, date, datetime, timedelta

import pytest

from domain.kernel.zones import day_count, end_of_day, is_zone, local_date, start_of_day


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "from_at", "to_at", "days", "why"),
    [  # metering-pricing T3
        ("Europe/Paris", "2023-08-31T23:10", "2023-09-30T22:59:59", 30, "within summer time"),
        ("Europe/Paris", "2023-09-30T23:10", "2023-10-31T22:59:59", 31, "summer time ends"),
        ("Europe/Paris", "2023-02-28T23:10", "2023-03-31T21:59:59", 31, "summer time begins"),
        ("UTC", "2023-12-01T00:00", "2023-12-07T00:00", 7, "a midnight opens the day it begins"),
        ("UTC", "2023-12-01T23:00", "2023-12-03T22:00", 2, "time elapsed, not dates touched"),
        ("UTC", "2023-12-01T00:00", "2023-12-01T23:59:59.999999", 1, "one day"),
        ("UTC", "2023-12-01T00:00", "2023-12-01T00:00", 1, "the midnight that opens the first day"),
        ("UTC", "2023-12-01T10:00", "2023-12-01T10:00", 0, "no time at all"),
        ("America/Bogota", "2023-12-01T05:00", "2023-12-07T05:00", 7, "the midnight is the local one"),
        ("America/Bogota", "2023-12-01T05:00", "2023-12-07T00:00", 6, "UTC's is an hour like any other"),
    ],
)
def test_day_count(zone: str, from_at: str, to_at: str, days: int, why: str) -> None:
    assert day_count(utc(from_at), utc(to_at), zone) == days, why


@pytest.mark.parametrize(
    ("zone", "day", "start", "hours", "why"),
    [
        ("UTC", "2024-02-29", "2024-02-29T00:00", 24, "a plain day"),
        ("Asia/Kolkata", "2023-03-01", "2023-02-28T18:30", 24, "east of UTC"),
        ("America/Bogota", "2023-03-01", "2023-03-01T05:00", 24, "west of UTC"),
        ("Europe/Paris", "2024-03-31", "2024-03-30T23:00", 23, "summer time begins"),
        ("Europe/Paris", "2024-10-27", "2024-10-26T22:00", 25, "summer time ends"),
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23, "the clock skips midnight: 01:00 is the first"),
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00", 23, "the clock skips midnight"),
        ("America/Havana", "2024-11-03", "2024-11-03T04:00", 25, "midnight happens twice: the first counts"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", 24, "the day after the one that was left out"),
    ],
)
def test_a_local_day(zone: str, day: str, start: str, hours: int, why: str) -> None:
    on = date.fromisoformat(day)
    assert start_of_day(on, zone) == utc(start), why
    assert end_of_day(on, zone) == utc(start) + timedelta(hours=hours) - timedelta(microseconds=1), why


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Africa/Cairo", "America/Havana", "Asia/Beirut", "UTC"])
def test_a_day_begins_where_the_one_before_ends(zone: str) -> None:
    for offset in range(366):
        day = date(2018, 1, 1) + timedelta(days=offset)
        start = start_of_day(day, zone)
        assert local_date(start, zone) == day
        assert local_date(start - timedelta(microseconds=1), zone) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "known"),
    [("Europe/Paris", True), ("UTC", True), ("Mars/Olympus", False), ("../etc/passwd", False), ("", False)],
)
def test_is_zone(name: str, known: bool) -> None:
    assert is_zone(name) is known
