"""Waiting for time: the only place where a workflow does.

In production a workflow sleeps by a timer. In a sandbox it tells the clock of its organization (`test_clock.py`) when
it wants to be woken, which says as well that it has nothing left to do, and waits for the clock's tick.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from workflows.messages import Change, Idle, Tick, Watch


class Sleeper:
    """Sleep, and what ends it. `watch` is the state to hand on."""

    def __init__(self, watch: Watch, identity: int) -> None:
        """`identity`: a number of its own, whose remainder decides on the moment within the spread."""
        self.watch = watch
        self.called = False
        """Whether it has been called and has not risen since."""
        self._identity = identity

    def change(self, change: Change) -> None:
        self._call(change.now)
        self.watch = replace(self.watch, position=max(change.position, self.watch.position))

    def tick(self, tick: Tick) -> None:
        self._call(tick.now)
        self.watch = replace(self.watch, tick=max(tick.number, self.watch.tick))

    def rise(self) -> datetime:
        """The instant for which to act now, on all that has been heard so far."""
        self.called = False
        return self.watch.now if self.watch.now is not None else workflow.now()

    async def sleep_until(self, due_at: datetime) -> None:
        """Return when it is due, or earlier if called."""
        if self.called:
            return
        if self.watch.test_clock is not None:
            await self._report(due_at)
            await workflow.wait_condition(lambda: self.called)
            return
        wake_at = due_at + spread(due_at - workflow.now(), self.watch.spread_seconds, self._identity)
        while not self.called and (remaining := wake_at - workflow.now()) > timedelta():
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(lambda: self.called, timeout=remaining)

    async def leave(self) -> None:
        """Tell the clock of a sandbox that there is nobody left to wake."""
        await self._report(None)

    def _call(self, now: datetime | None) -> None:
        self.called = True
        if now is not None:
            self.watch = replace(self.watch, now=max(now, self.watch.now or now))

    async def _report(self, wake_at: datetime | None) -> None:
        """Wait until the signal has arrived: two under way could overtake each other, and one of a run that has ended
        would not be sent."""
        if self.watch.test_clock is None:
            return
        info = workflow.info()
        idle = Idle(
            workflow_id=info.workflow_id,
            life=info.first_execution_run_id,
            wake_at=wake_at,
            position=self.watch.position,
            tick=self.watch.tick,
        )
        try:
            await workflow.get_external_workflow_handle(self.watch.test_clock).signal("idle", idle)
        except ApplicationError:
            workflow.logger.warning("the test clock is gone; it calls again when the detector has healed it")


def spread(remaining: timedelta, seconds: int, identity: int) -> timedelta:
    """How much longer to sleep than `remaining`, so that not all wake at once: up to `seconds`.

    Nothing where it is only a little while: short sleeps end at instants of their own.
    """
    return timedelta(seconds=identity % (seconds + 1)) if remaining > timedelta(seconds=seconds) else timedelta()
