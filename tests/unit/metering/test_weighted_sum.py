"""metering-pricing A15 to A19."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from domain.metering.aggregations import weighted_sum
from domain.metering.usage_event import UsageEvent

D = Decimal
START = datetime(2023, 8, 1, tzinfo=UTC)
END = datetime(2023, 8, 31, 23, 59, 59, 999999, tzinfo=UTC)
DAY_ONE = "0:2 60:3 90:1 120:-4 240:-2 300:10 330:-10"


def events(changes: str) -> list[UsageEvent]:
    """`minute:value` each."""
    return [
        UsageEvent(
            transaction_id=str(place),
            code="c",
            external_subscription_id="s",
            timestamp=START + timedelta(minutes=int(minute)),
            sequence=place,
            properties={"v": value},
        )
        for place, (minute, value) in enumerate(change.split(":") for change in changes.split())
    ]


@pytest.mark.parametrize(
    ("changes", "initial", "units", "level", "why"),
    [
        (DAY_ONE, "0", "0.02217741935483870968", "0", "16.5 unit-hours of 744, rounded up at 20 decimals"),
        ("0:1000", "0", "1000", "1000", "all month"),
        ("0:3 0:3", "0", "6", "6", "at the same instant"),
        ("", "1000", "1000", "1000", "nothing changed what was carried over"),
        (DAY_ONE, "1000", "1000.02217741935483870968", "1000", "on top of what was carried over"),
        ("22320:10", "0", "5", "10", "half of the month"),
        ("0:-4", "0", "-4", "-4", "may be negative"),
        ("0:x", "5", "5", "5", "numbers only"),
        ("", "0", "0", "0", "no events"),
    ],
)
def test_weighted_sum(changes: str, initial: str, units: str, level: str, why: str) -> None:
    found = weighted_sum.aggregate(events(changes), "v", from_at=START, to_at=END, duration_days=31, initial=D(initial))
    assert (found.units, found.level) == (D(units), D(level)), why


def test_events_are_counted() -> None:
    found = weighted_sum.aggregate(events(DAY_ONE), "v", from_at=START, to_at=END, duration_days=31)
    assert found.events_count == 7


@pytest.mark.parametrize(
    ("to_at", "units", "why"),
    [
        (datetime(2023, 8, 15, 23, 59, 59, 999999, tzinfo=UTC), "15", "half a month of a whole one"),
        (datetime(2023, 8, 16, tzinfo=UTC), "15", "a whole second is not rounded up"),
        (datetime(2023, 8, 15, 23, 59, 59, 1, tzinfo=UTC), "15", "a part of one is"),
    ],
)
def test_a_partial_window_is_measured_by_the_whole_period(to_at: datetime, units: str, why: str) -> None:
    found = weighted_sum.aggregate(events("0:31"), "v", from_at=START, to_at=to_at, duration_days=31)
    assert found.units == D(units), why
