"""What usage obeys, whatever the events."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.decimals import exact, wire
from domain.metering.aggregations import count, latest, unique_count, weighted_sum
from domain.metering.aggregations import max as maximum
from domain.metering.aggregations import sum as total
from domain.metering.aggregations.unique_count import Operation
from domain.metering.expression import EvaluationError, InvalidExpressionError, parse
from domain.metering.matching import choose_filter, expand, filter_buckets, is_in, matches
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.proration import full_units, prorate_sum, prorate_unique_count, prorated_units
from domain.metering.rounding import round_units
from domain.metering.usage_event import UsageEvent, number

START = datetime(2024, 3, 1, tzinfo=UTC)
END = datetime(2024, 3, 31, 23, 59, 59, 999999, tzinfo=UTC)
SECONDS = st.integers(0, 31 * 86_400 - 1)
DECIMALS = st.decimals(-1000, 1000, places=4)


def event(second: int, sequence: int, properties: dict[str, Any]) -> UsageEvent:
    return UsageEvent(
        transaction_id=str(sequence),
        code="c",
        external_subscription_id="s",
        timestamp=START + timedelta(seconds=second),
        sequence=sequence,
        properties=properties,
    )


@st.composite
def numeric_events(draw: st.DrawFn) -> list[UsageEvent]:
    rows = draw(st.lists(st.tuples(SECONDS, DECIMALS), max_size=15))
    return [event(second, place, {"v": wire(value)}) for place, (second, value) in enumerate(rows)]


@st.composite
def moves(draw: st.DrawFn) -> list[UsageEvent]:
    """Values that come and go."""
    rows = draw(st.lists(st.tuples(SECONDS, st.sampled_from("abc"), st.sampled_from(["add", "remove"])), max_size=15))
    return [
        event(second, place, {"v": value, "operation_type": kind}) for place, (second, value, kind) in enumerate(rows)
    ]


@given(events=numeric_events(), seed=st.integers(0, 1000))
def test_the_order_of_a_list_does_not_matter(events: list[UsageEvent], seed: int) -> None:
    shuffled = random.Random(seed).sample(events, len(events))
    for aggregation in (total, maximum, latest, unique_count):
        assert aggregation.aggregate(shuffled, "v") == aggregation.aggregate(events, "v")
    assert count.aggregate(shuffled) == count.aggregate(events)


@given(events=numeric_events(), extra=numeric_events())
def test_sums_of_parts_are_the_sum_of_the_whole(events: list[UsageEvent], extra: list[UsageEvent]) -> None:
    parts = total.aggregate(events, "v").units + total.aggregate(extra, "v").units
    assert total.aggregate([*events, *extra], "v").units == parts


@given(
    values=st.lists(st.decimals(0, 100, places=2), max_size=12),
    n=st.integers(0, 12),
    z=st.decimals(0, 600, places=2),
)
def test_running_totals_are_the_first_of_all(values: list[Decimal], n: int, z: Decimal) -> None:
    totals = total.running_totals(values, free_events=n, free_units=z)
    assert list(totals) == [sum(values[: place + 1], Decimal(0)) for place in range(len(totals))]
    assert len(totals) <= n or n == 0
    assert all(earlier <= z for earlier in totals[:-1]) or n > 0


@given(events=moves())
def test_a_unique_count_agrees_with_a_set(events: list[UsageEvent]) -> None:
    present: set[str] = set()
    for one in sorted(events, key=lambda one: (one.timestamp, one.sequence)):
        if one.properties["operation_type"] == "add":
            present.add(one.properties["v"])
        else:
            present.discard(one.properties["v"])
    assert unique_count.aggregate(events, "v").units == len(present)


@given(events=numeric_events(), cut=SECONDS, initial=DECIMALS)
def test_a_weighted_sum_of_two_windows_is_that_of_both(events: list[UsageEvent], cut: int, initial: Decimal) -> None:
    between = START + timedelta(seconds=cut)
    earlier = [one for one in events if one.timestamp <= between]
    later = [one for one in events if one.timestamp > between]
    first = weighted_sum.aggregate(earlier, "v", from_at=START, to_at=between, duration_days=31, initial=initial)
    second = weighted_sum.aggregate(later, "v", from_at=between, to_at=END, duration_days=31, initial=first.level)
    whole = weighted_sum.aggregate(events, "v", from_at=START, to_at=END, duration_days=31, initial=initial)
    with exact():
        assert abs(first.units + second.units - whole.units) <= Decimal("2E-20")
    assert second.level == whole.level == initial + total.aggregate(events, "v").units


MARCH = ProratedPeriod(from_at=START, to_at=END, days=31, duration_days=31, timezone="UTC")


@given(carried=st.integers(0, 100), rows=st.lists(st.tuples(SECONDS, st.integers(0, 100)), max_size=10))
def test_prorated_units_are_never_more_than_the_full_ones(carried: int, rows: list[tuple[int, int]]) -> None:
    changes = [(START + timedelta(seconds=second), Decimal(value)) for second, value in rows]
    found = prorate_sum(Decimal(carried), changes, MARCH)
    assert full_units(found) == carried + sum(value for _, value in changes)
    assert carried <= prorated_units(found) <= full_units(found)


@given(events=moves())
def test_a_prorated_unique_count_counts_the_days_on_which_a_value_was_there(events: list[UsageEvent]) -> None:
    operations = list(unique_count.operations(events, "v"))
    found = prorate_unique_count(operations, MARCH)
    assert full_units(found) == unique_count.aggregate(events, "v").units
    days = sum(len(_days(operations, value)) for value in "abc")
    assert abs(prorated_units(found) - Decimal(days) / 31) < Decimal("0.00002")


def _days(operations: list[Operation], value: str) -> set[int]:
    """Days of March on which the value was there, at least for a moment."""
    present, day, days = False, 1, set[int]()
    for operation in operations:
        if operation.value == value:
            if present:
                days.update(range(day, operation.at.day + 1))
            present, day = operation.adds, operation.at.day
            if present:
                days.add(day)
    return days | set(range(day, 32)) if present else days


@dataclass(frozen=True)
class Declared:
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Filter:
    id: UUID
    values: Mapping[str, tuple[str, ...]]
    created_at: datetime


DECLARED = [Declared(key, ("1", "2", "3")) for key in "abc"]
LISTED = st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=3, unique=True).map(tuple)
CONDITIONS = st.dictionaries(
    st.sampled_from("abc"), LISTED | st.just(("__ALL_FILTER_VALUES__",)), min_size=1, max_size=3
)


@st.composite
def filters(draw: st.DrawFn) -> list[Filter]:
    conditions = draw(st.lists(CONDITIONS, max_size=5))
    return [
        Filter(UUID(int=place), values, START + timedelta(seconds=place)) for place, values in enumerate(conditions)
    ]


@given(
    listed=filters(),
    properties=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2", "3", "4", 1, None]), max_size=3),
)
def test_no_event_is_lost_between_the_buckets(listed: list[Filter], properties: dict[str, object]) -> None:
    *of_filters, (nothing, default) = filter_buckets(listed, DECLARED)
    matching = [one for one in listed if matches(expand(one.values, DECLARED), properties)]
    counted = [filter_ for filter_, bucket in of_filters if is_in(bucket, properties)]
    assert nothing is None
    assert is_in(default, properties) == (not matching)
    assert bool(counted) == bool(matching)
    assert all(filter_ in matching for filter_ in counted)
    chosen = choose_filter(listed, DECLARED, properties)
    assert chosen in matching if matching else chosen is None


@given(
    units=st.decimals(-100_000, 100_000, places=6),
    function=st.sampled_from(["round", "ceil", "floor"]),
    precision=st.integers(-3, 8),
)
def test_rounding(units: Decimal, function: str, precision: int) -> None:
    rounded = round_units(units, function, precision)
    assert round_units(rounded, function, precision) == rounded
    assert round_units(units, "floor", precision) <= rounded <= round_units(units, "ceil", precision)
    assert abs(rounded - units) < Decimal(1).scaleb(-precision)


@given(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=6), st.text(max_size=8)))
def test_numbers_are_what_decimals_say(value: object) -> None:
    read = number(value)
    if read is None:
        assert isinstance(value, str)
    else:
        assert read == Decimal(str(value))


ATOMS = st.integers(0, 50).map(lambda value: (str(value), Fraction(value)))


def _joined(parts: tuple[tuple[str, Fraction], str, tuple[str, Fraction]]) -> tuple[str, Fraction]:
    (left, of_left), sign, (right, of_right) = parts
    value = {"+": of_left + of_right, "-": of_left - of_right, "*": of_left * of_right}[sign]
    return f"({left} {sign} {right})", value


EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*"), inner).map(_joined) | inner.map(lambda one: (f"-{one[0]}", -one[1]))
    ),
    max_leaves=10,
)


@given(EXPRESSIONS)
def test_expressions_compute_what_they_say(expression: tuple[str, Fraction]) -> None:
    source, value = expression
    assert parse(source).evaluate(code="", at=START, properties={}) == Decimal(value.numerator)


@given(st.text(alphabet="0123456789.+-*/(), 'aeventproicsdm_", max_size=60) | st.text(max_size=40))
def test_no_text_is_more_than_a_wrong_expression(source: str) -> None:
    with suppress(InvalidExpressionError, EvaluationError):
        parse(source).evaluate(code="c", at=START, properties={"a": "1", "e": "x"})
