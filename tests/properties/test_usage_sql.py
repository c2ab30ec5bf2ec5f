"""What ClickHouse computes equals the plain functions of `domain/metering`, whatever events are like."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.ingest.numbers import Number
from api.ingest.properties import lines as stored
from domain.kernel import ids
from domain.kernel.decimals import exact
from domain.kernel.zones import end_of_day, start_of_day
from domain.metering.ports import AggregationType, Allowance, Bucket, EventPosition, Metric, Usage, UsageQuery
from domain.metering.prorated_period import ProratedPeriod
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
SMALL = st.sampled_from(("1", "2", "-1", "-3", "0", "0.5", "5.0", "5", "1.25"))
LONG = st.sampled_from(
    ("1." + 40 * "0", 35 * "0" + "7", "-" + 25 * "0" + "2.5", "0." + 31 * "0" + "5", "5." + 39 * "0")
)
"""Few digits that count, but more than the store's decimals hold."""

EXPONENTS = st.builds("{}e{}".format, st.sampled_from(("1", "1.50", "-7", "123.4")), st.integers(-15, 15))
NOT_NUMBERS = st.sampled_from(
    ("", " 5", "5 ", "5\n", "+5", ".5", "5.", "1e5", "٣", "NaN", "0x1", "--1", "1.2.3", "1_0")
)
TEXTS = st.sampled_from(("a", "b", "it's", 'q"\\', "é😀", "\u2028", "1", "1.0")) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5
)
VALUES = (
    SMALL
    | SMALL.map(json.dumps)
    | (BIG | EXPONENTS)  # as JSON numbers
    | (BIG | LONG | NOT_NUMBERS | TEXTS | EXPONENTS).map(json.dumps)
    | st.sampled_from(("null", "true", "false"))
)
OPERATIONS = st.sampled_from(('"add"', '"remove"', '"remove"', '"remove"', '""', "null", '"toggle"'))
PROPERTIES = st.fixed_dictionaries(
    {}, optional={"bytes": VALUES, "operation_type": OPERATIONS, "tier": VALUES, "zone": VALUES}
)

ZONES = st.sampled_from(("UTC", "Europe/Paris", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu"))
TIMES_OF_DAY = st.sampled_from(
    (timedelta(), timedelta(microseconds=1), timedelta(hours=12), timedelta(days=1, microseconds=-1))
) | st.integers(0, 86_400 * 10**6 - 1).map(lambda us: timedelta(microseconds=us))
AMOUNTS = st.none() | st.sampled_from(("0.1", "12.000000000000001", "9999999999999999999999.5", "-3"))

WANTED = st.lists(TEXTS.filter(bool), max_size=3).map(tuple)
CONDITIONS = st.dictionaries(st.sampled_from(("tier", "zone", "it's")), WANTED, max_size=2).map(
    lambda wanted: tuple(sorted(wanted.items()))
)
BUCKETS = st.just(Bucket()) | st.builds(
    lambda m, i: Bucket(matching=m, ignored=tuple(i)), CONDITIONS, st.lists(CONDITIONS, max_size=2)
)
GROUPS = st.sampled_from(((), (), ("zone",), ("zone", "tier"), ("it's",)))
ALLOWANCES = st.none() | st.builds(
    Allowance, free_events=st.sampled_from((0, 0, 1, 3, 10**20)), free_units=(SMALL | BIG | LONG).map(Decimal)
)
KINDS: tuple[AggregationType, ...] = (
    *("count_agg", "sum_agg", "max_agg", "latest_agg", "weighted_sum_agg"),
    *("unique_count_agg", "unique_count_agg", "sum_agg"),
)


@dataclass(frozen=True)
class World:
    """Events of one subscription, and what is asked of them.

    Attributes:
        sent: properties as JSON, instant and amount of each event.
        asked: a query, how many batches are known, and the place of the event that it stops at.
    """

    organization_id: UUID
    sent: Sequence[tuple[str, datetime, str | None]]
    asked: Sequence[tuple[UsageQuery, int, int | None]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    zone = draw(ZONES)
    first = date(2024, 3, draw(st.integers(1, 30)))
    last = first + timedelta(days=draw(st.integers(0, 31)))
    days = st.integers(-2, (last - first).days + 2).map(lambda n: start_of_day(first + timedelta(days=n), zone))
    start = start_of_day(first, zone) + draw(st.just(timedelta()) | TIMES_OF_DAY)
    end = draw(st.sampled_from((end_of_day(last, zone), start_of_day(last, zone) + timedelta(hours=9, microseconds=7))))
    end = max(end, start)
    odd = st.sampled_from((start, end, start - timedelta(microseconds=1), end + timedelta(microseconds=1)))
    times = st.builds(lambda day, time: day + time, days, TIMES_OF_DAY) | odd
    sent = draw(st.lists(st.tuples(PROPERTIES.map(as_json), times, AMOUNTS), max_size=20))
    organization_id = ids.new()

    def question() -> tuple[UsageQuery, int, int | None]:
        kind = draw(st.sampled_from(KINDS))
        can_change = kind in ("sum_agg", "unique_count_agg")
        duration_days = draw(st.sampled_from((28, 30, 31)))
        period = ProratedPeriod(
            from_at=start, to_at=end, days=draw(st.integers(1, 31)), duration_days=duration_days, timezone=zone
        )
        query = UsageQuery(
            organization_id=organization_id,
            external_subscription_id="s1",
            metric=Metric(
                code="calls",
                aggregation_type=kind,
                field_name=None if kind == "count_agg" else "bytes",
                recurring=(can_change or kind == "weighted_sum_agg") and draw(st.booleans()),
            ),
            from_at=start,
            to_at=end,
            bucket=draw(BUCKETS),
            group_by=draw(GROUPS),
            duration_days=duration_days if kind == "weighted_sum_agg" else None,
            prorated=period if can_change and draw(st.booleans()) else None,
            allowance=draw(ALLOWANCES) if kind == "sum_agg" else None,
            each_event=draw(st.booleans()),
            in_advance=(can_change or kind == "count_agg") and draw(st.booleans()),
        )
        known = draw(st.just(len(sent)) | st.integers(0, len(sent) // BATCH))
        return query, known, draw(st.none() | st.integers(0, len(sent) - 1)) if sent else None

    return World(organization_id, sent, [question() for _ in range(draw(st.integers(1, 4)))])


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
            one.n, one.precise_total_amount_cents = place, amount
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
def merged(usage: Usage) -> Usage:
    """With the changes of days taken together."""
    assert usage.changes is not None
    total = sum((change.full for change in usage.changes), Decimal(0))
    prorated = sum((change.prorated for change in usage.changes), Decimal(0))
    return replace(usage, changes=(total, prorated))  # type: ignore[arg-type]  # only compared


def comparable(query: UsageQuery, answer: Sequence[Usage]) -> Sequence[Usage]:
    return answer if query.prorated is None or query.each_event else [merged(usage) for usage in answer]


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(tried=st.lists(worlds(), min_size=8, max_size=24))
async def test_sql_equals_the_plain_functions(usage_store: UsageStore, database: Database, tried: list[World]) -> None:
    async with database.unbound() as connection:
        await connection.execute(
            "insert into positions (name, position) values (%s, 1000) on conflict do nothing", (LOADED,)
        )
    await usage_store.insert(b"".join(map(rows, tried)), str(ids.new()))
    reader = ClickHouseUsageReader(database, usage_store)
    asked = [(world, *question) for world in tried for question in world.asked]
    answers = await asyncio.gather(
        *(
            reader.aggregate([stopped(query, world, place, (place or 0) // BATCH + 1, place or 0)], known)
            for world, query, known, place in asked
        )
    )
    for (world, query, known, place), (answer,) in zip(asked, answers, strict=True):
        question = stopped(query, world, place, place or 0, 0)
        (wanted,) = await memory(world).aggregate([question], known * BATCH)
        assert comparable(query, answer) == comparable(query, wanted), (question, known, world.sent)
        assert all(len(usage.changes or ()) <= 33 or query.each_event for usage in answer)
