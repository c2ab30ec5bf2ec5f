"""A sandbox's year: how long a client waits for twelve bills of one subscription."""

from __future__ import annotations

import asyncio
import statistics
import time
from datetime import UTC, datetime

from benchmarks import tenant
from benchmarks.results import Reach, Row
from benchmarks.sizes import Sizes
from benchmarks.tenant import Tenant
from cli.up import Stack

_FIRST_YEAR = 2026
_PAUSE_SECONDS = 0.01


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    """Each month has an event, so each bill asks ClickHouse."""
    years = []
    async with tenant.founded(on, sandbox=True) as owner:
        await _move(owner, datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC))
        subscription = {"external_customer_id": "c", "external_id": "s", "plan_code": "pro"}
        await owner.ok("POST", "subscriptions", {"subscription": subscription})
        for year in range(_FIRST_YEAR, _FIRST_YEAR + sizes.years):
            for month in range(1, 13):
                event = {
                    "transaction_id": f"{year}-{month}",
                    "external_subscription_id": "s",
                    "code": "gb",
                    "timestamp": int(datetime(year, month, 15, tzinfo=UTC).timestamp()),
                    "properties": {"gb": "1.5"},
                }
                await owner.ok("POST", "events", {"event": event})
            began = time.perf_counter()
            await _move(owner, datetime(year + 1, 1, 1, tzinfo=UTC))
            years.append(time.perf_counter() - began)
        listed = await owner.ok("GET", "invoices?per_page=1")
        assert listed["meta"]["total_count"] == 12 * sizes.years, listed["meta"]
        assert listed["invoices"][0]["total_amount_cents"] == 5000 + 38, listed["invoices"][0]
    value = statistics.median(years)
    return [
        Row(work="a sandbox's year: 12 bills of a subscription", value=value, unit="s", reach=Reach("value", "<", 2))
    ]


async def _move(owner: Tenant, now: datetime) -> None:
    """Return once the clock has arrived."""
    answer = await owner.ok("PUT", "test_clock", {"test_clock": {"now": now.isoformat()}})
    async with asyncio.timeout(60):
        while answer["test_clock"]["status"] != "ready":
            await asyncio.sleep(_PAUSE_SECONDS)
            answer = await owner.ok("GET", "test_clock")
