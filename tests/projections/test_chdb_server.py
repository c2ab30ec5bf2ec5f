"""chDB behind ClickHouse's HTTP interface, as `clickhouse-connect` uses it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from projections.usage.chdb_server import serving
from projections.usage.store import UsageStore
from tests.engines.clickhouse import ClickHouse


def test_only_who_knows_the_password_gets_in(clickhouse: ClickHouse) -> None:
    url = urlsplit(clickhouse.url)
    address = f"http://{url.hostname}:{url.port}"
    for credentials in (None, ("durabill", ""), ("default", ""), ("durabill", "x" * 22)):
        answer = httpx.post(address, content="select 1", auth=credentials)
        assert answer.status_code == 401
        assert answer.headers["X-ClickHouse-Exception-Code"] == "516"
    assert httpx.post(address, content="select 1", headers={b"Authorization": "Basic é".encode()}).status_code == 401
    assert httpx.get(f"{address}/ping").text == "Ok.\n"


@pytest.mark.parametrize("url", ["http://u:p@0.0.0.0:1", "http://u:p@example.com:1", "http://127.0.0.1:1"])
def test_it_is_served_on_loopback_and_with_a_password_only(tmp_path: Path, url: str) -> None:
    with pytest.raises(AssertionError), serving(tmp_path, url):
        pass


def test_parameters_types_and_inserts(clickhouse: ClickHouse) -> None:
    client = clickhouse.client()
    identifier = UUID("7f6ae297-d9f0-7f6a-e297-d9f07f6ae297")
    answer = client.query(
        "select {text:String}, {id:UUID}, {numbers:Array(UInt64)}, 1.5::Decimal(76, 38), toDateTime64(0.5, 6, 'UTC')",
        {"text": "it's\n\\ é\t%s {x}", "id": identifier, "numbers": [1, 2]},
    )
    assert answer.result_rows == [
        ("it's\n\\ é\t%s {x}", identifier, [1, 2], Decimal("1.5"), datetime(1970, 1, 1, 0, 0, 0, 500_000)),  # noqa: DTZ001
    ]
    client.command("create or replace table numbers_ (n UInt64, at DateTime64(6, 'UTC')) engine = MergeTree order by n")
    at = datetime(2024, 1, 1, tzinfo=UTC)
    client.insert("numbers_", [[n, at] for n in range(1000)], ["n", "at"])  # a body in chunks
    client.raw_insert("numbers_", ["n"], b"\n".join(b"%d" % n for n in range(10)), fmt="TSV")
    assert client.command("select count() from numbers_") == 1010
    client.command("drop table numbers_")
    client.close()


def test_settings_are_of_one_request(clickhouse: ClickHouse) -> None:
    client = clickhouse.client()
    setting = "select value from system.settings where name = 'max_block_size'"
    default = client.command(setting)
    assert client.command(setting, settings={"max_block_size": 123}) == 123
    for _ in range(20):
        assert client.command(setting) == default
    with pytest.raises(DatabaseError, match="no number"):
        client.command("select 1", settings={"max_block_size": "no number"})
    assert client.command(setting) == default
    client.close()


def test_errors_carry_their_code(clickhouse: ClickHouse) -> None:
    client = clickhouse.client()
    with pytest.raises(DatabaseError) as raised:
        client.query("select nothing")
    assert raised.value.code == 47
    client.close()


async def test_statements_run_side_by_side(usage_store: UsageStore) -> None:
    slow = asyncio.create_task(usage_store.rows("select toUInt32(sleep(3))", tuple[int]))
    await asyncio.sleep(0.2)
    assert await usage_store.rows("select 1", tuple[int]) == [(1,)]
    assert not slow.done()
    await slow
