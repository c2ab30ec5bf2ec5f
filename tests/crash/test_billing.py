"""Workers killed in the middle of billing runs: every invoice once, with its amount, and numbers without a gap.

What a dead worker had in hand is taken for lost only after a while, so there is one test: one sandbox after another is
made and hit, and then all are waited for together.
"""

from __future__ import annotations

import asyncio
import random
from itertools import product
from typing import Any

from tests.crash.stack import Stack, blocked, eventually
from tests.crash.tenant import Found, Tenant, price

CUSTOMERS = range(1, 25)
WITH_TWO = range(1, 25, 4)
"""Customers with two subscriptions, which share an invoice."""
FEBRUARY, MARCH = "2026-02-01", "2026-03-01"


async def test_killed_in_the_middle_of_billing_runs(stack: Stack, found: Found, rng: random.Random) -> None:
    schemes = ("per_customer", "per_organization", "per_organization")
    tenants, owed = [], []
    for scheme in schemes:
        tenant = await found(document_numbering=scheme)
        tenants.append(tenant)
        owed.append(await populate(tenant))
        if tenant is tenants[0]:
            await tenant.advance(FEBRUARY)
            await kill_between_commit_and_answer(stack, tenant)
        else:
            await kill_while_it_bills(stack, tenant, rng)
    for tenant, scheme, expected in zip(tenants, schemes, owed, strict=True):
        await tenant.arrived()
        assert await tenant.amounts() == expected
        check_numbers(await tenant.invoices(), scheme)


async def populate(tenant: Tenant) -> list[tuple[str, str, int]]:
    """Customers with usage in two months; what they will owe, as `Tenant.amounts` says it."""

    async def one(number: int) -> None:
        name = f"c{number}"
        for subscription in (name, f"{name}-more") if number in WITH_TWO else (name,):
            await tenant.subscribe(subscription, customer=name)
        await tenant.use(name, number, at="2026-01-15T00:00:00Z")
        await tenant.use(name, number * 3, at="2026-02-15T00:00:00Z")

    await asyncio.gather(*map(one, CUSTOMERS))
    return sorted(
        (f"c{number}", issued, price(number * times) + (price(0) if number in WITH_TWO else 0))
        for number in CUSTOMERS
        for issued, times in ((FEBRUARY, 1), (MARCH, 3))
    )


async def kill_while_it_bills(stack: Stack, tenant: Tenant, rng: random.Random) -> None:
    """SIGKILL to the worker after some of the first month's invoices."""
    asking = asyncio.create_task(tenant.ask(MARCH))
    some = rng.choice(CUSTOMERS)

    async def issued() -> bool:
        return len(await tenant.invoices()) >= some

    await eventually(issued, seconds=60, what=f"{some} invoices are issued")
    await asyncio.sleep(rng.random() * 0.05)
    await stack.kill("worker")
    assert not await tenant.is_there(), "killed too late: nothing was interrupted"
    assert (await asking).status_code == 202


async def kill_between_commit_and_answer(stack: Stack, tenant: Tenant) -> None:
    """SIGKILL to the worker while its transaction is under way in PostgreSQL, which commits it all the same."""
    customer = (await tenant.call("GET", "/customers/c1"))["customer"]["lago_id"]

    async def billed() -> bool:
        return sum(name_of(invoice) == "c1" for invoice in await tenant.invoices()) == 2

    async with stack.database() as connection, stack.database() as observer:
        with stack.nothing_restarts():
            async with connection.transaction():
                numbers = f"invoice:%:{customer}"
                held = await connection.execute("select from sequences where scope like %s for update", (numbers,))
                assert held.rowcount == 1
                asking = asyncio.create_task(tenant.ask(MARCH))
                await eventually(lambda: blocked(observer, "ledger_append"), seconds=30, what="it is being billed")
                await stack.kill("worker")
                assert not await billed()
            await eventually(billed, seconds=10, what="what the dead worker has sent is committed")
    assert (await asking).status_code == 202


def name_of(invoice: Any) -> str:
    name: str = invoice["customer"]["external_id"]
    return name


def check_numbers(invoices: list[Any], scheme: str) -> None:
    """`prefix-<customer>-<n>` counts by customer, `prefix-<month>-<n>` in the organization; no number is missing."""
    numbers = sorted(tuple(map(int, invoice["number"].split("-")[-2:])) for invoice in invoices)
    if scheme == "per_customer":
        assert numbers == list(product(CUSTOMERS, (1, 2)))
    else:
        months = [202602] * len(CUSTOMERS) + [202603] * len(CUSTOMERS)
        assert numbers == list(zip(months, range(1, 2 * len(CUSTOMERS) + 1), strict=True))
    by_customer = {name_of(invoice): set[int]() for invoice in invoices}
    for invoice in invoices:
        by_customer[name_of(invoice)].add(invoice["sequential_id"])
    assert all(numbers == {1, 2} for numbers in by_customer.values()), by_customer
