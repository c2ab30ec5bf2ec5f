"""Everything killed at one instant and started again on the same data: all stories go on as if nothing had been."""

from __future__ import annotations

import asyncio
import os
import random
import signal

from tests.crash.sender import Sender, check_usage
from tests.crash.stack import Stack, eventually, first_run
from tests.crash.tenant import Found, price
from tests.stack.up import durabill

CUSTOMERS = 8
MONTHS = (1, 2, 3, 4)
SENDERS = 3


async def test_killed_and_started_again(stack: Stack, found: Found, rng: random.Random) -> None:
    names = [f"c{number}" for number in range(CUSTOMERS)]
    tenant, other, production = await found(), await found(), await found(sandbox=False)
    for number, name in enumerate(names):
        await tenant.subscribe(name)
        for month in MONTHS:
            await tenant.use(name, number * month, at=f"2026-{month:02}-15T00:00:00Z")
    await tenant.advance("2026-02-01")
    await other.subscribe("s")
    asleep = await production.subscribe("s")
    life = await first_run(await stack.workflow(asleep))

    stop = asyncio.Event()
    senders = [Sender(other, [stack.url], "s", rng) for _ in range(SENDERS)]
    sending = [asyncio.create_task(sender.send_until(stop)) for sender in senders]
    asking = asyncio.create_task(tenant.ask("2026-04-01"))
    some = CUSTOMERS + rng.randint(1, CUSTOMERS)

    async def issued() -> bool:
        return len(await tenant.invoices()) >= some

    await eventually(issued, seconds=30, what=f"{some} invoices are issued")
    worker = stack.pid("worker")
    assert worker is not None
    os.kill(worker, signal.SIGSTOP)
    assert not await tenant.is_there(), "stopped too late: nothing is interrupted"
    stack.kill_everything()
    await asyncio.gather(asking, return_exceptions=True)
    stack.start()
    await stack.ready()
    stop.set()
    await asyncio.gather(*sending)

    await check_usage(other, "s", senders)
    await tenant.arrived()
    await tenant.advance("2026-05-01")
    owed = [
        (name, f"2026-{month + 1:02}-01", price(number * month))
        for number, name in enumerate(names)
        for month in MONTHS
    ]
    assert await tenant.amounts() == owed
    sleeper = await stack.workflow(asleep)
    assert await first_run(sleeper) == life
    assert (await sleeper.fetch_history()).events[-1].HasField("timer_started_event_attributes"), "it has no timer"
    for command in ("rebuild", "replay"):
        answer = await asyncio.to_thread(durabill, command, "--data", str(stack.data))
        assert answer.returncode == 0, answer.stdout + answer.stderr
