"""The time of sandboxes, as it is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.organizations.test_clock import test_clock_id
from projections.postgres import Database
from projections.views import reading


@dataclass(frozen=True, slots=True)
class ClockState:
    """While `target > now` the clock is on its way."""

    now: datetime
    target: datetime


async def get(database: Database, organization_id: UUID) -> ClockState:
    """The clock of a sandbox; every sandbox has one."""
    doc = await reading.by_id(database, organization_id, "test_clocks", test_clock_id(organization_id))
    assert doc is not None, organization_id
    return ClockState(datetime.fromisoformat(doc["now"]), datetime.fromisoformat(doc["target"]))
