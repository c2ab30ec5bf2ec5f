"""The time of a sandbox: wakes its workflows one after another, in the order of time.

Every workflow of the organization that waits for time has told the clock when to wake it (`clock.py`). On the way to
a target the clock wakes the earliest, waits until it is idle again (its next wish may lie before the target too), and
so on: ordered by instant and then by id, so that two runs of one story end alike. When all is done up to the target,
the ledger is told.

Who starts or calls a workflow of the organization (`calls.py`) lets the clock `expect` it first. Such calls reach the
clock in the order of the ledger, so an advance never passes over a subscription that was made before it.

A clock is started when its sandbox has something that waits; until then the ledger alone knows the time.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.test_clocks import Arrival, TestClockActivities
    from workflows.messages import Change, Expectation, Idle, Registration, Target, TestClockRef, Tick
    from workflows.steps import step

SIGNALS_AT_ONCE = 500
"""A server takes 2,000 of one workflow (engine 4.1)."""


@workflow.defn
class TestClockWorkflow:
    __test__ = False

    @workflow.init
    def __init__(self, clock: TestClockRef) -> None:
        self._now, self._target = clock.now, clock.target or clock.now
        self._ticks = clock.ticks
        self._sleepers, self._expected, self._ticking = dict(clock.sleepers), dict(clock.expected), dict(clock.ticking)
        self._expected |= dict.fromkeys(clock.to_call, clock.position)

    @workflow.signal
    def expect(self, expectation: Expectation) -> None:
        for name in expectation.workflow_ids:
            known = self._sleepers.get(name)
            if known is None or known.position < expectation.position:
                self._expected[name] = max(expectation.position, self._expected.get(name, 0))

    @workflow.signal
    def idle(self, idle: Idle) -> None:
        name = idle.workflow_id
        known = self._sleepers.get(name)
        started_again = known is not None and known.life != idle.life  # then an unanswered tick died with the former
        if started_again or idle.tick >= self._ticking.get(name, 0):
            self._ticking.pop(name, None)
        if idle.position >= self._expected.get(name, 0):
            self._expected.pop(name, None)
        if idle.wake_at is None:
            self._sleepers.pop(name, None)
        else:
            self._sleepers[name] = Registration(life=idle.life, wake_at=idle.wake_at, position=idle.position)

    @workflow.signal
    def advance(self, target: Target) -> None:
        self._target = max(target.at, self._target)

    @workflow.query
    def waiting_for(self) -> list[str]:
        """Ids of the workflows that hold it up: looked at in Temporal, each shows what it fails at."""
        return sorted({*self._expected, *self._ticking})

    @workflow.run
    async def run(self, clock: TestClockRef) -> None:
        for first in range(0, len(clock.to_call), SIGNALS_AT_ONCE):
            names = clock.to_call[first : first + SIGNALS_AT_ONCE]
            await asyncio.gather(*(self._call(name, clock) for name in names))
        while True:
            await workflow.wait_condition(lambda: self._is_to_move() or _history_is_long())
            if _history_is_long():
                workflow.continue_as_new(self._state(clock.organization_id))
            if (name := self._next()) is not None:
                await self._tick(name)
            else:
                self._now = self._target
                await step(TestClockActivities.arrive, Arrival(organization_id=clock.organization_id, now=self._now))

    def _is_to_move(self) -> bool:
        if self._expected or self._ticking:
            return False
        return self._target > self._now or self._next() is not None

    def _next(self) -> str | None:
        """The sleeper to wake next. One may lie behind `now`: it registered late, after it was healed."""
        wishes = ((sleeper.wake_at, name) for name, sleeper in self._sleepers.items())
        wake_at, name = min(wishes, default=(None, None))
        return name if wake_at is not None and wake_at <= self._target else None

    async def _call(self, name: str, clock: TestClockRef) -> None:
        change = Change(position=clock.position, now=clock.now)
        if not await self._signal(name, "changed", change) and self._expected.get(name) == clock.position:
            self._expected.pop(name)

    async def _tick(self, name: str) -> None:
        wake_at = self._sleepers[name].wake_at
        self._ticks += 1
        self._ticking[name] = self._ticks
        if not await self._signal(name, "tick", Tick(number=self._ticks, now=wake_at)):
            self._sleepers.pop(name, None)
            self._ticking.pop(name, None)

    async def _signal(self, name: str, signal: str, argument: object) -> bool:
        """Whether the workflow is there. If it is not and should be, the detector starts it, and it registers."""
        try:
            await workflow.get_external_workflow_handle(name).signal(signal, argument)
        except ApplicationError:
            return False
        return True

    def _state(self, organization_id: UUID) -> TestClockRef:
        return TestClockRef(
            organization_id=organization_id,
            now=self._now,
            target=self._target,
            ticks=self._ticks,
            sleepers=self._sleepers,
            expected=self._expected,
            ticking=self._ticking,
        )


def _history_is_long() -> bool:
    return workflow.info().is_continue_as_new_suggested()
