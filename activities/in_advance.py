"""Pricing events as they arrive, for charges in advance. Not a workflow: it follows the ingest log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from activities.retries import CONFLICTS
from domain.invoicing.in_advance import price_arrival
from domain.kernel.errors import ConflictError, UnavailableError
from domain.kernel.ledger import Ledger
from domain.metering.ports import EventPosition, UsageReader
from domain.metering.usage_event import UsageEvent

_log = structlog.get_logger()


class Arrived(Protocol):
    """An event of the ingest log; `received_at` is the organization's time of its arrival."""

    @property
    def organization_id(self) -> UUID: ...
    @property
    def event_id(self) -> UUID: ...
    @property
    def event(self) -> UsageEvent: ...
    @property
    def position(self) -> EventPosition: ...
    @property
    def received_at(self) -> datetime: ...


async def price_arrivals(ledger: Ledger, usage: UsageReader, arrived: Sequence[Arrived]) -> dict[UUID, str]:
    """Price events: those of one subscription one after another, in the order given, different ones side by side.

    Who is overtaken by others again and again comes once more in the end, when nobody else does.

    Returns:
        The ids of those that could not be priced, with the reason: they must be looked at, and the others go on.

    Raises:
        UnavailableError: usage or the ledger cannot be read now; call again with the same.
    """
    by_subscription: dict[tuple[UUID, str], list[Arrived]] = defaultdict(list)
    for one in arrived:
        by_subscription[one.organization_id, one.event.external_subscription_id].append(one)
    failed = await asyncio.gather(*(_one_by_one(ledger, usage, events) for events in by_subscription.values()))
    failures = {event_id: error for of_one in failed for event_id, error in of_one.items()}
    # Subscriptions of one customer want the same credit: where many do at once, the last ones lose every time.
    overtaken = [one for one in arrived if isinstance(failures.get(one.event_id), ConflictError)]
    for one in overtaken:
        del failures[one.event_id]
    failures |= await _one_by_one(ledger, usage, overtaken)
    for event_id, error in failures.items():
        _log.error("event could not be priced", event_id=str(event_id), exc_info=error)
    return {event_id: repr(error) for event_id, error in failures.items()}


async def _one_by_one(ledger: Ledger, usage: UsageReader, arrived: Sequence[Arrived]) -> dict[UUID, Exception]:
    failures: dict[UUID, Exception] = {}
    for one in arrived:
        try:
            await _price(ledger, usage, one)
        except UnavailableError:
            raise
        except Exception as error:
            failures[one.event_id] = error
    return failures


async def _price(ledger: Ledger, usage: UsageReader, one: Arrived) -> None:
    for _ in range(CONFLICTS):
        try:
            await price_arrival(
                ledger, usage, one.organization_id, one.event_id, one.event, one.position, at=one.received_at
            )
        except ConflictError:
            continue
        return
    raise ConflictError
