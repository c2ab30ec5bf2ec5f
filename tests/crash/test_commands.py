"""A command that is sent twice, or by many clients at once, is done once and has one result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.crash.stack import Replica, Stack, blocked, eventually
from tests.crash.tenant import Found, Tenant

CLIENTS = 20
LEDGER_LOCK = 4242
"""Of `ledger_append`, migration 0001."""

METRIC: dict[str, object] = {"name": "Seats", "code": "seats", "aggregation_type": "count_agg"}
PLAN: dict[str, object] = {
    "name": "Flat",
    "code": "flat",
    "interval": "monthly",
    "amount_cents": 100,
    "amount_currency": "EUR",
    "pay_in_advance": False,
}
SUBSCRIPTION: dict[str, object] = {"external_customer_id": "acme", "external_id": "s", "plan_code": "pro"}

COMMANDS: dict[str, dict[str, object]] = {
    "billable_metric": METRIC,
    "plan": PLAN,
    "customer": {"external_id": "acme", "name": "Acme"},
    "subscription": SUBSCRIPTION,
}
NATURALLY_ONCE = ("customer", "subscription")
"""Commands that are the same without a key: their external ids say what they are about."""


@pytest_asyncio.fixture(scope="module")
async def replica(running: Stack) -> AsyncIterator[Replica]:
    """A second API process, for clients do not know which of several they meet."""
    await running.ready()
    one = Replica(running)
    try:
        one.start()
        await one.ready()
        yield one
    finally:
        one.kill()


async def send(tenant: Tenant, url: str, kind: str, key: str | None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await tenant.http.post(f"{url}/api/v1/{kind}s", json={kind: COMMANDS[kind]}, headers=headers)


async def stored(tenant: Tenant, kind: str) -> list[Any]:
    """What there is of the kind, but for what every tenant of these tests sells."""
    rows: list[Any] = (await tenant.call("GET", f"/{kind}s"))[f"{kind}s"]
    return [row for row in rows if row.get("code") not in ("calls", "pro")]


@pytest.mark.parametrize(
    ("kind", "key"), [(kind, "k") for kind in COMMANDS] + [(kind, None) for kind in NATURALLY_ONCE]
)
async def test_by_many_clients_at_once(
    kind: str, key: str | None, stack: Stack, replica: Replica, found: Found
) -> None:
    """None of them finds that another has begun: all have decided before the first one commits."""
    tenant = await found()
    urls = (stack.url, replica.url)
    async with stack.database() as connection, stack.database() as observer:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", (LEDGER_LOCK,))
            sending = [asyncio.create_task(send(tenant, urls[number % 2], kind, key)) for number in range(CLIENTS)]
            await eventually(lambda: blocked(observer, "ledger_append"), seconds=3, what="one of them commits")
            await asyncio.sleep(0.5)
    answers = await asyncio.gather(*sending)
    answers += [await send(tenant, url, kind, key) for url in urls]
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    (row,) = await stored(tenant, kind)
    results = [answer.json()[kind] for answer in answers]
    assert {result["lago_id"] for result in results} == {row["lago_id"]}
    assert all(result == results[0] for result in results)
    if kind in NATURALLY_ONCE:
        (customer,) = await stored(tenant, "customer")
        assert customer["sequential_id"] == 1


async def test_an_end_by_many_clients_at_once(stack: Stack, replica: Replica, found: Found) -> None:
    tenant = await found()
    await tenant.subscribe("s")
    await tenant.advance("2026-01-11")
    answers = await asyncio.gather(
        *(
            tenant.http.delete(f"{url}/api/v1/subscriptions/s", headers={"Idempotency-Key": "end"})
            for url in (stack.url, replica.url) * (CLIENTS // 2)
        )
    )
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert all(answer.json() == answers[0].json() for answer in answers)
    await tenant.advance("2026-03-01")
    (invoice,) = await tenant.invoices()
    assert invoice["total_amount_cents"] == 355, "11 of 31 days of 10.00"


async def test_an_event_by_many_clients_at_once(stack: Stack, replica: Replica, found: Found) -> None:
    tenant = await found()
    await tenant.subscribe("s")
    event = {"transaction_id": "t", "external_subscription_id": "s", "code": "calls", "properties": {"n": 7}}
    answers = await asyncio.gather(
        *(
            tenant.http.post(f"{url}/api/v1/events", json={"event": event})
            for url in (stack.url, replica.url) * (CLIENTS // 2)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * (CLIENTS - 1)
    assert await tenant.usage("s") == (1, Decimal(7))


@pytest.mark.parametrize("commits", [True, False])
async def test_of_an_api_that_died_over_it(commits: bool, stack: Stack, replica: Replica, found: Found) -> None:
    """Killed between commit and answer, or before the commit: sent again elsewhere, the command is done once."""
    tenant = await found()
    async with stack.database() as connection, stack.database() as observer:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(%s)", (LEDGER_LOCK,))
            first = asyncio.create_task(send(tenant, replica.url, "plan", "k"))
            await eventually(lambda: blocked(observer, "ledger_append"), seconds=3, what="a transaction is under way")
            (backend,) = await blocked(observer, "ledger_append")
            replica.kill()
            with pytest.raises(httpx.TransportError):
                await first
            if not commits:
                await observer.execute("select pg_terminate_backend(%s, 3000)", (backend,))
            again = asyncio.create_task(send(tenant, stack.url, "plan", "k"))
        answer = await again
    replica.start()
    await replica.ready()
    assert answer.status_code == 200, answer.text
    (plan,) = await stored(tenant, "plan")
    assert answer.json()["plan"]["lago_id"] == plan["lago_id"]


async def test_a_key_is_of_one_command(stack: Stack, found: Found) -> None:
    tenant = await found()
    assert (await send(tenant, stack.url, "customer", "k")).status_code == 200
    answer = await send(tenant, stack.url, "plan", "k")
    assert answer.status_code == 422
    assert answer.json()["error_details"] == {"idempotency_key": ["value_already_exist"]}
    assert await stored(tenant, "plan") == []
