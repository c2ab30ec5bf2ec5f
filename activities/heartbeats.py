"""Signs of life of an activity: a worker that was killed is noticed in seconds, and a long step may take its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity

EVERY_SECONDS = 3.0
MISSED_AFTER = timedelta(seconds=15)
"""Then the activity is tried again, here or elsewhere. Should the first try live on, it loses every race of appends."""


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Beat as long as the block runs; a short one is over before the first beat, which would cost a write."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            activity.heartbeat()

    heart = asyncio.create_task(beat())
    try:
        yield
    finally:
        heart.cancel()
