"""The life of a subscription: sleep until something is due, have it billed, sleep again."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.billing import Advance, BillingActivities
    from workflows.clock import Sleeper
    from workflows.messages import Change, SubscriptionRef, Tick
    from workflows.steps import step

SHORT_RUN = timedelta(seconds=10)
"""A younger run goes on: servers hold back a run that follows another within a second (engine 4.6)."""
PERIODS_OF_A_RUN = 20
"""As many a young run bills at most, so that its history stays cheap to replay."""


@workflow.defn
class SubscriptionWorkflow:
    @workflow.init
    def __init__(self, subscription: SubscriptionRef) -> None:
        self._sleeper = Sleeper(subscription.watch, subscription.subscription_id.int)

    @workflow.signal
    def changed(self, change: Change) -> None:
        """The ledger holds what changed: only look again."""
        self._sleeper.change(change)

    @workflow.signal
    def tick(self, tick: Tick) -> None:
        self._sleeper.tick(tick)

    @workflow.run
    async def run(self, subscription: SubscriptionRef) -> None:
        due_at, periods = subscription.next_due_at, 0
        while True:
            if due_at is not None:
                await self._sleeper.sleep_until(due_at)
            due_at = await self._advance(subscription.subscription_id, self._sleeper.rise())
            periods += 1
            if self._sleeper.called:
                continue
            if due_at is None:
                await self._sleeper.leave()
                if not self._sleeper.called:
                    return
            elif _is_long(periods):
                # No handler can be unfinished: they are plain functions. None has a call pending either.
                workflow.continue_as_new(replace(subscription, next_due_at=due_at, watch=self._sleeper.watch))

    async def _advance(self, subscription_id: UUID, at: datetime) -> datetime | None:
        """Raises ActivityError when the ledger knows of no such subscription: then its sandbox must not wait for it."""
        try:
            asked = Advance(subscription_id=subscription_id, at=at)
            return (await step(BillingActivities.advance_subscription, asked)).next_due_at
        except ActivityError:
            await self._sleeper.leave()
            raise


def _is_long(periods: int) -> bool:
    info = workflow.info()
    return (
        workflow.now() - info.start_time > SHORT_RUN
        or periods >= PERIODS_OF_A_RUN
        or info.is_continue_as_new_suggested()
    )
