"""Steps: made again at once when somebody was faster, and told to Temporal in its own words when they fail."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import heartbeats
from activities.billing import Advance, Advanced, BillingActivities
from activities.test_clocks import Arrival, TestClockActivities
from domain.kernel import ids
from domain.kernel.errors import BillingError, ConflictError, NotFoundError, UnavailableError
from domain.organizations.test_clock import TestClock
from domain.organizations.test_clock import test_clock_id as id_of_clock
from projections.ledger.ledger import PostgresLedger
from tests.builders import instant

NOW, THEN = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
ASKED = Advance(subscription_id=ids.of("test"), at=NOW)


class Failing:
    """Raises these, one at each call, and then answers."""

    def __init__(self, *errors: BillingError) -> None:
        self.errors = list(errors)

    async def __call__(self, subscription_id: UUID, *, at: datetime) -> datetime | None:
        if self.errors:
            raise self.errors.pop(0)
        return THEN


async def advance(failing: Failing) -> Advanced:
    return await ActivityEnvironment().run(BillingActivities(failing).advance_subscription, ASKED)


async def test_a_conflict_is_tried_again_at_once() -> None:
    assert await advance(Failing(ConflictError(), ConflictError())) == Advanced(next_due_at=THEN)


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (NotFoundError("subscription"), True),
        (UnavailableError("clickhouse"), False),
        (BillingError("something_else"), False),
    ],
)
async def test_errors_of_the_domain_are_failures(error: BillingError, final: bool) -> None:
    with pytest.raises(ApplicationError) as raised:
        await advance(Failing(error))
    assert raised.value.type == type(error).__name__
    assert raised.value.non_retryable is final


async def test_endless_conflicts_are_left_to_temporal() -> None:
    with pytest.raises(ApplicationError) as raised:
        await advance(Failing(*[ConflictError()] * 50))
    assert raised.value.type == "ConflictError"
    assert not raised.value.non_retryable


async def test_a_long_step_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "EVERY_SECONDS", 0.01)
    environment, beats = ActivityEnvironment(), list[object]()
    environment.on_heartbeat = lambda *details: beats.append(details)

    async def slow(subscription_id: UUID, *, at: datetime) -> datetime | None:
        while len(beats) < 5:
            await asyncio.sleep(0.01)
        return None

    await environment.run(BillingActivities(slow).advance_subscription, ASKED)
    felt = len(beats)
    await asyncio.sleep(0.05)
    assert len(beats) == felt, "it stops with the step"


async def test_a_clock_arrives_once(ledger: PostgresLedger) -> None:
    organization_id = ids.new()
    clock = TestClock.begin(
        id_of_clock(organization_id), organization_id=organization_id, now=instant("2024-01-01"), at=NOW
    )
    clock.request(THEN, at=NOW)
    await ledger.append(clock)
    activities, arrival = TestClockActivities(ledger), Arrival(organization_id=organization_id, now=THEN)
    for _ in range(2):
        await ActivityEnvironment().run(activities.arrive, arrival)
    arrived = await ledger.load(TestClock, clock.id)
    assert (arrived.now, arrived.target) == (THEN, THEN)
    assert arrived.version == 3, "created, asked, arrived"
