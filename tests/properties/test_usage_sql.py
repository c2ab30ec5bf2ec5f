"""What ClickHouse computes equals the plain functions of `domain/metering`, whatever events are like."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from random import Random
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.ingest.numbers import Number
from api.ingest.properties import lines as stored
from domain.kernel import ids
from domain.kernel.decimals import exact
from domain.kernel.zones import start_of_day
from domain.metering.ports import (
    AggregationType,
    Allowance,
    Bucket,
    CustomAggregator,
    EventPosition,
    Metric,
    Usage,
    UsageQuery,
    Values,
)
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.proration import full_units
from domain.metering.rounding import round_at
from domain.metering.usage_event import UsageEvent
from projections.postgres import Database
from projections.usage.loaded import LOADED
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore
from tests.builders import MemoryUsage
from tests.usage import body, line

BATCH = 3
"""Events that arrive at once."""

DIGITS = st.integers(0, 10**15).map(str)
DECIMALS = st.builds("{}.{}".format, DIGITS, st.text("0123456789", min_size=1, max_size=15))
BIG = st.builds("{}{}".format, st.sampled_from(("", "-")), DIGITS.filter(lambda d: d != "0") | DECIMALS).filter(
    lambda number: Decimal(number) != 0  # a zero with a sign
)
EXPONENTS = st.builds("{}e{}".format, st.sampled_from(("1", "1.50", "-7", "123.4")), st.integers(-15, 15))
NOT_NUMBERS = st.sampled_from(
    ("", " 5", "5 ", "5\n", "+5", ".5", "5.", "1e5", "٣", "NaN", "0x1", "--1", "1.2.3", "1_0")
)
TEXTS = st.sampled_from(("it's", 'q"\\', "é😀", "\u2028")) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5
)
LONG = ("1." + 40 * "0", 35 * "0" + "7", "-" + 25 * "0" + "2.5", "0." + 31 * "0" + "5", "5." + 39 * "0")
"""Few digits that count, but more than the store's decimals hold."""

ODD = (BIG | EXPONENTS | (BIG | EXPONENTS | NOT_NUMBERS | TEXTS).map(json.dumps)) | st.sampled_from(("null", "true"))
NUMBERS = ("1", "2", "-1", "-3", "0", "0.5", "5.0", "5", "1.25", '"1"', '"2"', '"-1"', '"5"', '"0.5"')
ZONES = ("UTC", "Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu")
AMOUNTS = (None, "0.1", "12.000000000000001", "9999999999999999999999.5", "-3")
GROUPS: tuple[tuple[str, ...], ...] = ((), (), (), ("zone",), ("zone", "tier"), ("it's",))
KINDS: tuple[AggregationType, ...] = (
    *("count_agg", "max_agg", "latest_agg", "weighted_sum_agg"),
    *("sum_agg", "sum_agg", "sum_agg", "unique_count_agg", "unique_count_agg", "unique_count_agg"),
    *("custom_agg", "custom_agg"),
)
FOLDS = (
    ("state.total_units * 2 + event.properties.bytes", "event.properties.bytes - state.total_units"),
    ("event.timestamp + event.properties.tier", "1 / event.properties.bytes"),
    ("greatest(state.total_units, event.properties.bytes)", "event.properties.bytes * custom_properties.price"),
    ("state.total_units + 1", "least(custom_properties.price, 10 - state.amount)"),
)
PRICES = ("0.1", "3", "-2", "1e5", "free")
MICROSECOND = timedelta(microseconds=1)
ENDS = (MICROSECOND, MICROSECOND, timedelta(days=1), timedelta(hours=5))
"""How long before a midnight a window ends."""

SUM_DECIMALS = 40
"""Of a sum with a quotient that does not end: its last digit depends on what is added first. Shares of days have 20
decimals, units are rounded up at 5."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Of a window that is not known yet."""


@dataclass(frozen=True)
class World:
    """Events of one subscription: properties as JSON, instant and amount of each. And the window that is asked for."""

    organization_id: UUID
    start: datetime
    end: datetime
    sent: Sequence[tuple[str, datetime, str | None]]


def new_queries(random: Random, zone: str) -> list[UsageQuery]:
    """What is asked of every world, of its own window. Few, for each costs the store some time to plan."""
    wanted = ["a", "b", "1", "it's"]

    def condition() -> Values:
        names = random.sample(("tier", "zone", "it's"), k=random.choice((1, 1, 2)))
        return tuple((name, tuple(random.sample(wanted, k=random.randint(0, 3)))) for name in sorted(names))

    def query(kind: AggregationType) -> UsageQuery:
        can_change = kind in ("sum_agg", "unique_count_agg")
        duration_days = random.choice((28, 30, 31))
        period = ProratedPeriod(
            from_at=EPOCH, to_at=EPOCH, days=random.randint(1, 31), duration_days=duration_days, timezone=zone
        )
        free_units = Decimal(random.choice(("0", "0.5", "2", "3", "1" + 40 * "0", "2." + 39 * "0" + "1")))
        allowance = Allowance(free_events=random.choice((0, 0, 1, 3, 10**20)), free_units=free_units)
        total_units, amount = random.choice(FOLDS)
        aggregator = CustomAggregator(total_units=total_units, amount=amount)
        return UsageQuery(
            organization_id=ids.new(),
            external_subscription_id="s1",
            metric=Metric(
                code="calls",
                aggregation_type=kind,
                field_name=None if kind == "count_agg" else "bytes",
                recurring=(can_change or kind in ("weighted_sum_agg", "custom_agg")) and random.random() < 0.6,
                custom_aggregator=aggregator if kind == "custom_agg" else None,
            ),
            from_at=EPOCH,
            to_at=EPOCH,
            bucket=Bucket() if random.random() < 0.7 else Bucket(matching=condition(), ignored=(condition(),)),
            group_by=random.choice(GROUPS),
            duration_days=duration_days if kind == "weighted_sum_agg" else None,
            prorated=period if can_change and random.random() < 0.6 else None,
            allowance=allowance if kind == "sum_agg" and random.random() < 0.5 else None,
            each_event=random.random() < 0.5,
            in_advance=(can_change or kind == "count_agg") and random.random() < 0.6,
            custom_properties=(("price", random.choice(PRICES)),) if kind == "custom_agg" else (),
        )

    return [query(kind) for kind in KINDS]


def new_world(random: Random, odd: Sequence[str], zone: str, before_midnight: timedelta) -> World:
    """Few values and few instants, so that they meet."""
    first = date(2024, random.choice((2, 3, 3, 10)), random.randint(1, 29))
    last = first + timedelta(days=random.choice((0, 6, 29, 30)))
    start = start_of_day(first, zone) + random.choice((timedelta(), timedelta(), timedelta(hours=9, microseconds=7)))
    end = max(start, start_of_day(last + timedelta(days=1), zone) - before_midnight)

    days = [first + timedelta(days=random.randint(-2, (last - first).days + 1)) for _ in range(random.randint(1, 4))]

    def time() -> datetime:
        day = start_of_day(random.choice(days), zone)
        return day + random.choice((timedelta(), MICROSECOND, timedelta(hours=12), timedelta(days=1) - MICROSECOND))

    edges = [start, end, start - MICROSECOND, end + MICROSECOND, start.replace(microsecond=0)]
    times = [time() for _ in range(random.randint(1, 8))] + random.choices(edges, k=random.randint(0, 3))
    numbers = random.choices(NUMBERS, k=random.randint(1, 5))
    if random.random() < 0.5:
        numbers.append(json.dumps(random.choice(LONG)))
    numbers += random.choices([*odd, "null"], k=random.randint(0, 2))
    moves = random.choices(('"add"', '"remove"', '""', "null", '"toggle"'), (6, 6, 1, 1, 1), k=20)
    texts = ['"a"', '"b"', "1", '"1"', '""', "null", *odd[:3]]

    def event() -> tuple[str, datetime, str | None]:
        properties = {"bytes": random.choice(numbers), "operation_type": random.choice(moves)}
        properties |= {"tier": random.choice(texts), "zone": random.choice(texts)}
        kept = {name: value for name, value in properties.items() if random.random() < 0.9}
        return as_json(kept), random.choice(times), random.choice(AMOUNTS)

    return World(ids.new(), start, end, [event() for _ in range(random.choice((0, 1, 2, 5, 10, 20, 20)))])


def of_world(query: UsageQuery, world: World) -> UsageQuery:
    prorated = None if query.prorated is None else replace(query.prorated, from_at=world.start, to_at=world.end)
    return replace(
        query, organization_id=world.organization_id, from_at=world.start, to_at=world.end, prorated=prorated
    )


def as_json(properties: dict[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in properties.items()) + "}"


decode = msgspec.json.Decoder(dict[str, Any], float_hook=Number).decode


def rows(world: World) -> bytes:
    """What the loader inserts."""
    batches = []
    for start in range(0, len(world.sent), BATCH):
        lines = []
        for place, (properties, at, amount) in enumerate(world.sent[start : start + BATCH], start):
            one = line(world.organization_id, at=at)
            one.n, one.precise_total_amount_cents = place % BATCH, amount
            one.properties, one.values = stored(decode(properties))
            lines.append(one)
        batches.append(body(lines, seq=start // BATCH + 1))
    return b"".join(batches)


def memory(world: World) -> MemoryUsage:
    return MemoryUsage(
        [
            UsageEvent(
                transaction_id=str(place),
                code="calls",
                external_subscription_id="s1",
                timestamp=at,
                sequence=place,
                properties=json.loads(properties, parse_float=Decimal),
                precise_total_amount_cents=None if amount is None else Decimal(amount),
            )
            for place, (properties, at, amount) in enumerate(world.sent)
        ]
    )


def stopped(query: UsageQuery, world: World, place: int | None, sequence: int, index: int) -> UsageQuery:
    if place is None:
        return query
    return replace(query, before=EventPosition(timestamp=world.sent[place][1], sequence=sequence, index=index))


@exact()
def comparable(query: UsageQuery, answer: Sequence[Usage]) -> object:
    """With the changes of days taken together, at `SUM_DECIMALS`."""
    if query.prorated is None or query.each_event:
        return answer
    return [
        (
            replace(usage, changes=None),
            full_units(usage.changes or ()),
            round_at(
                sum((change.prorated for change in usage.changes or ()), Decimal(0)), SUM_DECIMALS, ROUND_HALF_EVEN
            ),
        )
        for usage in answer
    ]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(random=st.randoms(use_true_random=True), odd=st.lists(ODD, max_size=12))
@example(random=Random(363458), odd=["1", "1", '""'])  # twelve and minus twelve of a day beside a carried -1 / 31
async def test_sql_equals_the_plain_functions(
    usage_store: UsageStore, database: Database, random: Random, odd: list[str]
) -> None:
    async with database.unbound() as connection:
        await connection.execute(
            "insert into positions (name, position) values (%s, 1000) on conflict do nothing", (LOADED,)
        )
    await usage_store.mark(1000)
    zone, before_midnight = random.choice(ZONES), random.choice(ENDS)
    queries = new_queries(random, zone)
    worlds = [new_world(random, odd, zone, before_midnight) for _ in range(25)]
    await usage_store.insert(b"".join(map(rows, worlds)), str(ids.new()))
    reader = ClickHouseUsageReader(database, usage_store)
    asked = []
    for world in worlds:
        for query in queries:
            known = len(world.sent) if random.random() < 0.7 else random.randint(0, len(world.sent) // BATCH)
            place = random.randrange(len(world.sent)) if world.sent and random.random() < 0.3 else None
            asked.append((world, of_world(query, world), known, place))
    answers = await asyncio.gather(
        *(
            reader.aggregate([stopped(query, world, place, (place or 0) // BATCH + 1, (place or 0) % BATCH)], known)
            for world, query, known, place in asked
        )
    )
    for (world, query, known, place), (answer,) in zip(asked, answers, strict=True):
        question = stopped(query, world, place, place or 0, 0)
        (wanted,) = await memory(world).aggregate([question], known * BATCH)
        assert comparable(query, answer) == comparable(query, wanted), (question, known, world.sent)
        assert all(len(usage.changes or ()) <= 33 or query.each_event for usage in answer)
