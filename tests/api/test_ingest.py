"""Event ingest over ASGI, on a real log: what is refused, what is kept, and that a commit stands behind every 200."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL

from api.errors import unauthorized
from api.ingest.app import IngestApp, Message, Receive, Send
from api.ingest.expressions import Computed
from domain.kernel import ids
from domain.metering.expression import parse
from domain.metering.ports import Metric
from projections.postgres import Database
from projections.usage.events import EventFilter, UsageEvents
from projections.usage.lines import with_seq
from projections.usage.loader import copy_next
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore
from projections.usage.writer import IngestLog
from tests.engines.postgres import Server, make_server
from tests.usage import march

NOW = datetime(2023, 9, 4, 16, 0, 0, 123456, UTC)
EVENT = {"transaction_id": "t1", "code": "calls", "external_subscription_id": "s1"}


@dataclass
class Organization:
    organization_id: UUID

    async def now(self) -> datetime:
        return NOW


KEYS = {"key-1": Organization(ids.new()), "key-2": Organization(ids.new())}


async def tenant_of(authorization: str | None) -> Organization:
    words = (authorization or "").split()
    if len(words) < 2 or words[1] not in KEYS:
        raise unauthorized()
    return KEYS[words[1]]


async def customers(organization_id: UUID, external_id: str) -> str | None:
    return {"c1": "s1"}.get(external_id)


async def expressions(organization_id: UUID) -> Mapping[str, Computed]:
    return {"work": Computed("result", parse("event.properties.left + event.properties.right"))}


async def inner(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": b""})


class Client:
    """Ingest as a client of one organization sees it, and the log behind it."""

    def __init__(self, app: IngestApp, database: Database) -> None:
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", timeout=30)
        self._database = database

    async def send(self, body: object, path: str = "/api/v1/events", key: str = "key-1") -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self._http.post(path, content=content, headers={"Authorization": f"Bearer {key}"})

    async def single(self, **event: object) -> httpx.Response:
        return await self.send({"event": EVENT | event})

    async def batch(self, *events: Mapping[str, object]) -> httpx.Response:
        return await self.send({"events": list(events)}, "/api/v1/events/batch")

    async def request(self, method: str, path: str, **rest: Any) -> httpx.Response:
        return await self._http.request(method, path, **rest)

    async def logged(self) -> list[dict[str, Any]]:
        """All events of the log, in its order."""
        async with self._database.connection(None) as connection:
            rows = await (await connection.execute("select seq, events, body from ingest_log order by seq")).fetchall()
        events = []
        for seq, count, body in rows:
            lines = with_seq(seq, body).decode().splitlines()
            assert len(lines) == count
            events += [json.loads(line) for line in lines]
        return events


@pytest_asyncio.fixture(scope="module")
async def shared(postgres_server: Server, migrated_template: str) -> AsyncIterator[Client]:
    """For what is refused, and for what only looks at its own event."""
    postgres_server.execute(SQL("create database {} template {}"), "ingest", migrated_template)
    database = Database(make_conninfo(postgres_server.url, dbname="ingest"))
    async with database, opened(database) as client:
        yield client


@pytest_asyncio.fixture
async def client(database: Database) -> AsyncIterator[Client]:
    async with opened(database) as client:
        yield client


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[Client]:
    app = IngestApp(inner, database, tenant_of, customers=customers, expressions=expressions)
    try:
        yield Client(app, database)
    finally:
        await app.close()


def details(answer: httpx.Response) -> Any:
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert {key: body[key] for key in ("status", "error", "code")} == {
        "status": 422,
        "error": "Unprocessable Entity",
        "code": "validation_errors",
    }
    return body["error_details"]


async def test_an_event_is_answered_as_lago_does(client: Client) -> None:
    answer = await client.single(
        timestamp="1693842312.344567", properties={"a": "b", "n": 1.50}, precise_total_amount_cents="123.60", unknown=1
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    event = answer.json()["event"]
    assert UUID(event.pop("lago_id"))
    assert event == {
        "transaction_id": "t1",
        "lago_customer_id": None,
        "code": "calls",
        "timestamp": "2023-09-04T15:45:12.344Z",
        "precise_total_amount_cents": "123.6",
        "properties": {"a": "b", "n": 1.5},
        "lago_subscription_id": None,
        "external_subscription_id": "s1",
        "created_at": "2023-09-04T16:00:00Z",
    }
    (logged,) = await client.logged()
    assert logged["timestamp"] == "2023-09-04T15:45:12.344567"
    assert logged["received_at"] == "2023-09-04T16:00:00.123456"
    assert logged["seq"] > 0


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/events/"),
        ("POST", "/api/v1/events/estimate_fees"),
        ("PUT", "/api/v1/events/batch"),
        ("POST", "/api/v1/customers"),
    ],
)
async def test_everything_else_is_left_to_the_inner_application(shared: Client, method: str, path: str) -> None:
    assert (await shared.request(method, path)).status_code == 299


@pytest.mark.parametrize("header", [None, "key-1", "Bearer", "Bearer nobody"])
async def test_without_a_known_key(shared: Client, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in ("/api/v1/events", "/api/v1/events/batch"):
        answer = await shared.request("POST", path, content=b"{", headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"status": 401, "error": "Unauthorized"})


MISSING = "BadRequest: param is missing or the value is empty or invalid: "
DEEP = "BadRequest: nested too deeply"


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("", b"{}", f"{MISSING}event"),
        ("", b"", f"{MISSING}event"),
        ("", b'{"event":null}', f"{MISSING}event"),
        ("", b'{"event":{}}', f"{MISSING}event"),
        ("", b'{"event":"x"}', f"{MISSING}event"),
        ("", b"[]", f"{MISSING}event"),
        ("", b'{"event":', "Bad Request"),
        ("", b'{"event":{"code":"\xff"}}', "Bad Request"),
        ("", b'{"event":{"properties":{"a":"\xff"}}}', "Bad Request"),
        ("", b'{"event":{"properties":{"a":"\\ud800"}}}', "Bad Request"),
        ("", b'{"event":{"properties":{"a":"\x00"}}}', "Bad Request"),
        ("", b'{"event":{"properties":{"a":"x\ny"}}}', "Bad Request"),
        ("", b'{"event":{"code":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", DEEP),
        ("", b'{"event":{"properties":' + b'{"a":' * 499 + b"1" + b"}" * 499 + b"}}", DEEP),
        ("", b'{"event":{"transaction_id":' + b"9" * 5000 + b"}}", f"{MISSING}event"),
        ("/batch", b'{"events":{}}', f"{MISSING}events"),
        ("/batch", b'{"events":[1]}', f"{MISSING}events"),
    ],
)
async def test_bodies_that_are_no_events(shared: Client, path: str, body: bytes, error: str) -> None:
    before = len(await shared.logged())
    answer = await shared.send(body, f"/api/v1/events{path}")
    assert (answer.status_code, answer.json()) == (400, {"status": 400, "error": error})
    assert len(await shared.logged()) == before


@pytest.mark.parametrize(
    ("event", "refused"),
    [
        ({"transaction_id": None}, {"transaction_id": ["value_is_mandatory"]}),
        (
            {"transaction_id": " ", "code": ""},
            {"transaction_id": ["value_is_mandatory"], "code": ["value_is_mandatory"]},
        ),
        ({"code": "x" * 256}, {"code": ["value_is_too_long"]}),
        ({"transaction_id": True}, {"transaction_id": ["value_is_invalid"]}),
        ({"transaction_id": "a\0b"}, {"transaction_id": ["value_is_invalid"]}),
        ({"external_subscription_id": ["s1"]}, {"external_subscription_id": ["value_is_invalid"]}),
        ({"properties": [1]}, {"properties": ["value_is_invalid"]}),
        ({"properties": {"a\0": 1}}, {"properties": ["value_is_invalid"]}),
        ({"properties": {"a": {"b": ["\0"]}}}, {"properties": ["value_is_invalid"]}),
        ({"precise_total_amount_cents": "1e30"}, {"precise_total_amount_cents": ["value_is_out_of_range"]}),
    ],
)
async def test_refused_values(shared: Client, event: dict[str, object], refused: object) -> None:
    before = len(await shared.logged())
    assert details(await shared.single(**event)) == refused
    assert details(await shared.batch(EVENT | {"transaction_id": "fine"}, EVENT | event)) == {"1": refused}
    assert len(await shared.logged()) == before


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        (b'{"a":1e16384}', "value_is_out_of_range"),
        (b'{"a":1e99999999999999999999}', "value_is_out_of_range"),
        (b'{"a":1e10000,"b":-1E-10000}', "value_is_out_of_range"),
    ],
)
async def test_properties_that_would_be_too_much_for_the_store(shared: Client, properties: bytes, code: str) -> None:
    body = b'{"event":{"transaction_id":"t1","code":"c","properties":' + properties + b"}}"
    assert details(await shared.send(body)) == {"properties": [code]}


async def test_a_body_that_is_too_large(shared: Client) -> None:
    answer = await shared.single(properties={"a": "x" * (5 << 20)})
    assert (answer.status_code, answer.json()) == (413, {"status": 413, "error": "Content Too Large"})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"1693842300", "2023-09-04T15:45:00.000000"),
        (b'"1693842300"', "2023-09-04T15:45:00.000000"),
        (b'"1693842312.344"', "2023-09-04T15:45:12.344000"),
        (b"1693842320.5", "2023-09-04T15:45:20.500000"),
        (b"1693842320.1234567", "2023-09-04T15:45:20.123456"),
        (b"1.6938423e9", "2023-09-04T15:45:00.000000"),
        (b"-1.5", "1969-12-31T23:59:58.500000"),
        (b'"2023-09-04T15:45:00Z"', "2023-09-04T15:45:00.000000"),
        (b'"2023-09-04 17:45:00.1234567+02:00"', "2023-09-04T15:45:00.123456"),
        (b"null", "2023-09-04T16:00:00.123456"),
    ],
)
async def test_timestamps(shared: Client, sent: bytes, kept: str) -> None:
    body = b'{"event":{"transaction_id":"x","code":"calls","timestamp":' + sent + b"}}"
    answer = await shared.send(body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["event"]["timestamp"] == f"{kept[:23]}Z"
    assert (await shared.logged())[-1]["timestamp"] == kept


@pytest.mark.parametrize(
    "sent",
    [
        *('""', '"2023-09-04"', '"2023-09-04T15:45:00"', '"2023-09-04 15:45:00 UTC"', '"1e9"', '" 1693842300"', "true"),
        *("1693842300000", "1e99", '"99999999999999999999999"', '"2023-02-30T00:00:00Z"', "[1]", '"-62135596800"'),
    ],
)
async def test_no_timestamps(shared: Client, sent: str) -> None:
    body = '{"event":{"transaction_id":"t1","code":"calls","timestamp":%s}}' % sent  # noqa: UP031
    assert details(await shared.send(body.encode())) == {"timestamp": ["invalid_format"]}


async def test_properties_are_kept_to_the_last_digit(client: Client) -> None:
    sent = (
        b'{"big":123456789012345678901234567890.10,"exact":0.1000000000000000055511151231257827,"e":1.5e-7,"E":-1E3,'
        b'"zero":-0,"text":"1e5","deep":{"a":[1,{"b":null}]},"\\u00e9\\"":"\\ud83d\\ude00","null":null,"escaped":"\\\\u0000"}'
    )
    pretty = sent.replace(b",", b",\n  ")
    answer = await client.send(b'{"event":{"transaction_id":7,"code":1.5,\n"properties":' + pretty + b"}}")
    assert answer.status_code == 200, answer.text
    assert b'"big":123456789012345678901234567890.10,' in answer.content
    assert b'"exact":0.1000000000000000055511151231257827,' in answer.content
    assert answer.json()["event"]["properties"] == json.loads(sent)
    (logged,) = await client.logged()
    assert (logged["transaction_id"], logged["code"]) == ("7", "1.5")
    changed = {"e": 0.00000015, "E": -1000, "zero": 0}
    assert logged["values"] == json.loads(sent) | changed
    async with client._database.connection(None) as connection:
        row = await (await connection.execute("select body from ingest_log")).fetchone()
    assert row is not None
    assert b'"e":0.00000015,"E":-1000,"zero":0,"text":"1e5"' in row[0]


async def test_of_a_property_that_is_there_twice_the_last_counts(shared: Client) -> None:
    answer = await shared.send(b'{"event":{"transaction_id":"t1","code":"c","properties":{"a":1,"b":2,"a":3}}}')
    assert b'"properties":{"a":3,"b":2}' in answer.content


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("12.5", "12.5"), (12, "12.0"), ("garbage", "0.0"), ("NaN", "0.0"), (None, None), ([1], None), ("-0.1e1", "-1.0")],
)
async def test_precise_total_amount_cents(shared: Client, sent: object, kept: str | None) -> None:
    answer = await shared.single(external_subscription_id=None, precise_total_amount_cents=sent)
    assert answer.json()["event"]["precise_total_amount_cents"] == kept


async def test_a_transaction_id_is_taken_once_per_subscription_and_organization(client: Client) -> None:
    assert (await client.single()).status_code == 200
    assert details(await client.single(timestamp=5, code="other")) == {"transaction_id": ["value_already_exist"]}
    assert (await client.single(external_subscription_id="s2")).status_code == 200
    assert (await client.send({"event": EVENT}, key="key-2")).status_code == 200
    for blank in (None, "", " "):
        for _ in range(2):
            answer = await client.single(external_subscription_id=blank)
            assert (answer.status_code, answer.json()["event"]["external_subscription_id"]) == (200, None)
    logged = await client.logged()
    assert len(logged) == len({event["event_id"] for event in logged}) == 9


async def test_a_batch_is_stored_whole_or_not_at_all(client: Client) -> None:
    taken = {"transaction_id": ["value_already_exist"]}
    assert (await client.single()).status_code == 200
    fresh = EVENT | {"transaction_id": "t2"}
    assert details(await client.batch(fresh, EVENT)) == {"1": taken}
    assert details(await client.batch(fresh, fresh | {"code": "x"}, {"code": "x"})) == {
        "1": taken,
        "2": {"transaction_id": ["value_is_mandatory"]},
    }
    answer = await client.batch(fresh, fresh | {"external_subscription_id": "s2"})
    assert [event["external_subscription_id"] for event in answer.json()["events"]] == ["s1", "s2"]
    assert len(await client.logged()) == 3


async def test_the_size_of_a_batch(client: Client) -> None:
    for body in (b"{}", b"", b'{"events":[]}', b'{"events":null}'):
        assert details(await client.send(body, "/api/v1/events/batch")) == {"events": ["no_events"]}
    events = [EVENT | {"transaction_id": str(n)} for n in range(101)]
    assert details(await client.batch(*events)) == {"events": ["too_many_events"]}
    assert (await client.batch(*events[:100])).status_code == 200
    logged = await client.logged()
    assert [event["transaction_id"] for event in logged] == [str(n) for n in range(100)]
    assert [event["n"] for event in logged] == sorted(event["n"] for event in logged)


async def test_a_customer_may_be_named_instead_of_its_one_subscription(client: Client) -> None:
    event = {"transaction_id": "t1", "code": "calls"}
    for field in ("external_customer_id", "customer_id"):
        answer = await client.send({"event": event | {field: "c1", "transaction_id": field}})
        assert answer.json()["event"]["external_subscription_id"] == "s1"
    refused = {"external_subscription_id": ["value_is_mandatory"]}
    assert details(await client.send({"event": event | {"external_customer_id": "nobody"}})) == refused
    assert details(await client.batch(EVENT, event | {"customer_id": "nobody"})) == {"1": refused}


async def test_an_expression_overwrites_its_property(client: Client) -> None:
    answer = await client.single(code="work", properties={"left": "1", "right": 2.50, "result": 1000})
    assert answer.json()["event"]["properties"] == {"left": "1", "right": 2.5, "result": "3.5"}
    failed = "expression_evaluation_failed: Variable: right not found"
    event = EVENT | {"transaction_id": "t2", "code": "work", "properties": {"left": 1}}
    assert details(await client.send({"event": event})) == failed
    assert details(await client.batch(EVENT | {"transaction_id": "t3"}, event)) == {"1": failed}
    assert [logged["values"]["result"] for logged in await client.logged()] == ["3.5"]


async def test_of_many_who_send_the_same_at_once_one_succeeds(database: Database) -> None:
    apps = [IngestApp(inner, database, tenant_of, customers=customers) for _ in range(4)]  # as many processes
    clients = [Client(app, database) for app in apps for _ in range(5)]

    async def send(client: Client, n: int) -> int:
        return (await client.single(transaction_id=str(n))).status_code

    for n in range(10):
        assert sorted(await asyncio.gather(*(send(client, n) for client in clients))) == [200, *[422] * 19]
    batches = [
        clients[i].batch(EVENT | {"transaction_id": f"b{i}"}, EVENT | {"transaction_id": "b"}) for i in range(20)
    ]
    answers = await asyncio.gather(*batches)
    assert sorted(answer.status_code for answer in answers) == [200, *[422] * 19]
    logged = await clients[0].logged()
    assert len(logged) == 12
    for app in apps:
        await app.close()


async def test_while_postgres_is_away_nothing_is_acknowledged(tmp_path_factory: pytest.TempPathFactory) -> None:
    from projections.migrate import migrate_database

    server = make_server(tmp_path_factory.mktemp("away"))
    server.start()
    await migrate_database(server.url)
    async with Database(server.url) as database:
        app = IngestApp(inner, database, tenant_of, customers=customers)
        client = Client(app, database)
        assert (await client.single()).status_code == 200
        server.stop()
        answer = await client.single(transaction_id="t2")
        assert (answer.status_code, answer.json()) == (503, {"status": 503, "error": "Service Unavailable"})
        await app.close()
        app._ingest_log = IngestLog(
            database.connect, patience_seconds=60
        )  # a busy machine takes long to start a server
        waiting = asyncio.create_task(client.single(transaction_id="t3"))
        await asyncio.sleep(0.5)
        server.start()
        assert (await waiting).status_code == 200, "the server came back in time"
        assert (await client.single(transaction_id="t2")).status_code == 200
        assert [event["transaction_id"] for event in await client.logged()] == ["t1", "t3", "t2"]
        await app.close()
    server.stop()


async def test_whatever_is_accepted_can_be_loaded_and_read(
    client: Client, database: Database, usage_store: UsageStore
) -> None:
    deep = '{"a":' * 490 + "[]" + "}" * 490
    sent = {
        "deep": deep,
        "numbers": '{"a":-1.5e-300,"b":1E+15000,"c":12345678901234567890123456789012345678901234567890,"n":2.50e0}',
        "texts": '{"":"","é\\\\u0000\\"\'":"\\\\n\\\\\\" \\u2028 😀","n":"2.5","null":null,"nested":[1.0,{"c":-0.0}]}',
        "keys": "{" + ",".join(f'"k{n}":{n}' for n in range(2000)) + ',"n":2.5}',
    }
    times = ["1900-01-01T00:00:00Z", "2299-12-31T23:59:59.999999Z", "2023-09-01T00:00:00+14:00", 0]
    for (name, properties), at in zip(sent.items(), times, strict=True):
        event = json.dumps(EVENT | {"transaction_id": f"{name} '\\é\t😀", "timestamp": at}).encode()
        answer = await client.send(b'{"event":' + event[:-1] + b', "properties":' + properties.encode() + b"}}")
        assert answer.status_code == 200, answer.text
    connection = await database.connect()
    while await copy_next(connection, usage_store):
        pass
    await connection.close()

    events, organization = UsageEvents(database, usage_store), KEYS["key-1"].organization_id
    for name, properties in sent.items():
        found = await events.find(organization, f"{name} '\\é\t😀")
        assert json.loads(found.properties, parse_float=str) == json.loads(properties, parse_float=str)
    page, _ = await events.list(organization, EventFilter(), limit=10, offset=0)
    assert [event.timestamp.year for event in page] == [2299, 2023, 1970, 1900]
    n = Metric(code="calls", aggregation_type="sum_agg", field_name="n")
    first, last = datetime(1900, 1, 1, tzinfo=UTC), datetime(2299, 12, 31, 23, 59, 59, 999_999, UTC)
    reader = ClickHouseUsageReader(database, usage_store)
    ever = march(organization, n, from_at=first, to_at=last)
    ((usage,),) = await reader.aggregate([ever], await reader.watermark())
    assert (usage.units, usage.events_count) == (Decimal("7.5"), 3)
