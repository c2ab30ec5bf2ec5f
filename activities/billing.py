"""Billing a subscription, as a step of its workflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from temporalio import activity

from activities.failures import reported
from activities.heartbeats import beating
from activities.retries import CONFLICTS
from domain.kernel.errors import ConflictError


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """Do what is due for the subscription at or before `at`."""

    subscription_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """`next_due_at` is after the `at` that was asked for; None when nothing will ever be due again."""

    next_due_at: datetime | None


class AdvanceSubscription(Protocol):
    """`domain.invoicing.billing.advance_subscription`, bound to the stores that it uses."""

    async def __call__(self, subscription_id: UUID, *, at: datetime) -> datetime | None: ...


class BillingActivities:
    def __init__(self, advance: AdvanceSubscription) -> None:
        self._advance = advance

    @activity.defn
    async def advance_subscription(self, asked: Advance) -> Advanced:
        """Bill all that is due. Idempotent: what has been done is found in the ledger, whoever did it."""
        async with beating():
            with reported():
                return await self._until_no_conflict(asked)

    async def _until_no_conflict(self, asked: Advance) -> Advanced:
        for _ in range(CONFLICTS):
            try:
                next_due_at = await self._advance(asked.subscription_id, at=asked.at)
            except ConflictError:
                continue
            # Else the workflow would run in circles, without a pause; a failure is seen, and retried with pauses.
            assert next_due_at is None or next_due_at > asked.at, (next_due_at, asked)
            return Advanced(next_due_at=next_due_at)
        raise ConflictError
