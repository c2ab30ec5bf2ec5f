"""Following the ingest log for charges in advance: how far it has come."""

from __future__ import annotations

import asyncio

import pytest

from domain.kernel.errors import UnavailableError
from projections.followers import store_position
from projections.postgres import Database
from projections.usage.arrivals import NAME
from projections.views.fees import PostgresBilledFees


async def test_who_needs_their_fees_waits_until_events_are_priced(database: Database) -> None:
    fees = PostgresBilledFees(database)
    await fees.reach(0)
    with pytest.raises(UnavailableError):
        await PostgresBilledFees(database, patience_seconds=0.1).reach(7)
    waiting = asyncio.create_task(fees.reach(7))
    await store_position(database, NAME, 6)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await store_position(database, NAME, 9)
    await waiting
