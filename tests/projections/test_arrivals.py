"""Following the ingest log for charges in advance: which events are handed on, how often, and how far it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import pytest

from domain.kernel.errors import UnavailableError
from domain.kernel.ledger import Ledger
from projections.followers import store_position
from projections.postgres import Database
from projections.usage import arrivals
from projections.usage.arrivals import NAME, ArrivedEvent, follow
from projections.usage.lines import Line
from projections.usage.writer import IngestLog
from projections.views.fees import PostgresBilledFees
from tests.builders import Shop
from tests.usage import line, log


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


class Handler:
    """Prices events but for some; `handed` are the transactions that it got, call by call."""

    def __init__(self, *unpriceable: str) -> None:
        self.unpriceable = set(unpriceable)
        self.handed: list[list[str]] = []

    async def __call__(self, arrived: Sequence[ArrivedEvent]) -> Mapping[UUID, str]:
        self.handed.append([one.event.transaction_id for one in arrived])
        return {one.event_id: "too dear" for one in arrived if one.event.transaction_id in self.unpriceable}


async def until(database: Database, *events: Line) -> None:
    """Wait until these events, and no others, are kept as unpriced."""
    kept = sorted((UUID(event.event_id), "too dear") for event in events)
    async with asyncio.timeout(60):
        while sorted(await unpriced(database)) != kept:
            await asyncio.sleep(0.01)


async def unpriced(database: Database) -> list[tuple[UUID, str]]:
    async with database.connection(None) as connection:
        return await (await connection.execute("select event_id, error from unpriced_events")).fetchall()


async def test_an_event_that_cannot_be_priced_is_kept_and_tried_again(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "TRY_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(arrivals, "PAGE_ROWS", 2)
    shop, ingest_log = await Shop.open(ledger), IngestLog(database.connect)
    charge = shop.charge(await shop.metric("calls"), "standard", {"amount": "1"}, pay_in_advance=True)
    await shop.plan(charges=(charge,))
    organization = shop.organization.id
    events = [line(organization, transaction_id=name) for name in ("a", "b", "c", "d", "e")]
    handler = Handler("b", "c", "d")
    following = asyncio.create_task(follow(database, handler))
    try:
        await log(ingest_log, *events[:2], line(organization, code="of no charge", transaction_id="x"))
        for event in events[2:]:
            await log(ingest_log, event)
        await until(database, *events[1:4])
        handler.unpriceable = {"c"}
        await until(database, events[2])
        handler.unpriceable.clear()
        await until(database)
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
    names = [name for call in handler.handed for name in call]
    assert names.count("a") == names.count("e") == 1
    assert "x" not in names
    await ingest_log.close()
