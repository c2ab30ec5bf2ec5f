"""Temporal killed, and back on its file: sleepers still sleep there, and commands commit without it."""

from __future__ import annotations

import asyncio
import random
from uuid import UUID

from tests.crash.stack import Stack, eventually, first_run
from tests.crash.tenant import Found, price
from workflows import ids


async def test_away_for_a_while(stack: Stack, found: Found) -> None:
    """The dispatcher dies of it too: what it was to carry over is in the ledger, and it knows how far it had come.

    A document is asked for as well, since what becomes of it shows that: missing sleepers would be healed.
    """
    tenant = await found()
    sleeper = await stack.workflow(await tenant.subscribe("old"))
    await tenant.use("old", 3, at="2026-01-15T00:00:00Z")
    await tenant.advance("2026-02-01")
    life = await first_run(sleeper)
    (invoice,) = await tenant.invoices()
    with stack.nothing_restarts():
        await stack.kill("temporal")
        document = await tenant.http.post(f"/api/v1/invoices/{invoice['lago_id']}/download")
        assert document.is_success, document.text
        await tenant.use("old", 4, at="2026-02-15T00:00:00Z")
        await tenant.subscribe("new")
        assert (await tenant.ask("2026-03-01")).status_code == 202
        await stack.kill("dispatcher")
        assert not await tenant.is_there()
        assert await tenant.amounts() == [("old", "2026-02-01", price(3))]
    await tenant.arrived()
    assert await tenant.amounts() == [
        ("new", "2026-03-01", price(0)),
        ("old", "2026-02-01", price(3)),
        ("old", "2026-03-01", price(4)),
    ]
    assert await first_run(sleeper) == life, "started anew instead of woken"
    await eventually(lambda: stack.knows(ids.document(UUID(invoice["lago_id"]))), seconds=30, what="a document is made")


async def test_killed_in_the_middle_of_a_billing_run(stack: Stack, found: Found, rng: random.Random) -> None:
    tenant = await found()
    names = [f"c{number}" for number in range(8)]
    sleepers = [await stack.workflow(await tenant.subscribe(name)) for name in names]
    lives = [await first_run(sleeper) for sleeper in sleepers]
    asking = asyncio.create_task(tenant.ask("2026-04-01"))
    some = rng.randint(1, len(names))

    async def issued() -> bool:
        return len(await tenant.invoices()) >= some

    await eventually(issued, seconds=30, what=f"{some} invoices are issued")
    await stack.kill("temporal")
    assert not await tenant.is_there(), "killed too late: nothing was interrupted"
    await asking
    await tenant.arrived()
    months = ("2026-02-01", "2026-03-01", "2026-04-01")
    assert await tenant.amounts() == [(name, month, price(0)) for name in names for month in months]
    assert [await first_run(sleeper) for sleeper in sleepers] == lives, "started anew"
