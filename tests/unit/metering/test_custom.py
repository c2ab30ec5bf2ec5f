"""metering-pricing A20, E17, G4."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.aggregations.custom import aggregate, event_properties, is_served
from domain.metering.ports import CustomAggregator, Metric, Usage
from domain.metering.usage_event import UsageEvent

D = Decimal
START = datetime(2024, 3, 1, tzinfo=UTC)
SUM = ("state.total_units + event.properties.v", "event.properties.v * 2")


def metric(expressions: tuple[str, str], *, recurring: bool = False) -> Metric:
    total_units, amount = expressions
    aggregator = CustomAggregator(total_units=total_units, amount=amount)
    return Metric(code="c", aggregation_type="custom_agg", recurring=recurring, custom_aggregator=aggregator)


def events(values: str) -> list[UsageEvent]:
    """One event a minute from START on, with each value as its property `v`; "-" has none."""
    return [
        UsageEvent(
            transaction_id=str(minute),
            code="c",
            external_subscription_id="s",
            timestamp=START + timedelta(minutes=minute),
            properties={} if value == "-" else {"v": value},
        )
        for minute, value in enumerate(values.split())
    ]


@pytest.mark.parametrize(
    ("expressions", "values", "units", "amount", "count", "why"),
    [
        (SUM, "1 4 5", "10", "20", 3, "12.9: units 10, amount 20"),
        (SUM, "", "0", "0", 0, "no events, no state"),
        (("event.properties.v", "1"), "7 3", "3", "2", 2, "units are replaced, amounts are added"),
        (("greatest(state.total_units, event.properties.v)", "0"), "2 9 4", "9", "0", 3, "of the state before it"),
        (("state.total_units + 1", "state.total_units"), "x x x", "3", "3", 3, "0, 1 and 2: the amount sees it too"),
        (("1", "event.properties.v - state.amount"), "5 5 8", "1", "8", 3, "5, nothing, and 3 on top"),
        (("1", "least(event.properties.v, 10 - state.amount)"), "6 6 6", "1", "10", 3, "capped"),
        (("1", "-event.properties.v"), "6 1", "1", "-7", 2, "an amount may be taken away"),
        (SUM, "1 - abc 2", "3", "6", 2, "without a number an event counts for nothing (G4)"),
        (SUM, "1 1e1 +2", "13", "26", 3, "what is a decimal to an expression counts (E17)"),
        (
            ("state.total_units + 1", "6 / event.properties.v"),
            "3 0 2",
            "2",
            "5",
            2,
            "nor one that cannot be divided by",
        ),
        (("concat('1', '2')", "1"), "1", "0", "0", 0, "a text is no number, whatever it looks like"),
        (("event.code", "1"), "1", "0", "0", 0, "nor is a code"),
        (("1", "1 / 3"), "x x x", "1", "0.99999999999999999999", 3, "each amount is rounded at 20 decimals"),
        (("event.timestamp", "0"), "x", "1709251200", "0", 1, "seconds"),
        (("1" + 20 * "0", "1"), "x", "0", "0", 0, "units out of range"),
        (("9" * 20, "1"), "x", "9" * 20, "1", 1, "units just in range"),
        (("1", "5" + 13 * "0"), "x x", "1", "5" + 13 * "0", 1, "the amount would come out of range"),
        (("1", "greatest(state.amount * 2, 1)"), 60 * "x ", "1", str(3**29), 30, "an amount that runs away ends"),
    ],
)
def test_fold(expressions: tuple[str, str], values: str, units: str, amount: str, count: int, why: str) -> None:
    found = aggregate(events(values), metric(expressions), from_at=START)
    assert found == Usage(units=D(units), events_count=count, amount=D(amount)), why


def test_events_are_taken_by_time_and_those_of_one_time_by_arrival() -> None:
    one, two, three = events("1 2 3")
    together = UsageEvent(
        transaction_id="x",
        code="c",
        external_subscription_id="s",
        timestamp=three.timestamp,
        sequence=1,
        properties={"v": "4"},
    )
    found = aggregate(
        [together, three, one, two], metric(("state.total_units * 10 + event.properties.v", "0")), from_at=START
    )
    assert found.units == D(1234)


@pytest.mark.parametrize(
    ("custom_properties", "amount", "why"),
    [
        ((("price", "1.5"),), "4.5", "a decimal in a text is a number (E17)"),
        ((("other", "1"), ("price", "2")), "6", "what is not named does not matter"),
        ((), "0", "missing"),
        ((("price", "dear"),), "0", "no number"),
        ((("price", "1e41"),), "0", "out of range"),
    ],
)
def test_custom_properties(custom_properties: tuple[tuple[str, str], ...], amount: str, why: str) -> None:
    priced = metric(("state.total_units + 1", "event.properties.v * custom_properties.price"))
    found = aggregate(events("1 2"), priced, custom_properties, from_at=START)
    assert (found.amount, found.events_count) == (D(amount), 2 if D(amount) else 0), why
    assert priced.custom_aggregator is not None
    assert is_served(priced.custom_aggregator, custom_properties) == (found.events_count > 0), why


@pytest.mark.parametrize(
    ("minutes", "carried", "count", "why"),
    [
        (0, "0", 4, "from the first event on"),
        (2, "6", 2, "the amount of two events was owed before"),
        (9, "20", 0, "all of it, and the units are still there"),
    ],
)
def test_recurring(minutes: int, carried: str, count: int, why: str) -> None:
    """The state runs through; the window owes for what is added inside it."""
    found = aggregate(events("1 2 3 4"), metric(SUM, recurring=True), from_at=START + timedelta(minutes=minutes))
    assert found == Usage(units=D(10), events_count=count, amount=D(20), carried_amount=D(carried)), why


def test_named_properties() -> None:
    names: dict[str, Any] = {
        "total_units": "event.properties.b + state.amount",
        "amount": "event.properties.a * event.properties.b * custom_properties.c + event.timestamp",
    }
    assert event_properties(CustomAggregator(**names)) == ("a", "b")
    assert is_served(CustomAggregator(**names), (("c", "1"),))
    assert not is_served(CustomAggregator(**names), (("a", "1"),))
