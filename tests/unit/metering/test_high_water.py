"""metering-pricing V6, V8, V9, V16."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.high_water import change_of, fold, rise, rises
from domain.metering.peak import Peak
from domain.metering.ports import Metric
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.usage_event import UsageEvent

D = Decimal
JUNE = datetime(2024, 6, 1, tzinfo=UTC)
DAYS = ProratedPeriod(
    from_at=JUNE, to_at=datetime(2024, 6, 30, 23, 59, 59, 999999, UTC), days=30, duration_days=30, timezone="UTC"
)
COUNT = Metric(code="c", aggregation_type="count_agg")
SUM = Metric(code="c", aggregation_type="sum_agg", field_name="v")
UNIQUE = Metric(code="c", aggregation_type="unique_count_agg", field_name="v")
RECURRING_SUM = Metric(code="c", aggregation_type="sum_agg", field_name="v", recurring=True)
RECURRING_UNIQUE = Metric(code="c", aggregation_type="unique_count_agg", field_name="v", recurring=True)


def event(place: int, properties: dict[str, Any], at: datetime | None = None) -> UsageEvent:
    return UsageEvent(
        transaction_id=str(place),
        code="c",
        external_subscription_id="s",
        timestamp=at or JUNE + timedelta(hours=place),
        sequence=place,
        properties=properties,
    )


def sums(values: str, start: datetime = JUNE) -> list[UsageEvent]:
    return [event(place, {"v": value}, start + timedelta(hours=place)) for place, value in enumerate(values.split())]


def moves(values: str, start: datetime = JUNE) -> list[UsageEvent]:
    """Values that come, or go where there is a minus before."""
    return [
        event(
            place,
            {"v": value.strip("-"), "operation_type": "remove" if value.startswith("-") else "add"},
            start + timedelta(hours=place),
        )
        for place, value in enumerate(values.split())
    ]


def numbers(text: str) -> list[Decimal]:
    return [D(number) for number in text.split()]


@pytest.mark.parametrize(
    ("metric", "events", "changes", "deltas", "why"),
    [
        (SUM, sums("10 -4 8"), "10 -4 8", "10 0 4", "14 are 4 above the 10 before"),
        (SUM, sums("10 -4 3 -9 10"), "10 -4 3 -9 10", "10 0 0 0 0", "10 is reached again, not exceeded"),
        (SUM, sums("-5 10"), "-5 10", "0 5", "a peak begins at zero, not below (Q18)"),
        (SUM, sums("0 0.5"), "0 0.5", "0 0.5", "zero counts"),
        (
            UNIQUE,
            moves("id1 -id1 id1 id2 id2 id3 -id3"),
            "1 -1 1 1 0 1 -1",
            "1 0 0 1 0 1 0",
            "a value that comes back is paid already",
        ),
        (UNIQUE, moves("a -a b c"), "1 -1 1 1", "1 0 0 1", "another value takes the paid place"),
        (UNIQUE, moves("-a a"), "0 1", "0 1", "what is not there cannot go"),
        (COUNT, sums("7 -7"), "1 1", "1 1", "every event is one"),
    ],
)
def test_events(metric: Metric, events: Sequence[UsageEvent], changes: str, deltas: str, why: str) -> None:
    walked = [step for _, step in rises(events, metric, from_at=JUNE)]
    assert [step.change for step in walked] == numbers(changes), why
    assert [step.delta for step in walked] == numbers(deltas), why
    assert [step.prorated_delta for step in walked] == numbers(deltas), "not prorated"
    paid = sum(numbers(deltas), D(0))
    assert fold(events, metric, from_at=JUNE) == Peak(current=sum(numbers(changes), D(0)), max=paid, max_prorated=paid)


@pytest.mark.parametrize("value", [None, "", "foo", "1e5", True])
def test_what_is_no_number_has_no_fee(value: object) -> None:
    walked = rises([event(0, {"v": value}), event(1, {}), event(2, {"v": 3})], SUM, from_at=JUNE)
    assert [(one.transaction_id, step.delta) for one, step in walked] == [("2", D(3))]


@pytest.mark.parametrize("properties", [{}, {"v": ""}, {"v": None}, {"v": "a", "operation_type": "touch"}])
def test_what_is_no_operation_has_no_fee(properties: dict[str, Any]) -> None:
    assert change_of(event(0, properties), UNIQUE, {"a"}) is None


def test_no_events_are_a_peak_of_zero() -> None:
    assert fold([], SUM, from_at=JUNE) == Peak()


def test_simultaneous_events_rise_in_the_order_of_arrival() -> None:
    together = [event(place, {"v": value}, JUNE) for place, value in enumerate((5, -5, 7))]
    assert [step.delta for _, step in rises(together[::-1], SUM, from_at=JUNE)] == [D(5), D(0), D(2)]


@pytest.mark.parametrize(
    ("metric", "changes", "deltas", "why"),
    [
        (UNIQUE, "0 1 1", "0 1 1", "nothing is there at first: the removal does nothing"),
        (RECURRING_UNIQUE, "-1 1 1", "0 0 1", "`a` is there from May: its return only makes up for its removal"),
    ],
)
def test_values_from_before_the_period(metric: Metric, changes: str, deltas: str, why: str) -> None:
    may = moves("a b", JUNE - timedelta(days=9))
    walked = [step for _, step in rises([*may, *moves("-a a c")], metric, from_at=JUNE)]
    assert [step.change for step in walked] == numbers(changes), why
    assert [step.delta for step in walked] == numbers(deltas), why


def test_a_period_begins_from_nothing() -> None:
    may = sums("100 -50", JUNE - timedelta(days=9))
    assert fold([*may, *sums("-3 5")], RECURRING_SUM, from_at=JUNE) == Peak(current=D(2), max=D(2), max_prorated=D(2))


def test_rises_are_weighed_by_the_days_left() -> None:
    seats = [event(day, {"v": f"user_{day}"}, JUNE + timedelta(days=day - 1, hours=10)) for day in range(11, 16)]
    walked = [step for _, step in rises(seats, RECURRING_UNIQUE, from_at=JUNE, prorated=DAYS)]
    assert [step.prorated_delta for step in walked] == numbers("0.66667 0.63334 0.6 0.56667 0.53334")
    assert [step.delta for step in walked] == [D(1)] * 5
    assert walked[-1].peak == Peak(current=D(5), max=D(5), max_prorated=D("3.00002"))


@pytest.mark.parametrize(
    ("delta", "at", "timezone", "prorated", "why"),
    [
        (
            "3",
            datetime(2024, 6, 11, 10, tzinfo=UTC),
            "UTC",
            "2",
            "three for 20 of 30 days, without a trace of division",
        ),
        ("1", datetime(2024, 6, 10, 23, tzinfo=UTC), "UTC", "0.7", "21 days"),
        ("1", datetime(2024, 6, 10, 23, tzinfo=UTC), "Europe/Paris", "0.66667", "the 11th there"),
        ("1", datetime(2024, 6, 30, 23, 59, 59, tzinfo=UTC), "UTC", "0.03334", "the last second is of a day"),
        ("1", JUNE, "UTC", "1", "the whole period"),
    ],
)
def test_weighing(delta: str, at: datetime, timezone: str, prorated: str, why: str) -> None:
    to_at = datetime(2024, 6, 30, 21 if timezone == "Europe/Paris" else 23, 59, 59, 999999, UTC)
    days = ProratedPeriod(from_at=JUNE, to_at=to_at, days=30, duration_days=30, timezone=timezone)
    assert rise(Peak(), D(delta), at=at, prorated=days).prorated_delta == D(prorated), why
