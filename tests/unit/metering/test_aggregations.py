"""metering-pricing 10: count, sum, max, latest, unique count."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.aggregations import count, latest, unique_count
from domain.metering.aggregations import max as maximum
from domain.metering.aggregations import sum as total
from domain.metering.ports import Usage
from domain.metering.usage_event import UsageEvent

D = Decimal
START = datetime(2024, 3, 1, tzinfo=UTC)
MISSING = object()


def events(values: Sequence[object]) -> list[UsageEvent]:
    """One event a minute, with each value as its property `v`."""
    return [event(minute, {} if value is MISSING else {"v": value}) for minute, value in enumerate(values)]


def event(minute: int, properties: dict[str, Any], sequence: int = 0) -> UsageEvent:
    return UsageEvent(
        transaction_id=f"{minute}-{sequence}",
        code="c",
        external_subscription_id="s",
        timestamp=START + timedelta(minutes=minute),
        sequence=sequence,
        properties=properties,
    )


def usage(units: str, events_count: int) -> Usage:
    return Usage(units=D(units), events_count=events_count)


def test_count() -> None:
    assert count.aggregate(events([1, "foo", MISSING])) == usage("3", 3), "whatever they carry"
    assert count.aggregate([]) == usage("0", 0)
    assert list(count.running_totals(D(3))) == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "units", "events_count", "why"),
    [
        ([2.5, 2.5, 12, 12, 12, 12], "53", 6, "what was carried over counts"),
        ([12, "12.5", 0.5, "abc", MISSING, "1e5"], "25.0", 3, "what is no number is not counted"),
        ([5, -7], "-2", 2, "negative values count"),
        (["0.1"] * 10, "1.0", 10, "exact"),
        (["1" + "0" * 40, "0." + "0" * 14 + "1"], "1" + "0" * 40 + "." + "0" * 14 + "1", 2, "large and small"),
        ([], "0", 0, "no events"),
    ],
)
def test_sum(values: Sequence[object], units: str, events_count: int, why: str) -> None:
    assert total.aggregate(events(values), "v") == usage(units, events_count), why


@pytest.mark.parametrize(
    ("values", "free_events", "free_units", "totals", "why"),
    [
        ("12 12 12 12", 2, "0", "12 24", "of the free events"),
        ("12 12 12 12", 0, "30", "12 24 36", "up to the first that exceeds the free amount"),
        ("12 12 12 12", 2, "30", "12 24", "with both, the events decide"),
        ("12 12 12 12", 0, "36", "12 24 36 48", "36 does not exceed 36"),
        ("2.5 2.5 12", 2, "0", "2.5 5.0", "from the oldest event on"),
        ("12", 5, "0", "12", "fewer events than free ones"),
        ("12 12", 0, "0", "", "nothing is free"),
    ],
)
def test_running_totals_of_a_sum(values: str, free_events: int, free_units: str, totals: str, why: str) -> None:
    found = total.running_totals(map(D, values.split()), free_events=free_events, free_units=D(free_units))
    assert found == tuple(map(D, totals.split())), why


@pytest.mark.parametrize(
    ("values", "units", "events_count", "of_events", "why"),
    [
        ([5, 20, 3], "20", 3, "0 20 0", "the highest"),
        ([5, 20, 20], "20", 3, "0 20 0", "of equal ones the first has the units"),
        ([-5, -2], "-2", 2, "0 -2", "may be negative"),
        (["x", 4], "4", 1, "4", "numbers only"),
        ([], "0", 0, "", "no events"),
    ],
)
def test_max(values: Sequence[object], units: str, events_count: int, of_events: str, why: str) -> None:
    assert maximum.aggregate(events(values), "v") == usage(units, events_count), why
    assert maximum.values(events(values), "v") == [D(value) for value in of_events.split()], why


def test_latest() -> None:
    late = [event(3, {"v": 50}), event(1, {"v": 10}), event(2, {"v": 7})]
    assert latest.aggregate(late, "v") == usage("50", 3), "by time, not by arrival"
    simultaneous = [event(1, {"v": 2}, sequence=2), event(1, {"v": 1}, sequence=1)]
    assert latest.aggregate(simultaneous, "v") == usage("2", 2), "of equal times the last to arrive"
    assert latest.aggregate(events([5, -1]), "v") == usage("0", 2), "never below zero"
    assert latest.aggregate(events([5, "x"]), "v") == usage("5", 1), "numbers only"
    assert latest.aggregate([], "v") == usage("0", 0)


@pytest.mark.parametrize(
    ("operations", "units", "why"),
    [
        ("anna anna ben", 2, "a value counts once, an event without an operation adds"),
        ("anna ben -anna -carl", 1, "removing what is not there changes nothing"),
        ("anna -anna anna", 1, "a value can come back"),
        ("-anna anna", 1, "removed before it came"),
        ("anna anna -anna", 0, "added twice, removed once"),
        ("anna -anna -anna", 0, "removed twice"),
        ("anna ?anna ?ben", 1, "Q19: an unknown operation does nothing"),
        ("", 0, "no events"),
    ],
)
def test_unique_count(operations: str, units: int, why: str) -> None:
    kinds = {"-": "remove", "?": "replace", "+": "add"}
    walked = [
        event(
            minute,
            {"v": name.lstrip("-?+")} | ({"operation_type": kinds[name[0]]} if name[0] in kinds else {}),
        )
        for minute, name in enumerate(operations.split())
    ]
    assert unique_count.aggregate(walked, "v") == usage(str(units), units), why


def test_unique_count_compares_text_and_needs_a_value() -> None:
    assert unique_count.aggregate(events([1, "1", "07", 7]), "v") == usage("3", 3), "1, 07 and 7"
    assert unique_count.aggregate(events([MISSING, None, "", "a"]), "v") == usage("1", 1), "Q5: no value, no unit"


def test_unique_count_walks_by_time() -> None:
    arrived = [event(2, {"v": "a", "operation_type": "remove"}), event(1, {"v": "a"})]
    assert unique_count.aggregate(arrived, "v") == usage("0", 0)
