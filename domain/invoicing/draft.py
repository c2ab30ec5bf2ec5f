"""What an invoice holds: from the subscriptions that are billed at an instant to fees, dates and totals.

Source: invoicing-money 3.1, 4.1, 5.2, 9.1; metering-pricing 6, 14.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.add_on import AddOn
from domain.catalog.billable_metric import BillableMetric
from domain.catalog.plan import Plan, PlanDetails
from domain.customers.customer import Customer
from domain.invoicing.charge_fees import (
    billed_charges,
    charge_fees,
    not_carried_over,
    renewal_fees,
    renewed_charges,
)
from domain.invoicing.commitment_fees import (
    BilledFees,
    CommitmentWindow,
    FeesTotal,
    commitment_fee,
    commitment_window,
)
from domain.invoicing.content import content_of
from domain.invoicing.fixed_charge_fees import FixedChargeCase, bill_window
from domain.invoicing.invoice import (
    Fee,
    FeeItem,
    InvoiceContent,
    InvoiceSubscription,
    SubscriptionFeeInputs,
)
from domain.invoicing.taxes import taxed
from domain.invoicing.usage_fees import PricedBucket, UsageWindow, price_usage
from domain.kernel import ids
from domain.kernel.money import major_units
from domain.kernel.zones import DAY, end_of_day, local_date
from domain.metering.ports import UsageReader
from domain.metering.prorated_period import ProratedPeriod
from domain.organizations.organization import Organization
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import Price
from domain.subscriptions.billing_dates import Boundaries, Lifetime, Schedule, boundaries, termination_boundaries
from domain.subscriptions.due import lifetime_of
from domain.subscriptions.proration import (
    FeeHistory,
    bills_subscription_fee,
    choose_formula,
    subscription_day_count,
    subscription_fee,
)
from domain.subscriptions.subscription import BilledFixedCharge, InvoicingReason, Subscription
from domain.taxation.tax import TaxTerms
from domain.taxation.which_taxes import ApplicableTaxes


@dataclass(frozen=True, slots=True)
class BilledSubscription:
    """A subscription, the calendar that it is billed by, and the occasion.

    Attributes:
        trial_end: None without a trial.
        previous: the subscription that it came from by a change of plan, where it starts with that.
        next_plan: the one that follows where a plan change ends the subscription.
    """

    subscription: Subscription
    plan: Plan
    schedule: Schedule
    trial_end: datetime | None
    reason: InvoicingReason
    previous: Subscription | None = None
    next_plan: Plan | None = None

    @property
    def lifetime(self) -> Lifetime:
        """As it was on the occasion: an end that came later is not known to a start or a period, however late made."""
        lifetime = lifetime_of(self.subscription)
        is_earlier = self.reason in ("subscription_starting", "subscription_periodic")
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
        subscription, reason = self.subscription, self.reason
        moved = subscription.last_timezone not in (None, self.schedule.timezone)
        resumed = subscription.last_charges_to_at if moved else None
        if reason == "subscription_terminating":
            return termination_boundaries(
                self.schedule,
                self.lifetime,
                previous_billed=self.previous_billed(at),
                previous_charges_to_at=resumed,
            )
        return boundaries(self.schedule, self.lifetime, at, previous_charges_to_at=resumed)

    def fixed_charges(self, add_ons: Mapping[UUID, AddOn]) -> FixedChargeCase:
        return FixedChargeCase(
            subscription=self.subscription,
            plan=self.plan.details,
            schedule=self.schedule,
            lifetime=self.lifetime,
            previous=self.previous,
            add_ons=add_ons,
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What an invoice holds, and what the same occasion makes beside it.

    Attributes:
        standalone_fees: those that stand on no invoice (metering-pricing V11).
        fixed_charges: subscription id -> what was billed of its fixed charges in advance.
    """

    content: InvoiceContent
    standalone_fees: tuple[Fee, ...]
    fixed_charges: Mapping[UUID, tuple[BilledFixedCharge, ...]]


async def draft_invoice(
    usage: UsageReader,
    billed_fees: BilledFees,
    invoice_id: UUID,
    organization: Organization,
    customer: Customer,
    billed: Sequence[BilledSubscription],
    metrics: Mapping[UUID, BillableMetric],
    add_ons: Mapping[UUID, AddOn],
    taxes: ApplicableTaxes,
    *,
    at: datetime,
) -> Draft:
    """The invoice of type subscription for all `billed` (one customer, one currency) at `at`.

    Raises:
        UnavailableError: usage, or what was billed before, is not known now.
    """
    covered = [(one, one.boundaries(at)) for one in billed]
    windows = []
    for one, window in covered:
        charges = one.plan.details.charges
        billed_now = billed_charges(charges, metrics, window, one.reason, renews=one.renews)
        if one.is_upgraded and one.next_plan is not None:
            billed_now = not_carried_over(billed_now, metrics, one.next_plan.details.charges)
        renewed_now = renewed_charges(charges, metrics, window) if one.renews else []
        windows.append((usage_window(one, window), [*billed_now, *renewed_now]))
    watermark: int | None = None
    priced: list[list[PricedBucket]] = [[] for _ in covered]
    if any(charges for _, charges in windows):
        watermark = await usage.watermark()
        priced = await price_usage(usage, watermark, windows, metrics)
    committed = await _commitments(billed_fees, billed, at)
    fees: list[Fee] = []
    standalone: list[Fee] = []
    fixed_charges: dict[UUID, tuple[BilledFixedCharge, ...]] = {}
    for (one, window), (asked, _), buckets in zip(covered, windows, priced, strict=True):
        details = one.plan.details
        own = list(_subscription_fees(invoice_id, one, window))
        invoiced = [bucket for bucket in buckets if bucket.charge.invoiceable]
        own += charge_fees(invoice_id, one.subscription, asked, invoiced)
        units = list(bill_window(invoice_id, one.fixed_charges(add_ons), window, one.reason))
        own += [bill.fee for bill in units if bill.fee is not None]
        fixed_charges[one.subscription.id] = tuple(bill.billed for bill in units if bill.billed is not None)
        renewed = [bucket for bucket in buckets if not bucket.charge.invoiceable]
        apart = list(renewal_fees(invoice_id, one.subscription, asked, renewed))
        if one.subscription.id in committed:
            missing = commitment_fee(invoice_id, details, *committed[one.subscription.id], [*own, *apart])
            own += [] if missing is None else [missing]
        fees += [taxed(fee, taxes_of(fee, details, taxes)) for fee in own]
        standalone += [taxed(fee, taxes_of(fee, details, taxes)) for fee in apart]
    content = content_of(
        organization,
        customer,
        billed[0].plan.details.amount_currency,
        [billed_row(one, window, at) for one, window in covered],
        fees,
        kind="subscription",
        recurring=all(one.reason == "subscription_periodic" for one in billed),
        watermark=watermark,
        at=at,
    )
    return Draft(content, tuple(standalone), fixed_charges)


async def _commitments(
    billed_fees: BilledFees, billed: Sequence[BilledSubscription], at: datetime
) -> dict[UUID, tuple[CommitmentWindow, FeesTotal]]:
    """What the subscriptions with a commitment reconcile, and what earlier invoices have billed of it."""
    windows = [
        window
        for one in billed
        if one.plan.details.minimum_commitment is not None
        and (
            window := commitment_window(
                one.subscription,
                one.schedule,
                one.lifetime,
                one.reason,
                at,
                previous_billed=one.previous_billed(at),
            )
        )
        is not None
    ]
    if not windows:
        return {}
    totals = await billed_fees.totals(billed[0].subscription.organization_id, windows)
    return {window.subscription.id: (window, total) for window, total in zip(windows, totals, strict=True)}


def taxes_of(fee: Fee, plan: PlanDetails, taxes: ApplicableTaxes) -> tuple[TaxTerms, ...]:
    """The taxes that a fee under the plan has."""
    if fee.fixed_charge_id is not None:
        return taxes.of_fixed_charge(plan, fee.fixed_charge_id)
    if fee.fee_type == "commitment":
        return taxes.of_commitment(plan)
    return taxes.of_charge(plan, fee.charge_id)


def usage_window(one: BilledSubscription, window: Boundaries) -> UsageWindow:
    """The stretch of time whose usage is priced, and the period that it is measured by (P10, T4).

    The instant of an upgrade, and for what is weighed by days its whole day, is the next subscription's (A23).
    """
    from_at, to_at = window.charges_from_at or window.timestamp, window.charges_to_at or window.timestamp
    zone = one.schedule.timezone
    last_day = local_date(to_at, zone) - DAY if one.is_upgraded else local_date(to_at, zone)
    return UsageWindow(
        organization_id=one.subscription.organization_id,
        external_subscription_id=one.subscription.external_id,
        from_at=from_at,
        to_at=to_at,
        is_handed_over=one.is_upgraded,
        period=ProratedPeriod(
            from_at=from_at,
            to_at=min(to_at, end_of_day(last_day, zone)),
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


def _subscription_fees(invoice_id: UUID, one: BilledSubscription, window: Boundaries) -> Iterator[Fee]:
    subscription, plan, schedule, lifetime = one.subscription, one.plan, one.schedule, one.lifetime
    history = FeeHistory(
        created_at=subscription.created_on,
        predecessor=subscription.predecessor,
        has_earlier_invoice=bool(subscription.invoice_ids),
        has_earlier_fee=subscription.fee_billed_on is not None,
        has_fee_of_same_day=subscription.fee_billed_on == local_date(window.timestamp, schedule.timezone),
    )
    starting = one.reason == "subscription_starting"
    if not bills_subscription_fee(schedule, lifetime, window, history, starting=starting, trial_end=one.trial_end):
        return
    inputs = SubscriptionFeeInputs(
        plan_amount_cents=plan.details.amount_cents,
        schedule=schedule,
        lifetime=lifetime,
        boundaries=window,
        formula=choose_formula(schedule, lifetime, window, history),
        trial_end=one.trial_end,
    )
    item = FeeItem(
        code=plan.details.code,
        name=plan.details.name,
        description=plan.details.description,
        invoice_display_name=plan.details.invoice_display_name,
        lago_item_id=subscription.id,
        item_type="Subscription",
        grouped_by={},
    )
    priced = price_subscription(inputs, plan.details.amount_currency)
    yield Fee(
        id=ids.of("fee", invoice_id, subscription.id, "subscription"),
        fee_type="subscription",
        item=item,
        subscription_id=subscription.id,
        external_subscription_id=subscription.external_id,
        units=priced.units,
        total_aggregated_units=priced.total_aggregated_units,
        events_count=None,
        amount_cents=priced.amount_cents,
        precise_amount_cents=priced.precise_amount_cents,
        unit_amount_cents=priced.unit_amount_cents,
        precise_unit_amount=priced.precise_unit_amount,
        amount_details=priced.amount_details,
        from_at=window.from_at,
        to_at=window.to_at,
        pay_in_advance=plan.details.pay_in_advance,
        proration=inputs,
    )


def price_subscription(inputs: SubscriptionFeeInputs, currency: str) -> PricedFee:
    """The plan's amount for the window: what an invoice does, and what its replay does again (S4)."""
    cents = subscription_fee(
        inputs.plan_amount_cents,
        inputs.schedule,
        inputs.lifetime,
        inputs.boundaries,
        formula=inputs.formula,
        trial_end=inputs.trial_end,
    )
    amount = major_units(cents, currency)
    fee = settle(
        Price(amount=amount, unit_amount=amount, amount_details={"plan_amount_cents": inputs.plan_amount_cents}),
        Decimal(1),
        0,
        currency,
    )
    return replace(fee, unit_amount_cents=fee.amount_cents)


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
