"""The fee that fills a plan's minimum commitment up: when it is looked at, for which days, and what counts towards it.

Source: metering-pricing 19 (D1 to D6); invoicing-money 3.1 item 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from domain.catalog.plan import PlanDetails
from domain.invoicing.billed_subscription import BilledSubscription
from domain.invoicing.invoice import Fee, FeeItem
from domain.kernel import ids
from domain.kernel.zones import day_count, end_of_day, local_date
from domain.pricing.commitment import CommitmentInputs, price_commitment
from domain.subscriptions.billing_dates import (
    boundaries,
    is_first_month_of_period,
    period_of,
    termination_boundaries,
)
from domain.subscriptions.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitmentWindow:
    """A period of the plan, and the part of it that the commitment is owed for. Ends are inclusive.

    Attributes:
        ends_at: of the whole period. Fees whose own time has its middle in it count: where the customer has moved to
            another time zone, the ends lie some hours apart.
        days: of the part, out of `duration_days`.
    """

    subscription: Subscription
    from_at: datetime
    to_at: datetime
    ends_at: datetime
    days: int
    duration_days: int

    def holds(self, fee: Fee) -> bool:
        """Whether the fee counts: what is paid ahead for the next period does not (D3)."""
        if fee.from_at is None or fee.to_at is None:
            return False
        return self.from_at <= fee.from_at + (fee.to_at - fee.from_at) / 2 <= self.ends_at


@dataclass(frozen=True, slots=True)
class FeesTotal:
    """Sums in minor units, before coupons and taxes."""

    amount_cents: int
    precise_amount_cents: Decimal


class BilledFees(Protocol):
    """The fees of all invoices so far, and those that stand on none. Implemented by `projections/views/fees.py`."""

    async def reach(self, watermark: int) -> None:
        """Return once every event up to there has its fees in advance: they are made a moment after it arrives.

        Raises:
            UnavailableError: they are not in time.
        """
        ...

    async def totals(self, organization_id: UUID, windows: Sequence[CommitmentWindow]) -> list[FeesTotal]:
        """Of the fees of each window's subscription that it holds, but for commitments; all by one query.

        Raises:
            UnavailableError: they cannot be read now.
        """
        ...


def commitment_window(one: BilledSubscription, at: datetime) -> CommitmentWindow | None:
    """What an invoice reconciles: the plan's period behind it, at an end the one in progress; None where nothing.

    The same for plans in advance, whose own amount is for the period ahead. Usage by the month changes nothing: the
    period is reconciled when it closes.

    Source: metering-pricing D2, D4, D5.
    """
    schedule, lifetime = one.schedule, one.lifetime
    in_arrears = replace(schedule, pay_in_advance=False)
    if one.reason == "subscription_terminating":
        covered = termination_boundaries(in_arrears, lifetime, previous_billed=one.previous_billed(at))
    elif one.reason == "subscription_periodic" and is_first_month_of_period(
        schedule, local_date(at, schedule.timezone)
    ):
        covered = boundaries(in_arrears, lifetime, at)
    else:
        return None
    period = period_of(schedule, local_date(covered.from_at, schedule.timezone))
    return CommitmentWindow(
        subscription=one.subscription,
        from_at=covered.from_at,
        to_at=covered.to_at,
        ends_at=end_of_day(period.last, schedule.timezone),
        days=day_count(covered.from_at, covered.to_at, schedule.timezone),
        duration_days=period.days,
    )


def commitment_fee(
    invoice_id: UUID, plan: PlanDetails, window: CommitmentWindow, billed: FeesTotal, fees: Sequence[Fee]
) -> Fee | None:
    """The fee that the plan's commitment asks for, None where it is reached.

    Args:
        billed: what counts of earlier invoices.
        fees: of this invoice and, with it, of none; those that the window holds count.
    """
    commitment, subscription = plan.minimum_commitment, window.subscription
    assert commitment is not None, plan.code
    counted = [fee for fee in fees if fee.subscription_id == subscription.id and window.holds(fee)]
    inputs = CommitmentInputs(
        amount_cents=commitment.amount_cents,
        days=window.days,
        duration_days=window.duration_days,
        fees_cents=billed.amount_cents + sum(fee.amount_cents for fee in counted),
        fees_precise_cents=billed.precise_amount_cents + sum((fee.precise_amount_cents for fee in counted), Decimal(0)),
    )
    priced = price_commitment(inputs, plan.amount_currency)
    if priced is None:
        return None
    return Fee.of(
        priced,
        id=ids.of("fee", invoice_id, subscription.id, "commitment"),
        fee_type="commitment",
        item=FeeItem(
            code=plan.code,
            name=plan.name,
            description=plan.description,
            invoice_display_name=commitment.invoice_display_name,
            lago_item_id=subscription.id,
            item_type="Subscription",
            grouped_by={},
        ),
        subscription_id=subscription.id,
        external_subscription_id=subscription.external_id,
        events_count=None,
        from_at=window.from_at,
        to_at=window.to_at,
        commitment=inputs,
    )
