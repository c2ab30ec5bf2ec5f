"""Workers killed in the middle of billing runs: every invoice once, with its amount, and numbers without a gap."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import httpx

from tests.crash.conftest import Found
from tests.crash.stack import Stack, blocked, eventually
from tests.crash.tenant import Tenant, price

CUSTOMERS = 24
WITH_TWO = range(0, CUSTOMERS, 4)
"""Customers with two subscriptions, which share an invoice."""
FEBRUARY, MARCH = "2026-02-01", "2026-03-01"


async def populate(tenant: Tenant) -> dict[tuple[str, str], int]:
    """Customers with usage in two months. What they owe: (customer, issuing date) -> cents."""

    async def one(number: int) -> None:
        name = f"c{number:02}"
        for subscription in (name, f"{name}-more") if number in WITH_TWO else (name,):
            await tenant.subscribe(subscription, customer=name)
        await tenant.use(name, number, at="2026-01-15T00:00:00Z")
        await tenant.use(name, number * 3, at="2026-02-15T00:00:00Z")

    await asyncio.gather(*map(one, range(CUSTOMERS)))
    return {
        (f"c{number:02}", issued): price(number * times) + (price(0) if number in WITH_TWO else 0)
        for number in range(CUSTOMERS)
        for issued, times in ((FEBRUARY, 1), (MARCH, 3))
    }


async def kill_while_it_bills(stack: Stack, tenant: Tenant, rng: random.Random) -> None:
    """SIGKILL to the worker after some of the first month's invoices."""
    asking = asyncio.create_task(tenant.ask(f"{MARCH}T00:00:00Z"))
    some = rng.randint(1, CUSTOMERS // 2)

    async def issued() -> bool:
        return len(await tenant.invoices()) >= some

    await eventually(issued, seconds=60, what=f"{some} invoices are issued")
    await asyncio.sleep(rng.random() * 0.05)
    await stack.kill("worker")
    assert (await asking).status_code == 202
    assert not await tenant.is_there(), "killed too late: nothing was interrupted"


async def kill_between_commit_and_answer(stack: Stack, tenant: Tenant) -> None:
    """SIGKILL to the worker while its transaction is under way in PostgreSQL, which commits it all the same."""
    async with stack.database() as connection:
        scope = await connection.execute(
            "select scope from sequences where scope like 'invoice:%%' and scope like %s",
            (f"%:{await customer_id(tenant, 'c00')}",),
        )
        async with connection.transaction():
            await connection.execute("select from sequences where scope = any(%s) for update", (await scope.fetchone(),))
            asking = asyncio.create_task(tenant.ask(f"{MARCH}T00:00:00Z"))
            await eventually(lambda: blocked(connection, "ledger_append"), seconds=30, what="an invoice is under way")
            await stack.kill("worker")
        await asking


async def customer_id(tenant: Tenant, external_id: str) -> Any:
    return (await tenant.call("GET", f"/customers/{external_id}"))["customer"]["lago_id"]


def check_numbers(invoices: Sequence[Any]) -> None:
    """Numbers of an organization that counts by customer, or by month of the organization, have no gap."""
    by_customer: dict[str, list[int]] = {}
    for invoice in invoices:
        by_customer.setdefault(invoice["customer"]["external_id"], []).append(invoice["sequential_id"])
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_customer.values()), by_customer
    numbers = [invoice["number"] for invoice in invoices]
    assert len(set(numbers)) == len(numbers)


def check_invoices(invoices: Sequence[Any], owed: dict[tuple[str, str], int]) -> None:
    found = [(invoice["customer"]["external_id"], invoice["issuing_date"]) for invoice in invoices]
    assert sorted(found) == sorted(owed), "each invoice once"
    assert {
        (invoice["customer"]["external_id"], invoice["issuing_date"]): invoice["total_amount_cents"]
        for invoice in invoices
    } == owed
    check_numbers(invoices)


async def test_killed_in_the_middle_of_billing_runs(stack: Stack, found: Found, rng: random.Random) -> None:
    """Sandboxes one after another, for what a dead worker had in hand is taken for lost only after a while."""
    tenants = [await found(document_numbering="per_organization") for _ in range(3)]
    owed = [await populate(tenant) for tenant in tenants]
    for tenant in tenants:
        await kill_while_it_bills(stack, tenant, rng)
    for tenant in tenants:
        await tenant.arrived()
    for tenant, expected in zip(tenants, owed, strict=True):
        check_invoices(await tenant.invoices(), expected)
