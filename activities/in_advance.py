"""Pricing events as they arrive, for charges in advance. Not a workflow: it follows the ingest log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol, TypeVar
from uuid import UUID

import structlog

from activities.retries import CONFLICTS
from domain.invoicing.in_advance import ArrivalFees, append_fees, fees_of_arrival
from domain.kernel.errors import ConflictError, RefusedError, UnavailableError
from domain.kernel.ledger import Ledger
from domain.metering.ports import EventPosition, Metric, UsageQuery, UsageReader
from domain.metering.usage_event import UsageEvent

AT_ONCE: Final = 100
"""Events that are read for, or customers that are appended for: beyond that they would only wait for connections."""
OF_ONE_SUBSCRIPTION: Final = 10
"""Events that are read for: each asks for the period's usage before it, so one query reads that as many times."""

_NOTHING: Final = UsageQuery(
    organization_id=UUID(int=0),
    external_subscription_id="",
    metric=Metric(code="", aggregation_type="count_agg"),
    from_at=datetime.fromtimestamp(0, UTC),
    to_at=datetime.fromtimestamp(0, UTC),
)

T = TypeVar("T")

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
    """Price events: what they owe is read side by side, by shared queries, and then appended in the order given.

    Different customers are appended side by side. The events of one would only overtake each other: their invoices
    want the same credit.

    Returns:
        The ids of those that could not be priced, with the reason: they must be looked at, and the others go on.

    Raises:
        UnavailableError: usage or the ledger cannot be read now; call again with the same.
    """
    pricing = _Pricing(ledger, usage)
    owed = await _side_by_side([pricing.read(one) for one in arrived])
    by_customer: dict[UUID, list[tuple[Arrived, ArrivalFees]]] = defaultdict(list)
    for one, fees in zip(arrived, owed, strict=True):
        if fees is not None:
            by_customer[fees.case.customer.id].append((one, fees))
    await _side_by_side([pricing.append(of_customer) for of_customer in by_customer.values()])
    if any(isinstance(error, RefusedError) for error in pricing.failures.values()):
        await usage.aggregate([_NOTHING], 0)  # where this is refused, too, it is not for the event
    for event_id, error in pricing.failures.items():
        _log.error("event could not be priced", event_id=str(event_id), exc_info=error)
    return {event_id: f"{type(error).__name__}: {error}" for event_id, error in pricing.failures.items()}


class _Pricing:
    """One call of `price_arrivals`; `failures` are of the events that could not be priced."""

    def __init__(self, ledger: Ledger, usage: UsageReader) -> None:
        self._ledger, self._usage = ledger, usage
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._of_subscription: dict[tuple[UUID, str], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(OF_ONE_SUBSCRIPTION)
        )
        self.failures: dict[UUID, Exception] = {}

    async def read(self, one: Arrived) -> ArrivalFees | None:
        subscription = one.organization_id, one.event.external_subscription_id
        async with self._of_subscription[subscription], self._slots:
            with self._noting(one):
                return await self._owed(one)
        return None

    async def append(self, of_customer: Sequence[tuple[Arrived, ArrivalFees]]) -> None:
        async with self._slots:
            for one, fees in of_customer:
                with self._noting(one):
                    await self._append(one, fees)

    async def _append(self, one: Arrived, fees: ArrivalFees | None) -> None:
        for _ in range(CONFLICTS):
            if fees is None:
                return
            try:
                return await append_fees(self._ledger, fees)
            except ConflictError:
                fees = await self._owed(one)
        raise ConflictError

    async def _owed(self, one: Arrived) -> ArrivalFees | None:
        return await fees_of_arrival(
            self._ledger, self._usage, one.organization_id, one.event_id, one.event, one.position, at=one.received_at
        )

    @contextmanager
    def _noting(self, one: Arrived) -> Iterator[None]:
        try:
            yield
        except RefusedError as error:
            self.failures[one.event_id] = error
        except UnavailableError:
            raise
        except Exception as error:
            self.failures[one.event_id] = error


async def _side_by_side(steps: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """All answers. The first failure ends the others, so that nothing is under way when the same is called again."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [task.result() for task in tasks]
