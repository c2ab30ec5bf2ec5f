"""The loader copies every row of the log once, whatever ends when."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest

from domain.kernel import ids
from domain.kernel.errors import UnavailableError
from domain.metering.ports import Metric, UsageQuery
from projections.followers import read_position
from projections.postgres import Database
from projections.usage import loader
from projections.usage.lines import Line
from projections.usage.loaded import LOADED, Loaded
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore, connector
from projections.usage.writer import IngestLog
from tests.engines.clickhouse import ClickHouse
from tests.usage import line, log, march

_LOADER = """
import asyncio, sys
from projections.settings import Settings
from projections.usage import loader
asyncio.run(loader.run(Settings(**__import__("json").loads(sys.argv[1]))))
"""


@asynccontextmanager
async def following(database: Database, store: UsageStore) -> AsyncIterator[asyncio.Task[None]]:
    """A loader, until the block ends."""
    stop = asyncio.Event()
    task = asyncio.create_task(loader.follow(database, store, stop))
    try:
        yield task
    finally:
        stop.set()
        await task


def loader_process(database_url: str, clickhouse: ClickHouse) -> subprocess.Popen[bytes]:
    """The role, owning chDB."""
    folder = str(clickhouse.folder)
    settings = {"database_url": database_url, "clickhouse_url": clickhouse.url, "clickhouse_path": folder}
    return subprocess.Popen([sys.executable, "-c", _LOADER, json.dumps(settings)], stderr=subprocess.DEVNULL)


async def counted(store: UsageStore) -> tuple[int, int]:
    """Rows and distinct events."""
    (row,) = await store.rows("select count(), uniqExact(event_id) from usage_events", tuple[int, int])
    return row


class CutShort(UsageStore):
    """The store, for a loader that ends right after an insert."""

    async def insert(self, lines: bytes, token: str) -> None:
        await super().insert(lines, token)
        raise UnavailableError("loader")


async def test_events_are_visible_within_milliseconds(database: Database, usage_store: UsageStore) -> None:
    organization = ids.new()
    ingest_log, reader = IngestLog(database.connect), ClickHouseUsageReader(database, usage_store)
    seconds = []
    async with following(database, usage_store):
        for n in range(1, 21):
            await log(ingest_log, line(organization))
            acknowledged = time.monotonic()
            ((usage,),) = await reader.aggregate([march(organization)], await reader.watermark())
            seconds.append(time.monotonic() - acknowledged)
            assert usage.units == n
    assert sorted(seconds)[10] < 0.5, seconds  # about 0.02 on a quiet machine; a missed notification would be 1
    await ingest_log.close()


async def test_a_loader_that_ends_between_insert_and_position(database: Database, usage_store: UsageStore) -> None:
    organization = ids.new()
    ingest_log, connection = IngestLog(database.connect), await database.connect()
    cut_short = CutShort(usage_store._connect)
    for _ in range(3):
        months = (line(organization, at=f"2024-{month:02}-01T00:00:00") for month in range(1, 13))
        await log(ingest_log, *months)
        with pytest.raises(UnavailableError):
            await loader.copy_next(connection, cut_short)
        await log(ingest_log, line(organization))  # must not enter the range that is tried again
    while await loader.copy_next(connection, usage_store):
        pass
    assert await counted(usage_store) == (39, 39)
    await cut_short.close()
    await connection.close()
    await ingest_log.close()


async def test_one_loader_leads_and_another_takes_over(database: Database, usage_store: UsageStore) -> None:
    organization = ids.new()
    ingest_log, loaded = IngestLog(database.connect), Loaded(database, usage_store)
    async with following(database, usage_store):
        async with following(database, usage_store):
            for _ in range(20):
                await log(ingest_log, line(organization))
            await loaded.reach(await loaded.acknowledged())
        await log(ingest_log, line(organization))
        await loaded.reach(await loaded.acknowledged())
    assert await counted(usage_store) == (21, 21)
    await ingest_log.close()


async def test_large_rows_go_one_by_one(
    database: Database, usage_store: UsageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "MAX_BYTES", 10)
    ingest_log, connection = IngestLog(database.connect), await database.connect()
    for _ in range(3):
        await log(ingest_log, line(ids.new()))
    assert [await loader.copy_next(connection, usage_store) for _ in range(4)] == [True, True, True, False]
    assert await counted(usage_store) == (3, 3)
    await connection.close()
    await ingest_log.close()


async def test_killed_with_its_engine_at_any_point(database: Database, database_url: str, tmp_path: Path) -> None:
    """The loader owns chDB, so both end at once, in the middle of whatever they do."""
    clickhouse, organization = ClickHouse(tmp_path / "clickhouse"), ids.new()
    ingest_log, written = IngestLog(database.connect), 0
    stop = asyncio.Event()

    async def write() -> None:
        nonlocal written
        while not stop.is_set():
            await log(ingest_log, *_of_two_months(organization, 50))
            written += 50

    writing = asyncio.create_task(write())
    for _ in range(3):
        process = loader_process(database_url, clickhouse)
        await _until_loaded_more(database)
        await asyncio.sleep(random.random() * 0.3)
        process.kill()
        await asyncio.to_thread(process.wait)
    stop.set()
    await writing

    process = loader_process(database_url, clickhouse)
    store = UsageStore(connector(clickhouse.url))
    reader = ClickHouseUsageReader(database, store, patience_seconds=60)
    metric = Metric(code="calls", aggregation_type="sum_agg", field_name="bytes", recurring=True)
    query: UsageQuery = march(organization, metric)
    ((usage,),) = await reader.aggregate([query], await reader.watermark())
    assert await counted(store) == (written, written)
    assert (int(usage.units), usage.events_count) == (written, written)
    await store.close()
    process.terminate()
    await asyncio.to_thread(process.wait)
    await ingest_log.close()


async def _until_loaded_more(database: Database) -> None:
    before = await read_position(database, LOADED)
    async with asyncio.timeout(60):
        while await read_position(database, LOADED) <= before:
            await asyncio.sleep(0.02)


def _of_two_months(organization: UUID, number: int) -> list[Line]:
    return [line(organization, at=f"2024-0{n % 2 + 1}-01T00:00:00", properties={"bytes": "1"}) for n in range(number)]


async def test_while_clickhouse_is_away_the_log_grows_and_nothing_is_lost(database: Database, tmp_path: Path) -> None:
    clickhouse, organization = ClickHouse(tmp_path / "clickhouse"), ids.new()
    ingest_log, store = IngestLog(database.connect), UsageStore(connector(clickhouse.url))
    loaded = Loaded(database, store)
    clickhouse.start()
    async with following(database, store):
        await log(ingest_log, line(organization))
        await loaded.reach(await loaded.acknowledged())
        clickhouse.kill()
        for _ in range(3):
            await log(ingest_log, line(organization))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(clickhouse.start)
        await Loaded(database, store, patience_seconds=30).reach(await loaded.acknowledged())
        assert await counted(store) == (4, 4)
    await store.close()
    clickhouse.stop()
    await ingest_log.close()


async def test_what_is_loaded_again_is_not_taken_for_what_was_there(
    database: Database, usage_store: UsageStore
) -> None:
    """ClickHouse remembers inserts whose rows are gone: the same range under its old name would be none for it."""
    organization, client = ids.new(), usage_store._connect()
    ingest_log, loaded = IngestLog(database.connect), Loaded(database, usage_store)
    async with following(database, usage_store):
        for _ in range(2):
            await log(ingest_log, line(organization))
            await loaded.reach(await loaded.acknowledged())
    last = await loaded.acknowledged()
    for _ in range(2):
        client.command(f"alter table usage_marks delete where position = {last} settings mutations_sync = 1")
        async with asyncio.timeout(60), following(database, usage_store):
            while await usage_store.marked() < last:
                await asyncio.sleep(0.02)
        assert await counted(usage_store) == (2, 2)
    client.close()
    await ingest_log.close()


async def test_a_store_that_was_lost_is_never_read_as_no_usage_and_is_loaded_again(
    database: Database, tmp_path: Path
) -> None:
    organization = ids.new()
    query: UsageQuery = march(organization, Metric(code="calls", aggregation_type="count_agg"))
    ingest_log = IngestLog(database.connect)
    for folder in ("first", "emptied"):
        clickhouse = ClickHouse(tmp_path / folder)
        clickhouse.start()
        store = UsageStore(connector(clickhouse.url))
        reader = ClickHouseUsageReader(database, store, patience_seconds=30)
        await store.create()
        if folder == "emptied":
            with pytest.raises(UnavailableError, match="lost"):
                await reader.aggregate([query], await reader.watermark())
        async with following(database, store):
            await log(ingest_log, line(organization), line(organization))
            async with asyncio.timeout(30):
                while await store.marked() < await reader.watermark():
                    await asyncio.sleep(0.02)
            ((usage,),) = await reader.aggregate([query], await reader.watermark())
            assert usage.events_count == (2 if folder == "first" else 4)
        await store.close()
        clickhouse.stop()
    await ingest_log.close()
