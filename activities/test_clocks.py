"""What a sandbox's clock tells the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from temporalio import activity

from activities.failures import reported
from activities.heartbeats import beating
from activities.retries import CONFLICTS
from domain.kernel.errors import ConflictError
from domain.kernel.ledger import Ledger
from domain.organizations.test_clock import TestClock, test_clock_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """All that falls due in the organization up to `now` is done."""

    organization_id: UUID
    now: datetime


class TestClockActivities:
    __test__ = False  # not a test, whatever its name makes pytest think

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn
    async def arrive(self, arrival: Arrival) -> None:
        """Make it the organization's time. Idempotent: a clock that is there already stays."""
        async with beating():
            with reported():
                await self._arrive(arrival)

    async def _arrive(self, arrival: Arrival) -> None:
        for _ in range(CONFLICTS):
            clock = await self._ledger.load(TestClock, test_clock_id(arrival.organization_id))
            clock.arrive(arrival.now, at=arrival.now)
            try:
                return await self._ledger.append(clock)
            except ConflictError:
                continue
        raise ConflictError
