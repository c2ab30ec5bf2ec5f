"""PostgreSQL killed and restarted under load: clients get 503 or success, and what was acknowledged is there once."""

from __future__ import annotations

import asyncio
import os
import random
import signal

import httpx

from cli.embedded import processes
from cli.embedded.postgres import Cluster
from tests.crash.sender import Sender, check_usage
from tests.crash.stack import Stack, eventually
from tests.crash.tenant import Found, Tenant, price

CLIENTS = 3
"""Of each kind."""
SUBSCRIBED = 4
"""Every such customer gets a subscription."""


class Commander:
    """Makes customers, one after another, each by a command with a key that is sent until it is done.

    Attributes:
        made: external id -> Lago's id.
        subscribed: external ids of subscriptions -> Lago's id.
        unavailable: how many answers were 503.
    """

    def __init__(self, tenant: Tenant, rng: random.Random) -> None:
        self._tenant, self._rng = tenant, rng
        self._name = f"{rng.getrandbits(64):016x}"
        self.made: dict[str, str] = {}
        self.subscribed: dict[str, str] = {}
        self.unavailable = 0

    async def command_until(self, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            name = f"{self._name}-{number}"
            self.made[name] = await self._command("customer", {"external_id": name, "name": f"No. {number}"})
            if number % SUBSCRIBED == 0:
                body = {"external_customer_id": name, "external_id": name, "plan_code": "pro"}
                self.subscribed[name] = await self._command("subscription", body)
            await asyncio.sleep(self._rng.random() * 0.1)

    async def _command(self, kind: str, body: dict[str, str]) -> str:
        """Lago's id of what it made; a second time with the same key it is the same."""
        answer = await self._sent(kind, body)
        assert (await self._sent(kind, body)).json()[kind]["lago_id"] == answer.json()[kind]["lago_id"]
        made: str = answer.json()[kind]["lago_id"]
        return made

    async def _sent(self, kind: str, body: dict[str, str]) -> httpx.Response:
        while True:
            answer = await self._tenant.http.post(
                f"/api/v1/{kind}s", json={kind: body}, headers={"Idempotency-Key": f"{kind} {body['external_id']}"}
            )
            if answer.status_code == 200:
                return answer
            assert answer.status_code == 503, f"{kind}: {answer.status_code} {answer.text}"
            self.unavailable += 1
            await asyncio.sleep(0.05)


async def test_restarted_under_load(stack: Stack, found: Found, rng: random.Random) -> None:
    tenant = await found()
    await tenant.subscribe("s")
    stop = asyncio.Event()
    senders = [Sender(tenant, [stack.url], "s", rng) for _ in range(CLIENTS)]
    commanders = [Commander(tenant, rng) for _ in range(CLIENTS)]
    working = [asyncio.create_task(sender.send_until(stop)) for sender in senders]
    working += [asyncio.create_task(commander.command_until(stop)) for commander in commanders]
    roles = {name: stack.pid(name) for name in ("api", "worker", "dispatcher", "loader")}

    def done() -> tuple[int, int]:
        for task in working:
            if task.done():
                task.result()
        return sum(len(one.acknowledged) for one in senders), sum(len(one.made) for one in commanders)

    async def get_on() -> None:
        events, made = done()
        await eventually(lambda: done()[0] >= events + 20, seconds=60, what="events are acknowledged")
        await eventually(lambda: done()[1] >= made + 5, seconds=60, what="commands are done")
        await asyncio.sleep(rng.random() * 0.2)

    for blow in (kill_one_backend, kill_server, stop_server):
        await get_on()
        await blow(stack)
    await get_on()
    with stack.nothing_restarts():
        await kill_server(stack)
        await eventually(
            lambda: done() and all(one.unavailable for one in senders) and all(one.unavailable for one in commanders),
            seconds=60,
            what="every client is told that it is away",
        )
    await get_on()
    stop.set()
    await asyncio.gather(*working)

    assert not any(one.cut for one in senders), "the API has not always answered"
    calls = await check_usage(tenant, "s", senders)
    await check_commands(tenant, commanders)
    await tenant.advance("2026-02-01")
    owed = {"s": price(calls)} | {name: price(0) for one in commanders for name in one.subscribed}
    invoices = await tenant.invoices()
    assert {invoice["customer"]["external_id"]: invoice["total_amount_cents"] for invoice in invoices} == owed
    assert len(invoices) == len(owed)
    assert {name: stack.pid(name) for name in roles} == roles, "a role died of it"


async def kill_one_backend(stack: Stack) -> None:
    """SIGKILL to a process that serves one connection: the server ends all others and recovers."""
    async with stack.database() as connection:
        found = await connection.execute("select pid from pg_stat_activity where application_name = 'durabill' limit 1")
        (backend,) = await found.fetchone() or ()
    os.kill(backend, signal.SIGKILL)


async def kill_server(stack: Stack) -> None:
    """SIGKILL to the server and all its processes."""
    await stack.kill("postgres")
    for pid in Cluster(stack.data / "postgres", password="", port=0).running():
        processes.send(pid, signal.SIGKILL)


async def stop_server(stack: Stack) -> None:
    """A fast and clean stop."""
    await stack.kill("postgres", signal.SIGINT)


async def check_commands(tenant: Tenant, commanders: list[Commander]) -> None:
    """Everything that was made is there once, and customers are numbered without a gap."""
    made = {name: lago_id for one in commanders for name, lago_id in one.made.items()}
    subscribed = {name: lago_id for one in commanders for name, lago_id in one.subscribed.items()}
    customers = (await tenant.call("GET", "/customers?per_page=100000"))["customers"]
    assert {row["external_id"]: row["lago_id"] for row in customers if row["external_id"] != "s"} == made
    assert sorted(row["sequential_id"] for row in customers) == list(range(1, len(made) + 2))
    subscriptions = (await tenant.call("GET", "/subscriptions?per_page=100000"))["subscriptions"]
    assert {row["external_id"]: row["lago_id"] for row in subscriptions if row["external_id"] != "s"} == subscribed
    assert len(subscriptions) == len(subscribed) + 1
