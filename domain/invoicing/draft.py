"""What an invoice holds: from the subscriptions that are billed at an instant to fees, dates and totals.

Source: invoicing-money 3.1, 4.1, 5.2, 9.1; metering-pricing 6, 14.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.plan import Plan
from domain.customers.billing_settings import billing_settings
from domain.customers.customer import Address, Customer
from domain.invoicing.charge_fees import (
    billed_charges,
    charge_fees,
    not_carried_over,
    renewal_fees,
    renewed_charges,
)
from domain.invoicing.invoice import (
    Fee,
    FeeItem,
    InvoiceContent,
    InvoiceSubscription,
    Party,
    SubscriptionFeeInputs,
)
from domain.invoicing.issuing_date import dates
from domain.invoicing.taxes import invoice_taxes, taxed
from domain.invoicing.totals import totals
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
from domain.subscriptions.subscription import InvoicingReason, Subscription
from domain.taxation.which_taxes import ApplicableTaxes


@dataclass(frozen=True, slots=True)
class BilledSubscription:
    """A subscription, the calendar that it is billed by, and the occasion.

    Attributes:
        trial_end: None without a trial.
        next_plan: the one that follows where a plan change ends the subscription.
    """

    subscription: Subscription
    plan: Plan
    schedule: Schedule
    trial_end: datetime | None
    reason: InvoicingReason
    next_plan: Plan | None = None

    @property
    def lifetime(self) -> Lifetime:
        """As it was on the occasion: an end that came later is not known to a start or a period, however late made."""
        lifetime = lifetime_of(self.subscription)
        is_earlier = self.reason in ("subscription_starting", "subscription_periodic")
        return replace(lifetime, terminated_at=None, successor=None) if is_earlier else lifetime

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
                previous_billed=subscription.billed_on == local_date(at, self.schedule.timezone),
                previous_charges_to_at=resumed,
            )
        return boundaries(self.schedule, self.lifetime, at, previous_charges_to_at=resumed)


@dataclass(frozen=True, slots=True)
class Draft:
    """What an invoice holds, and the fees of the same occasion that stand on none (metering-pricing V11)."""

    content: InvoiceContent
    standalone_fees: tuple[Fee, ...] = ()


async def draft_invoice(
    usage: UsageReader,
    invoice_id: UUID,
    organization: Organization,
    customer: Customer,
    billed: Sequence[BilledSubscription],
    metrics: Mapping[UUID, BillableMetric],
    taxes: ApplicableTaxes,
    *,
    at: datetime,
) -> Draft:
    """The invoice of type subscription for all `billed` (one customer, one currency) at `at`.

    Raises:
        UnavailableError: usage is not known now.
    """
    settings = billing_settings(customer, organization)
    covered = [(one, one.boundaries(at)) for one in billed]
    windows = []
    for one, window in covered:
        charges = one.plan.details.charges
        billed_now = billed_charges(charges, metrics, window, one.reason, renews=one.renews)
        if one.is_upgraded and one.next_plan is not None:
            billed_now = not_carried_over(billed_now, metrics, one.next_plan.details.charges)
        renewed_now = renewed_charges(charges, metrics) if one.renews else []
        windows.append((usage_window(one, window), [*billed_now, *renewed_now]))
    watermark: int | None = None
    priced: list[list[PricedBucket]] = [[] for _ in covered]
    if any(charges for _, charges in windows):
        watermark = await usage.watermark()
        priced = await price_usage(usage, watermark, windows, metrics)
    fees: list[Fee] = []
    standalone: list[Fee] = []
    for (one, window), (asked, _), buckets in zip(covered, windows, priced, strict=True):
        own = list(_subscription_fees(invoice_id, one, window))
        invoiced = [bucket for bucket in buckets if bucket.charge.invoiceable]
        own += charge_fees(invoice_id, one.subscription, asked, invoiced)
        renewed = [bucket for bucket in buckets if not bucket.charge.invoiceable]
        apart = renewal_fees(invoice_id, one.subscription, asked, renewed)
        details = one.plan.details
        fees += [taxed(fee, taxes.of_charge(details, fee.charge_id)) for fee in own]
        standalone += [taxed(fee, taxes.of_charge(details, fee.charge_id)) for fee in apart]
    on_invoice = invoice_taxes(fees, sum(fee.amount_cents for fee in fees))
    issued = dates(
        "subscription",
        at,
        settings.timezone,
        0,
        settings.issuing_date_anchor,
        settings.issuing_date_adjustment,
        all(one.reason == "subscription_periodic" for one in billed),
        settings.net_payment_term,
    )
    content = InvoiceContent(
        invoice_type="subscription",
        currency=billed[0].plan.details.amount_currency,
        timezone=settings.timezone,
        locale=settings.locale,
        issuing_date=issued.issuing_date,
        expected_finalization_date=issued.expected_finalization_date,
        payment_due_date=issued.payment_due_date,
        net_payment_term=issued.net_payment_term,
        seller=seller(organization),
        buyer=buyer(customer),
        footer=organization.details.invoice_footer,
        subscriptions=tuple(_row(one, window, at) for one, window in covered),
        fees=tuple(fees),
        totals=totals(fees, taxes_cents=on_invoice.amount_cents),
        watermark=watermark,
        taxes_rate=on_invoice.rate,
        applied_taxes=on_invoice.applied,
    )
    return Draft(content, tuple(standalone))


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


def _row(one: BilledSubscription, window: Boundaries, at: datetime) -> InvoiceSubscription:
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


def seller(organization: Organization) -> Party:
    details = organization.details
    return Party(
        name=details.legal_name or details.name,
        legal_number=details.legal_number,
        tax_identification_number=details.tax_identification_number,
        email=details.email,
        address=Address(
            address_line1=details.address_line1,
            address_line2=details.address_line2,
            city=details.city,
            zipcode=details.zipcode,
            state=details.state,
            country=details.country,
        ),
    )


def buyer(customer: Customer) -> Party:
    details = customer.details
    person = " ".join(part for part in (details.firstname, details.lastname) if part)
    return Party(
        name=details.legal_name or details.name or person or details.external_id,
        legal_number=details.legal_number,
        tax_identification_number=details.tax_identification_number,
        email=details.email,
        address=details.address,
    )
