"""The time of a sandbox: it stands still until somebody moves it forward."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.kernel import ids
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import InvalidInputError, NotAllowedError


def test_clock_id(organization_id: UUID) -> UUID:
    return ids.of("test_clock", organization_id)


class TestClock(Aggregate):
    """`now` is the instant that all is done for; `target` the one that the clock is on its way to.

    While `target > now` wake-ups between the two are being worked through, each at its own instant.
    """

    TOPIC = "test_clock"
    __test__ = False  # not a test, whatever its name makes pytest think

    class Created(Aggregate.Created):
        TOPIC = "test_clock.created"
        organization_id: UUID
        now: datetime

    class Placed(Aggregate.Event):
        """Put at any instant, while nothing waits for time in the organization."""

        TOPIC = "test_clock.placed"
        now: datetime

        def apply(self, clock: TestClock) -> None:
            clock.now = clock.target = self.now

    class AdvanceRequested(Aggregate.Event):
        TOPIC = "test_clock.advance_requested"
        target: datetime

        def apply(self, clock: TestClock) -> None:
            clock.target = self.target

    class Advanced(Aggregate.Event):
        TOPIC = "test_clock.advanced"
        now: datetime

        def apply(self, clock: TestClock) -> None:
            clock.now = self.now

    def __init__(self, organization_id: UUID, now: datetime) -> None:
        self.organization_id, self.now, self.target = organization_id, now, now

    def place(self, now: datetime, *, at: datetime) -> None:
        self.trigger_event(self.Placed, now=now, timestamp=at)

    def request(self, target: datetime, *, at: datetime) -> None:
        """Ask for `target`.

        Raises:
            InvalidInputError: it lies before the clock's time.
            NotAllowedError: an advance to another instant is under way.
        """
        if self.target != self.now and target != self.target:
            raise NotAllowedError("test_clock_is_advancing")
        if target < self.now:
            raise InvalidInputError({"now": ["value_is_out_of_range"]})
        if target != self.target:
            self.trigger_event(self.AdvanceRequested, target=target, timestamp=at)

    def arrive(self, now: datetime, *, at: datetime) -> None:
        """All up to `now` is done. Idempotent, never backwards."""
        if now > self.now:
            self.trigger_event(self.Advanced, now=min(now, self.target), timestamp=at)
