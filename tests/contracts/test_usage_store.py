"""The store of usage events and what is read from it, on a server and on chDB in this process."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from domain.kernel import ids
from domain.kernel.errors import NotFoundError, RefusedError, UnavailableError
from domain.metering.ports import Bucket, Metric, Usage, UsageQuery
from projections.postgres import Database
from projections.usage import store as stores
from projections.usage.events import EventFilter, UsageEvents
from projections.usage.loader import copy_next
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore, connector
from projections.usage.writer import IngestLog
from tests.usage import CALLS, body, line, log, march

BYTES = Metric(code="calls", aggregation_type="sum_agg", field_name="bytes")


class CountingStore(UsageStore):
    """The store, with its queries counted."""

    def __init__(self, store: UsageStore) -> None:
        super().__init__(store._connect)
        self.queries = 0

    async def rows(self, *arguments: Any, **rest: Any) -> Any:
        self.queries += 1
        return await super().rows(*arguments, **rest)


async def load(database: Database, store: UsageStore) -> None:
    connection = await database.connect()
    while await copy_next(connection, store):
        pass
    await connection.close()


async def test_units(any_usage_store: UsageStore, database: Database) -> None:
    organization, other = ids.new(), ids.new()
    ingest_log, reader = IngestLog(database.connect), ClickHouseUsageReader(database, any_usage_store)
    assert await reader.watermark() == 0
    assert await reader.aggregate([march(organization)], 0) == [(Usage(units=Decimal(0), events_count=0),)]
    await log(
        ingest_log,
        line(organization, at="2024-03-01T00:00:00", properties={"bytes": "1.5", "tier": "gold"}),
        line(organization, at="2024-03-31T23:59:59.999999", properties={"bytes": 2, "tier": "free"}),
        line(organization, at="2024-04-01T00:00:00", properties={"bytes": 100}),
        line(organization, at="2024-02-29T23:59:59.999999", properties={"bytes": 1000}),
        line(organization, subscription="s2", properties={"bytes": 7}),
        line(organization, code="other", properties={"bytes": 50}),
        line(organization, properties={"bytes": " 1"}),
        line(other, properties={"bytes": 9}),
    )
    await load(database, any_usage_store)
    watermark = await reader.watermark()
    queries: dict[str, tuple[UsageQuery, str | int, int]] = {
        "count": (march(organization), 3, 3),
        "sum": (march(organization, BYTES), "3.5", 2),
        "another subscription": (march(organization, BYTES, "s2"), 7, 1),
        "another organization": (march(other, BYTES), 9, 1),
        "nobody": (march(ids.new(), BYTES), 0, 0),
        "from the millisecond on": (
            march(organization, from_at=datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC)),
            4,
            4,
        ),
        "recurring": (
            march(organization, Metric(code="calls", aggregation_type="sum_agg", field_name="bytes", recurring=True)),
            "1003.5",
            3,
        ),
        "matching": (march(organization, BYTES, bucket=Bucket(matching=(("tier", ("gold", "x")),))), "1.5", 1),
        "ignored": (march(organization, BYTES, bucket=Bucket(ignored=((("tier", ("gold",)),),))), 2, 1),
        "quoted": (march(organization, bucket=Bucket(matching=(("t'\\ier", ("it's \\ '",)),))), 0, 0),
    }
    answers = await reader.aggregate([query for query, _, _ in queries.values()], watermark)
    for (why, (_, units, count)), answer in zip(queries.items(), answers, strict=True):
        assert answer == (Usage(units=Decimal(units), events_count=count),), why
    await ingest_log.close()


async def test_sums_are_exact(any_usage_store: UsageStore, database: Database) -> None:
    numbers = [
        *("123456789012345678901234567890.5", "0.00000000000000000000000000001", "-0.1", "7"),
        *("9999999999999999999999999999", "9999999999999999999999999999.00000000000000000000000000001"),
        *("10000000000000000000000000000", "-99999999999999999999999999999"),
    ]
    organization = ids.new()
    events = [line(organization, properties=f'{{"bytes": {number}}}') for number in numbers]
    events += [line(organization, properties=f'{{"bytes": "000{number}"}}') for number in numbers if number > "0"]
    await any_usage_store.insert(body(events, seq=0), "exact")
    reader = ClickHouseUsageReader(database, any_usage_store)
    ((usage,),) = await reader.aggregate([march(organization, BYTES)], 0)
    positive = [Decimal(number) for number in numbers if number > "0"]
    assert usage == Usage(units=sum(positive + [Decimal(number) for number in numbers], Decimal(0)), events_count=14)


async def test_groups(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    rows = [("eu", "a", 1), ("eu", "a", 2), ("us", 1, 4), ("us", "1", 8), ("", "b", 16), (None, "b", 32)]
    events = [line(organization, properties={"region": r, "zone": z, "bytes": b}) for r, z, b in rows]
    events.append(line(organization, properties={"zone": "b", "bytes": 64}))
    await any_usage_store.insert(body(events, seq=0), "groups")
    reader = ClickHouseUsageReader(database, any_usage_store)
    query = march(organization, BYTES, group_by=("region", "zone"))
    (usages,) = await reader.aggregate([query], 0)
    assert {usage.group: (int(usage.units), usage.events_count) for usage in usages} == {
        ("eu", "a"): (3, 2),
        ("us", "1"): (12, 2),
        (None, "b"): (112, 3),
    }
    nothing = march(organization, BYTES, "s2", group_by=("region",))
    assert await reader.aggregate([nothing], 0) == [()]


async def test_usage_up_to_a_watermark_never_changes(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    ingest_log, reader = IngestLog(database.connect), ClickHouseUsageReader(database, any_usage_store)
    watermarks = [0]
    for _ in range(3):
        await log(ingest_log, line(organization), line(organization))
        watermarks.append(await reader.watermark())
    await load(database, any_usage_store)
    for n, watermark in enumerate(watermarks):
        ((usage,),) = await reader.aggregate([march(organization)], watermark)
        assert usage.events_count == 2 * n
    await ingest_log.close()


async def test_usage_waits_for_the_loader(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    ingest_log, reader = IngestLog(database.connect), ClickHouseUsageReader(database, any_usage_store)
    await log(ingest_log, line(organization))
    watermark = await reader.watermark()
    waiting = [asyncio.create_task(reader.aggregate([march(organization)], watermark)) for _ in range(20)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    await load(database, any_usage_store)
    for answer in await asyncio.gather(*waiting):
        assert answer == [(Usage(units=Decimal(1), events_count=1),)]

    impatient = ClickHouseUsageReader(database, any_usage_store, patience_seconds=0.1)
    with pytest.raises(UnavailableError):
        await impatient.aggregate([march(organization)], watermark + 1)
    await ingest_log.close()


async def test_callers_share_queries(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    events = [line(organization, subscription=f"s{n % 200}", properties={"bytes": n}) for n in range(1000)]
    await any_usage_store.insert(body(events, seq=0), "shared")
    store = CountingStore(any_usage_store)
    reader = ClickHouseUsageReader(database, store)
    counts, sums = await asyncio.gather(
        asyncio.gather(*(reader.aggregate([march(organization, CALLS, f"s{n}")], 0) for n in range(200))),
        asyncio.gather(*(reader.aggregate([march(organization, BYTES, f"s{n}")], 0) for n in range(200))),
    )
    assert [usage.units for ((usage,),) in counts] == [5] * 200
    assert [usage.units for ((usage,),) in sums] == [5 * n + 2000 for n in range(200)]
    assert store.queries <= 8
    await store.close()


async def test_a_question_that_is_refused_fails_alone(any_usage_store: UsageStore, database: Database) -> None:
    organization = ids.new()
    await any_usage_store.insert(body([line(organization)], seq=0), "refused")
    reader = ClickHouseUsageReader(database, any_usage_store)
    too_long = march(organization, bucket=Bucket(matching=(("tier", ("x" * (33 << 20),)),)))
    queries = (march(organization), too_long, march(organization, BYTES), march(organization))
    answers = await asyncio.gather(*(reader.aggregate([query], 0) for query in queries), return_exceptions=True)
    assert isinstance(answers[1], RefusedError)
    assert [answer for answer in answers if not isinstance(answer, BaseException)] == [
        [(Usage(units=Decimal(1), events_count=1),)],
        [(Usage(units=Decimal(0), events_count=0),)],
        [(Usage(units=Decimal(1), events_count=1),)],
    ]


async def test_a_question_whose_answer_cannot_be_computed_fails_alone(
    any_usage_store: UsageStore, database: Database
) -> None:
    organization, levels = ids.new(), Metric(code="calls", aggregation_type="weighted_sum_agg", field_name="bytes")
    reader = ClickHouseUsageReader(database, any_usage_store)
    queries = [march(organization, levels, duration_days=31) for _ in range(7)]
    queries.insert(3, march(organization, levels, duration_days=None))  # of no period, which none may be
    answers = await asyncio.gather(*(reader.aggregate([query], 0) for query in queries), return_exceptions=True)
    assert isinstance(answers.pop(3), AssertionError)
    assert answers == [[(Usage(units=Decimal(0), events_count=0, level=Decimal(0)),)]] * 7


async def test_an_insert_with_the_same_token_adds_what_is_not_there(any_usage_store: UsageStore) -> None:
    organization = ids.new()
    january = [line(organization, at=f"2024-01-{day:02}T00:00:00") for day in range(1, 29)]
    years = [line(organization, at=f"{year}-02-01T00:00:00.000001") for year in range(1900, 2300)]
    await any_usage_store.insert(body(january), "cut short")  # after one month of the insert below
    for _ in range(2):
        await any_usage_store.insert(body(january + years), "cut short")
    (counted,) = await any_usage_store.rows("select count(), uniq(event_id) from usage_events", tuple[int, int])
    assert counted == (428, 428)


async def test_events_are_listed_and_found(any_usage_store: UsageStore, database: Database) -> None:
    organization, other = ids.new(), ids.new()
    ingest_log, events = IngestLog(database.connect), UsageEvents(database, any_usage_store)
    properties = (
        '{"big":123456789012345678901234567890.10,"e":1.5e-7,"text":"it\'s \\\\ \\"é\\"","deep":{"a":[{"b":null}]}}'
    )
    await log(
        ingest_log,
        line(organization, transaction_id="b", at="2024-03-05T12:00:00.123456", properties=properties),
        line(organization, transaction_id="a", at="2024-03-05T12:00:00.123456", subscription="s2"),
        line(organization, transaction_id="c", at="2024-03-06T12:00:00", subscription="", code="it's"),
        line(organization, transaction_id="b", at="2024-03-01T00:00:00", subscription="s2"),
        line(other, transaction_id="z"),
    )
    await load(database, any_usage_store)

    async def listed(limit: int = 10, offset: int = 0, **wanted: Any) -> tuple[list[str], int]:
        page, count = await events.list(organization, EventFilter(**wanted), limit=limit, offset=offset)
        return [f"{event.transaction_id}-{event.external_subscription_id}" for event in page], count

    at = datetime(2024, 3, 5, 12, 0, 0, 123456, UTC)
    assert await listed() == (["c-None", "a-s2", "b-s1", "b-s2"], 4)
    assert await listed(limit=2, offset=1) == (["a-s2", "b-s1"], 4)
    assert await listed(external_subscription_id="s2") == (["a-s2", "b-s2"], 2)
    assert await listed(code="it's") == (["c-None"], 1)
    assert await listed(timestamp_from=at, timestamp_to=at) == (["a-s2", "b-s1"], 2)
    assert await listed(timestamp_from=at + timedelta(microseconds=1)) == (["c-None"], 1)

    found = await events.find(organization, "b")
    assert (found.external_subscription_id, found.timestamp, found.code) == ("s1", at, "calls")
    assert found.properties == properties
    assert found.precise_total_amount_cents is None
    with pytest.raises(NotFoundError):
        await events.find(organization, "z")
    await ingest_log.close()


async def test_what_is_away_is_never_zero(database: Database) -> None:
    store = UsageStore(connector("http://durabill:secret@127.0.0.1:1/default"))
    with pytest.raises(UnavailableError):
        await ClickHouseUsageReader(database, store).aggregate([march(ids.new())], 0)


async def test_rows_that_are_consumed_as_they_come(any_usage_store: UsageStore) -> None:
    sql = "select number, repeat('x', 100) from numbers(50000) order by number"
    total = await any_usage_store.consume(sql, tuple[int, str], lambda rows: sum(number for number, _ in rows))
    assert total == sum(range(50_000)), "of several chunks"
    assert await any_usage_store.consume(f"{sql} limit 0", tuple[int, str], list) == []
    with pytest.raises(RefusedError):
        await any_usage_store.consume("select nothing", tuple[int], list)


async def test_what_would_take_for_ever_is_refused(
    any_usage_store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for settings in (stores._QUERY_SETTINGS, stores._STREAM_SETTINGS):
        monkeypatch.setitem(settings, "max_execution_time", 1)
    for_years = "select count() from numbers(1000000000000000) where sipHash64(number) = 7"
    with pytest.raises(RefusedError):
        await any_usage_store.rows(for_years, tuple[int])
    with pytest.raises(RefusedError):
        await any_usage_store.consume(for_years, tuple[int], list)
    assert await any_usage_store.rows("select 1", tuple[int]) == [(1,)]


class _BreaksOff(BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(size) or self._fail()

    def _fail(self) -> bytes:
        raise ConnectionAbortedError("cut")


@pytest.mark.parametrize("answer", [BytesIO(b"[1]\n[2"), _BreaksOff(b"[1]\n")], ids=["within a row", "after one"])
async def test_an_answer_that_breaks_off_is_not_taken_for_all(
    usage_store: UsageStore, monkeypatch: pytest.MonkeyPatch, answer: BytesIO
) -> None:
    monkeypatch.setattr(type(usage_store._connect()), "raw_stream", lambda *_, **__: answer)
    with pytest.raises(UnavailableError):
        await usage_store.consume("select 1", tuple[int], list)
