"""What a subscription has used in its running period, priced as an invoice would, and not kept.

Source: metering-pricing 17 (Y1 to Y3), P8, P16, P17; invoicing-money 4.3, 9.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import Charge
from domain.catalog.plan import Plan, PlanDetails
from domain.invoicing.usage_fees import PricedBucket, UsageOptions, UsageWindow, price_usage
from domain.kernel.ledger import Ledger
from domain.kernel.zones import local_date
from domain.metering.ports import UsageReader
from domain.metering.prorated_period import ProratedPeriod
from domain.subscriptions.billing_dates import Boundaries, billed_elsewhere_until, boundaries, period_of
from domain.subscriptions.due import lifetime_of, schedule_of
from domain.subscriptions.proration import subscription_day_count
from domain.subscriptions.subscription import Subscription
from domain.taxation.apply_taxes import tax_invoice
from domain.taxation.which_taxes import ApplicableTaxes

CURRENT = UsageOptions(current=True)


@dataclass(frozen=True, slots=True)
class CurrentUsage:
    """Amounts in minor units; the window is inclusive.

    Attributes:
        issuing_date: the last local day of the plan's period.
        buckets: of every charge, in the order of the plan, those without usage too.
    """

    from_at: datetime
    to_at: datetime
    issuing_date: date
    currency: str
    buckets: tuple[PricedBucket, ...]
    taxes_amount_cents: int = 0

    @property
    def amount_cents(self) -> int:
        return sum(bucket.fee.amount_cents for bucket in self.buckets)


def running_period(subscription: Subscription, plan: Plan, timezone: str, *, at: datetime) -> Boundaries:
    """The boundaries of the period that `at` lies in; before the start, of the first one."""
    lifetime = lifetime_of(subscription)
    billed_until = billed_elsewhere_until(
        subscription.last_charges_to_at, made_in=subscription.last_timezone, now_in=timezone
    )
    return boundaries(
        schedule_of(subscription, plan, timezone),
        lifetime,
        max(at, lifetime.started_at),
        current_usage=True,
        previous_charges_to_at=billed_until,
    )


async def current_usage(
    ledger: Ledger,
    usage: UsageReader,
    subscription: Subscription,
    plan: Plan,
    timezone: str,
    *,
    charges: Sequence[Charge] | None = None,
    options: UsageOptions = CURRENT,
    full_usage: bool = False,
    at: datetime,
) -> CurrentUsage:
    """The usage of the running period, with every event that has been acknowledged.

    Args:
        charges: those that are asked for; None for all of the plan.
        full_usage: since the start of the subscription, not of the period.

    Raises:
        UnavailableError: usage is not known now.
    """
    schedule, lifetime = schedule_of(subscription, plan, timezone), lifetime_of(subscription)
    window = running_period(subscription, plan, timezone, at=at)
    assert window.charges_from_at is not None
    assert window.charges_to_at is not None
    from_at = lifetime.started_at if full_usage else window.charges_from_at
    asked = plan.details.charges if charges is None else charges
    buckets: list[PricedBucket] = []
    if asked:
        ids = sorted({charge.billable_metric_id for charge in asked})
        metrics = {metric.id: metric for metric in await ledger.load_many(BillableMetric, ids)}
        priced = UsageWindow(
            organization_id=subscription.organization_id,
            external_subscription_id=subscription.external_id,
            from_at=from_at,
            to_at=window.charges_to_at,
            period=ProratedPeriod(
                from_at=from_at,
                to_at=window.charges_to_at,
                days=subscription_day_count(from_at, window.charges_to_at, timezone, lifetime),
                duration_days=window.charges_duration,
                timezone=timezone,
            ),
            shown=(window.charges_from_at, window.charges_to_at),
            currency=plan.details.amount_currency,
        )
        [buckets] = await price_usage(usage, await usage.watermark(), [(priced, asked)], metrics, options)
    return CurrentUsage(
        from_at=from_at,
        to_at=window.charges_to_at,
        issuing_date=period_of(schedule, local_date(window.timestamp, timezone)).last,
        currency=plan.details.amount_currency,
        buckets=tuple(buckets),
    )


def taxed_usage(usage: CurrentUsage, plan: PlanDetails, taxes: ApplicableTaxes) -> CurrentUsage:
    """The usage with the taxes that an invoice over it alone would have (Y1, Y3)."""
    rows = [(Decimal(bucket.fee.amount_cents), taxes.of_charge(plan, bucket.charge.id)) for bucket in usage.buckets]
    return replace(usage, taxes_amount_cents=tax_invoice(rows, usage.amount_cents).amount_cents)
