"""A subscription on the occasion that it is billed: its life as it was then, and what is covered of it.

Source: invoicing-money 2.2; metering-pricing 4, 14, V11.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from domain.catalog.plan import Plan
from domain.invoicing.invoice import InvoiceSubscription
from domain.invoicing.usage_fees import UsageWindow
from domain.kernel.zones import DAY, end_of_day, local_date
from domain.metering.prorated_period import ProratedPeriod
from domain.subscriptions.billing_dates import (
    Boundaries,
    Lifetime,
    Schedule,
    billed_elsewhere_until,
    boundaries,
    termination_boundaries,
)
from domain.subscriptions.due import lifetime_of
from domain.subscriptions.proration import subscription_day_count
from domain.subscriptions.subscription import InvoicingReason, Subscription


@dataclass(frozen=True, slots=True)
class BilledSubscription:
    """A subscription, the calendar that it is billed by, and the occasion.

    Attributes:
        trial_end: None without a trial.
        previous: the subscription that it came from by a change of plan, where it starts with that.
        next_plan: the one that follows where a plan change ends the subscription.
        known_at: of an event's own fee, when the event arrived.
    """

    subscription: Subscription
    plan: Plan
    schedule: Schedule
    trial_end: datetime | None
    reason: InvoicingReason
    previous: Subscription | None = None
    next_plan: Plan | None = None
    known_at: datetime | None = None

    @property
    def lifetime(self) -> Lifetime:
        """As it was on the occasion: an end that came later is not known to a start or a period, however late made.

        Nor to an event that had arrived by then, which is priced a moment after: its fee must not hang on that.
        """
        lifetime = lifetime_of(self.subscription)
        is_earlier = self.reason in ("subscription_starting", "subscription_periodic")
        if self.known_at is not None and lifetime.terminated_at is not None:
            is_earlier = self.known_at <= lifetime.terminated_at
        return replace(lifetime, terminated_at=None, successor=None) if is_earlier else lifetime

    def previous_billed(self, at: datetime) -> bool:
        """Whether the periodic invoice of that local day exists."""
        return self.subscription.billed_on == local_date(at, self.schedule.timezone)

    @property
    def is_upgraded(self) -> bool:
        """Whether it ends for another plan, to which the rest of the day belongs."""
        return self.reason == "subscription_terminating" and self.lifetime.successor == "upgrade"

    @property
    def renews(self) -> bool:
        """Whether charges in advance are paid for again: at the end of a period, a downgrade's too (L9, V11)."""
        downgraded = self.reason == "subscription_terminating" and self.lifetime.successor == "downgrade"
        return downgraded or self.reason == "subscription_periodic"

    def boundaries(self, at: datetime) -> Boundaries:
        """The windows that are billed at `at`."""
        subscription = self.subscription
        billed_until = billed_elsewhere_until(
            subscription.last_charges_to_at, made_in=subscription.last_timezone, now_in=self.schedule.timezone
        )
        if self.reason == "subscription_terminating":
            return termination_boundaries(
                self.schedule,
                self.lifetime,
                previous_billed=self.previous_billed(at),
                previous_charges_to_at=billed_until,
            )
        return boundaries(self.schedule, self.lifetime, at, previous_charges_to_at=billed_until)


def usage_window(one: BilledSubscription, window: Boundaries) -> UsageWindow:
    """The stretch of time whose usage is priced, and the period that it is measured by (P10, T4).

    The instant of an upgrade, and for what is weighed by days its whole day, is the next subscription's (A23).
    """
    from_at, to_at = window.charges_from_at or window.timestamp, window.charges_to_at or window.timestamp
    zone = one.schedule.timezone
    measured_to = end_of_day(local_date(to_at, zone) - DAY, zone) if one.is_upgraded else to_at
    return UsageWindow(
        organization_id=one.subscription.organization_id,
        external_subscription_id=one.subscription.external_id,
        from_at=from_at,
        to_at=to_at,
        is_handed_over=one.is_upgraded,
        period=ProratedPeriod(
            from_at=from_at,
            to_at=measured_to,
            days=subscription_day_count(from_at, to_at, zone, one.lifetime),
            duration_days=window.charges_duration,
            timezone=zone,
        ),
        shown=_running_period(one, window.timestamp),
        currency=one.plan.details.amount_currency,
    )


def _running_period(one: BilledSubscription, at: datetime) -> tuple[datetime, datetime]:
    """First and last instant of the period that is in progress at `at`: what is renewed is paid for to its end."""
    lifetime = replace(one.lifetime, terminated_at=None) if one.renews else one.lifetime
    running = boundaries(one.schedule, lifetime, at, current_usage=True)
    assert running.charges_from_at is not None
    assert running.charges_to_at is not None
    return running.charges_from_at, running.charges_to_at


def billed_row(one: BilledSubscription, window: Boundaries, at: datetime) -> InvoiceSubscription:
    return InvoiceSubscription(
        subscription_id=one.subscription.id,
        external_id=one.subscription.external_id,
        plan_id=one.plan.id,
        reason=one.reason,
        recurring=one.reason == "subscription_periodic",
        timestamp=at,
        from_at=window.from_at,
        to_at=window.to_at,
        charges_from_at=window.charges_from_at,
        charges_to_at=window.charges_to_at,
        fixed_charges_from_at=window.fixed_charges_from_at,
        fixed_charges_to_at=window.fixed_charges_to_at,
    )
