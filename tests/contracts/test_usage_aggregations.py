"""The figures of metering-pricing by every adapter of the port: a server, chDB in this process, the list of tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.kernel import ids
from domain.metering.peak import Peak
from domain.metering.ports import (
    AggregationType,
    Allowance,
    Bucket,
    CustomAggregator,
    EventPosition,
    Metric,
    Usage,
    UsageQuery,
)
from domain.metering.prorated_period import ProratedPeriod, ProratedValue
from projections.postgres import Database
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.statement import MAX_SHAPES
from projections.usage.store import UsageStore
from tests.builders import MemoryUsage
from tests.usage import body, line

FROM = datetime(2024, 3, 1, tzinfo=UTC)
TO = datetime(2024, 4, 1, tzinfo=UTC) - timedelta(microseconds=1)
MARCH = ProratedPeriod(from_at=FROM, to_at=TO, days=31, duration_days=31, timezone="UTC")

FOUR = "03-02=12 03-03=12 03-04=12 03-05=12"
LEVELS = "03-01=2 03-01T01=3 03-01T01:30=1 03-01T02=-4 03-01T04=-2 03-01T05=10 03-01T05:30=-10"
LONG = "1." + 39 * "0" + "1"
"""More than the store's decimals hold."""
TINY, HUGE = f"0.{43 * '0'}1", f"1{40 * '0'}"
ENDLESS = 40_000 * "9"


def decimals(texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts.split()))


def used(units: str, events_count: int, **rest: Any) -> Usage:
    return Usage(units=Decimal(units), events_count=events_count, **rest)


def peak(current: str, highest: str, prorated: str | None = None) -> Peak:
    return Peak(current=Decimal(current), max=Decimal(highest), max_prorated=Decimal(prorated or highest))


def changes(texts: str) -> tuple[ProratedValue, ...]:
    """`2:6+22` is two units, one for 6 days of 31 and one for 22; `3:6` are three for 6."""
    found = []
    for text in texts.split():
        units, days = text.split(":")
        shares = [round(Decimal(count) / 31, 20) for count in days.split("+")]
        weight = sum(shares, Decimal(0)) if len(shares) > 1 else Decimal(units) * shares[0]
        found.append(ProratedValue(full=Decimal(units), prorated=weight))
    return tuple(found)


LAST_PRICED = CustomAggregator(
    total_units="event.properties.v", amount="event.properties.v * custom_properties.price - state.total_units / 10"
)
"""Units are the last value; an event costs its value, less a tenth of the one before."""

CASES: list[tuple[AggregationType, str, dict[str, Any], Usage, str]] = [
    ("count_agg", "03-01=1 03-02=x", {"in_advance": True}, used("2", 2, peak=peak("2", "2")), "A4"),
    ("sum_agg", "03-01=07 03-02=1e5 03-03=+5 03-04=-0.5", {}, used("6.5", 2), "G4"),
    ("sum_agg", f"03-01={TINY} 03-02={TINY}", {}, used("2e-44", 2), "tiny"),
    ("sum_agg", f"03-01={TINY} 03-02={HUGE} 03-03=-{HUGE[:-1]}2", {}, used("-2", 3), "tiny beside huge"),
    ("sum_agg", f"03-01=2 03-02={ENDLESS} 03-03=-{ENDLESS}.5", {}, used("2", 1), "G4: endless"),
    (
        *("sum_agg", f"03-01={TINY} 03-02={HUGE}", {"in_advance": True}),
        *(used(HUGE, 2, peak=peak(HUGE, HUGE)), "V6: tiny, then huge"),
    ),
    ("sum_agg", "01-01=2.5 01-02=2.5 " + FOUR, {}, used("48", 4), "A7: not recurring"),
    ("sum_agg", "01-01=2.5 01-02=2.5 " + FOUR, {"recurring": True}, used("53", 6), "A7"),
    (
        *("sum_agg", FOUR, {"allowance": Allowance(free_events=2)}),
        *(used("48", 4, running_totals=decimals("12 24")), "A8: events"),
    ),
    (
        *("sum_agg", FOUR, {"allowance": Allowance(free_units=Decimal(30))}),
        *(used("48", 4, running_totals=decimals("12 24 36")), "A8: units"),
    ),
    (
        *("sum_agg", FOUR, {"allowance": Allowance(free_events=2, free_units=Decimal(30))}),
        *(used("48", 4, running_totals=decimals("12 24")), "A8: both"),
    ),
    (
        *("sum_agg", "01-01=2.5 01-02=2.5 " + FOUR, {"recurring": True, "allowance": Allowance(free_events=2)}),
        *(used("53", 6, running_totals=decimals("2.5 5")), "A8: from the oldest event on"),
    ),
    (
        *("sum_agg", "03-02=2 03-01=-1 03-03=x", {"each_event": True}),
        *(used("1", 2, values=decimals("-1 2")), "in the order of time"),
    ),
    (
        *("max_agg", "03-01=3 03-02=7 03-03=7.0 03-04=-1", {"each_event": True}),
        *(used("7", 4, values=decimals("0 7 0 0")), "A9"),
    ),
    ("max_agg", "03-01=-3 03-02=-1", {}, used("-1", 2), "A9: negative"),
    ("max_agg", f"03-01=1 03-02={LONG}", {}, used(LONG, 2), "A9: long"),
    ("max_agg", f"03-01=0 03-02={TINY} 03-03=-{HUGE}", {}, used(TINY, 3), "A9: tiny"),
    ("max_agg", f"03-01=3 03-02={HUGE} 03-03={ENDLESS}", {}, used(HUGE, 2), "G4: huge, and endless"),
    ("latest_agg", f"03-01={TINY} 03-02={ENDLESS}", {}, used(TINY, 1), "A10: tiny, then endless"),
    ("latest_agg", "03-02=5 03-01=9", {}, used("5", 2), "A10"),
    ("latest_agg", "03-02=5 03-02=9 03-01=7", {}, used("9", 3), "A10: of equal times the last to arrive"),
    ("latest_agg", "03-01=5 03-02=-9", {}, used("0", 2), "A10: never negative"),
    ("unique_count_agg", "03-01=a 03-02=a 03-03=b 03-04=-a 03-05=07 03-06=7", {}, used("3", 3), "A11"),
    ("unique_count_agg", "02-01=a 02-01=b 03-02=-a 03-03=c", {}, used("1", 1), "A12"),
    ("unique_count_agg", "02-01=a 02-01=b 03-02=-a 03-03=c", {"recurring": True}, used("2", 2), "A12: recurring"),
    (
        *("weighted_sum_agg", LEVELS, {"duration_days": 31}),
        *(used("0.02217741935483870968", 7, level=Decimal(0)), "A19: 16.5 unit hours of 744"),
    ),
    (
        *("weighted_sum_agg", "03-01=1000", {"duration_days": 31}),
        *(used("1000", 1, level=Decimal(1000)), "A19: from the start on"),
    ),
    (
        *("weighted_sum_agg", "02-01=1000", {"duration_days": 31, "recurring": True}),
        *(used("1000", 0, level=Decimal(1000)), "A19: what was there stays"),
    ),
    (
        *("weighted_sum_agg", "01-01=400 02-29T23:59:59.999=600 " + LEVELS, {"duration_days": 31, "recurring": True}),
        *(used("1000.02217741935483870968", 7, level=Decimal(1000)), "A19: recurring"),
    ),
    (
        *("weighted_sum_agg", f"03-01={LONG} 03-31=-1", {"duration_days": 31}),
        *(used("0.96774193548387096775", 2, level=Decimal(LONG) - 1), "A15: long, rounded up"),
    ),
    (
        *("weighted_sum_agg", f"03-01={TINY} 03-02={ENDLESS}", {"duration_days": 31}),
        *(used("0.00000000000000000001", 1, level=Decimal(TINY)), "A15: tiny, rounded up"),
    ),
    (
        *("sum_agg", "02-01=2 02-02=3 03-26=12 03-26T20=12", {"recurring": True, "prorated": MARCH}),
        *(used("9.64517", 4, changes=changes("5:31 24:6")), "A22"),
    ),
    (
        "sum_agg",
        "02-01=2 02-02=3 03-26=12 03-26T20=12",
        {"recurring": True, "prorated": MARCH, "each_event": True},
        used("9.64517", 4, changes=changes("5:31 12:6 12:6"), values=decimals("2 3 12 12")),
        "A22: each event",
    ),
    (
        "unique_count_agg",
        "02-01=a 02-01=b 02-02=-b 03-10=c 03-10=d 03-12T08=-c 03-12T09=c 03-15=-c 03-16=-a",
        {"recurring": True, "prorated": MARCH},
        used("1.41936", 1, changes=changes("1:16 2:6+22 -1:0 -1:0")),
        "A23, Q7",
    ),
    ("sum_agg", "02-01=9 03-01=10 03-02=-4 03-03=8", {"in_advance": True}, used("14", 3, peak=peak("14", "14")), "V6"),
    ("sum_agg", "03-01=10 03-02=-4 03-03=3", {"in_advance": True}, used("9", 3, peak=peak("9", "10")), "V6: below"),
    ("sum_agg", "03-01=-5 03-02=3", {"in_advance": True}, used("-2", 2, peak=peak("-2", "0")), "Q18"),
    (
        *("sum_agg", f"03-01={LONG} 03-02=-1", {"in_advance": True}),
        *(used(f"0.{LONG[2:]}", 2, peak=peak(f"0.{LONG[2:]}", LONG)), "V6: long"),
    ),
    (
        *("unique_count_agg", "03-01=1 03-02=-1 03-03=1 03-04=2 03-05=2 03-06=3 03-07=-3", {"in_advance": True}),
        *(used("2", 2, peak=peak("2", "3")), "V6: values"),
    ),
    (
        *("unique_count_agg", "02-01=1 02-02=2 03-01=-1 03-02=3 03-03=2 03-04=4"),
        *({"recurring": True, "in_advance": True}, used("3", 3, peak=peak("1", "1")), "V9"),
    ),
    (
        "sum_agg",
        "02-01=7 03-12=1 03-12T12=1 03-13=-2 03-14=3",
        {"recurring": True, "prorated": MARCH, "in_advance": True},
        used("8.80646", 5, changes=changes("7:31 2:20 -2:19 3:18"), peak=peak("3", "3", "1.87099")),
        "V8: each rise is rounded",
    ),
    (
        *("sum_agg", "", {"recurring": True, "prorated": MARCH, "in_advance": True}),
        *(used("0", 0, changes=(), peak=Peak()), "nothing"),
    ),
    ("weighted_sum_agg", "", {"duration_days": 31}, used("0", 0, level=Decimal(0)), "nothing"),
    (
        *("custom_agg", "03-02=10 03-01=4 03-02=x 03-02=2 04-01=9", {"custom_properties": (("price", "1.5"),)}),
        *(used("2", 3, amount=Decimal("22.6")), "A20: 6, 15 - 0.4 and 3 - 1, by time and arrival"),
    ),
    (
        *("custom_agg", "02-01=100 03-01=4", {"custom_properties": (("price", "1"),)}),
        *(used("4", 1, amount=Decimal(4)), "A20: not recurring"),
    ),
    (
        *("custom_agg", "02-01=100 03-01=4", {"custom_properties": (("price", "1"),), "recurring": True}),
        *(used("4", 1, amount=Decimal(94), carried_amount=Decimal(100)), "A20: recurring"),
    ),
    ("custom_agg", "03-01=1", {}, used("0", 0), "A20: without a price no event counts"),
    ("custom_agg", "", {"custom_properties": (("price", "1"),)}, used("0", 0), "A20: nothing"),
]


def events(kind: str, text: str) -> list[tuple[datetime, dict[str, str]]]:
    """`03-01T05=a` is a value at a time of 2024; of a unique count `-a` is one that goes."""
    found = []
    for one in text.split():
        at, value = one.split("=")
        properties = {"v": value}
        if kind == "unique_count_agg" and value.startswith("-"):
            properties = {"v": value[1:], "operation_type": "remove"}
        found.append((datetime.fromisoformat(f"2024-{at}").replace(tzinfo=UTC), properties))
    return found


def query(kind: AggregationType, organization_id: UUID, recurring: bool = False, **asked: Any) -> UsageQuery:
    metric = Metric(
        code="calls",
        aggregation_type=kind,
        field_name=None if kind in ("count_agg", "custom_agg") else "v",
        recurring=recurring,
        custom_aggregator=LAST_PRICED if kind == "custom_agg" else None,
    )
    return UsageQuery(
        organization_id=organization_id, external_subscription_id="s1", metric=metric, from_at=FROM, to_at=TO, **asked
    )


class CountingStore(UsageStore):
    """The store, with its streamed statements counted."""

    def __init__(self, store: UsageStore) -> None:
        super().__init__(store._connect)
        self.statements = 0

    async def consume(self, *arguments: Any, **rest: Any) -> Any:
        self.statements += 1
        return await super().consume(*arguments, **rest)


async def test_figures_of_the_specification(any_usage_store: UsageStore, database: Database) -> None:
    organizations = [ids.new() for _ in CASES]
    lines = [
        line(organization, at=at, properties=properties)
        for organization, (kind, text, *_) in zip(organizations, CASES, strict=True)
        for at, properties in events(kind, text)
    ]
    await any_usage_store.insert(body(lines, seq=0), "figures")
    queries = [query(case[0], organization, **case[2]) for organization, case in zip(organizations, CASES, strict=True)]
    answers = await ClickHouseUsageReader(database, any_usage_store).aggregate(queries, 0)
    for (*_, expected, why), answer in zip(CASES, answers, strict=True):
        assert answer == (expected,), why


@pytest.mark.parametrize(("kind", "text", "asked", "expected", "why"), CASES, ids=[case[-1] for case in CASES])
async def test_figures_of_the_list(
    kind: AggregationType, text: str, asked: dict[str, Any], expected: Usage, why: str
) -> None:
    usage = MemoryUsage()
    for at, properties in events(kind, text):
        usage.add("calls", at.isoformat(), **properties)
    ((found,),) = await usage.aggregate([query(kind, ids.new(), **asked)], await usage.watermark())
    if "prorated" in asked and not asked.get("each_event"):  # it takes no changes together
        assert found.changes is not None
        assert expected.changes is not None
        assert sum(change.full for change in found.changes) == sum(change.full for change in expected.changes), why
        found = Usage(units=found.units, events_count=found.events_count, changes=expected.changes, peak=found.peak)
    assert found == expected, why


async def test_only_events_before_one(any_usage_store: UsageStore, database: Database) -> None:
    organization, at = ids.new(), datetime(2024, 3, 5, tzinfo=UTC)
    lines = [line(organization, at=at + timedelta(seconds=seconds)) for seconds in (0, 0, 0, -1, 1)]
    for index, one in enumerate(lines):
        one.n = index
    await any_usage_store.insert(body(lines, seq=0), "before")
    places = [EventPosition(timestamp=at, sequence=0, index=index) for index in (0, 1, 2)]
    places.append(EventPosition(timestamp=at + timedelta(days=60), sequence=0, index=0))
    queries = [query("count_agg", organization, before=place) for place in places]
    answers = await ClickHouseUsageReader(database, any_usage_store).aggregate(queries, 0)
    assert [usage.units for (usage,) in answers] == [1, 2, 3, 5]


async def test_amounts_of_events(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    amounts = ["9999999999999999999999999.000000000000001", "0.000000000000001", "-5", None, "7"]
    lines = [line(organization, properties={"v": "x" if amount == "7" else 1}) for amount in amounts]
    for one, amount in zip(lines, amounts, strict=True):
        one.precise_total_amount_cents = amount
    await any_usage_store.insert(body(lines, seq=0), "amounts")
    reader = ClickHouseUsageReader(database, any_usage_store)
    ((found,),) = await reader.aggregate([query("sum_agg", organization)], 0)
    exactly = Decimal("9999999999999999999999994.000000000000002")
    assert found == used("4", 4, precise_total_amount_cents=exactly), "the event that is no number does not count"


async def test_folds_of_many_subscriptions_and_groups(any_usage_store: UsageStore, database: Database) -> None:
    """One statement for all, whatever the expressions name: groups and questions are not mixed up."""
    organization = ids.new()
    lines = [
        line(organization, subscription=f"s{number % 3}", properties={"v": number, "g": number % 2, "w": "2"})
        for number in range(1, 13)
    ]
    await any_usage_store.insert(body(lines, seq=0), "folds")
    of_v = CustomAggregator(total_units="state.total_units + event.properties.v", amount="event.properties.v")
    of_w = CustomAggregator(total_units="state.total_units * 2 + 1", amount="event.properties.w")
    queries = [
        replace(
            query("custom_agg", organization, group_by=group_by), metric=metric, external_subscription_id=subscription
        )
        for subscription in ("s0", "s1", "s2", "nobody")
        for metric in (
            Metric(code="calls", aggregation_type="custom_agg", custom_aggregator=one) for one in (of_v, of_w)
        )
        for group_by in ((), ("g",))
    ]
    counting = CountingStore(any_usage_store)
    answers = await ClickHouseUsageReader(database, counting).aggregate(queries, 0)
    assert counting.statements == 1
    assert [[(usage.group, int(usage.units), int(usage.amount)) for usage in answer] for answer in answers[:4]] == [
        [((), 3 + 6 + 9 + 12, 30)],
        [(("0",), 6 + 12, 18), (("1",), 3 + 9, 12)],
        [((), 15, 8)],
        [(("0",), 3, 4), (("1",), 3, 4)],
    ]
    assert [[usage.units for usage in answer] for answer in answers[4:]] == [
        *([[22], [14, 8], [15], [3, 3]]),
        *([[26], [10, 16], [15], [3, 3]]),
        *([[0], [], [0], []]),
    ]


async def test_questions_of_many_shapes(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    lines = [line(organization, properties={"v": str(number)}) for number in range(MAX_SHAPES + 1)]
    await any_usage_store.insert(body(lines, seq=0), "shapes")
    queries = [
        query("count_agg", organization, bucket=Bucket(matching=(("v", tuple(map(str, range(number)))),)))
        for number in range(MAX_SHAPES + 2)
    ]
    answers = await ClickHouseUsageReader(database, any_usage_store).aggregate(queries, 0)
    assert [usage.units for (usage,) in answers] == list(range(MAX_SHAPES + 2))


async def test_a_question_of_many_conditions(any_usage_store: UsageStore, database: Database) -> None:
    """The default bucket of a charge with thousands of filters."""
    organization = ids.new()
    lines = [line(organization, properties={"v": str(number), "w": "x"}) for number in range(2)]
    await any_usage_store.insert(body(lines, seq=0), "conditions")
    ignored = tuple((("v", (str(number),)), ("w", ("x", "y"))) for number in range(1, 4_000))
    [[usage]] = await ClickHouseUsageReader(database, any_usage_store).aggregate(
        [query("count_agg", organization, bucket=Bucket(ignored=ignored))], 0
    )
    assert usage.units == 1
