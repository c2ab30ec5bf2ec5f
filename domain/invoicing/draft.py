"""What an invoice holds: from the subscriptions that are billed at an instant to fees, dates and totals.

Source: invoicing-money 3.1, 4.1, 5.2; metering-pricing 6, 14.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import Charge
from domain.catalog.plan import Plan
from domain.customers.billing_settings import billing_settings
from domain.customers.customer import Address, Customer
from domain.invoicing.invoice import (
    Fee,
    FeeItem,
    FeeType,
    InvoiceContent,
    InvoiceSubscription,
    Party,
    PricedUsageInputs,
    SubscriptionFeeInputs,
)
from domain.invoicing.issuing_date import dates
from domain.invoicing.totals import totals
from domain.invoicing.usage_fees import PricedBucket, UsageWindow, price_usage, rounding_of
from domain.kernel import ids
from domain.kernel.money import major_units
from domain.kernel.zones import local_date
from domain.metering.ports import UsageReader
from domain.organizations.organization import Organization
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import Price
from domain.subscriptions.billing_dates import Boundaries, Lifetime, Schedule, boundaries, termination_boundaries
from domain.subscriptions.due import lifetime_of
from domain.subscriptions.proration import FeeHistory, bills_subscription_fee, choose_formula, subscription_fee
from domain.subscriptions.subscription import InvoicingReason, Subscription

_UNNUMBERED = UUID(int=0)


@dataclass(frozen=True, slots=True)
class BilledSubscription:
    """A subscription and the calendar that it is billed by; `trial_end` is None without a trial."""

    subscription: Subscription
    plan: Plan
    schedule: Schedule
    trial_end: datetime | None

    @property
    def lifetime(self) -> Lifetime:
        return lifetime_of(self.subscription)

    def boundaries(self, reason: InvoicingReason, at: datetime) -> Boundaries:
        """The windows that are billed at `at`."""
        subscription = self.subscription
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


async def draft_invoice(
    usage: UsageReader,
    invoice_id: UUID,
    organization: Organization,
    customer: Customer,
    billed: Sequence[BilledSubscription],
    metrics: Mapping[UUID, BillableMetric],
    *,
    reason: InvoicingReason,
    at: datetime,
) -> InvoiceContent:
    """The content of the invoice of type subscription for all `billed` (one customer, one currency) at `at`.

    Raises:
        UnavailableError: usage is not known now.
    """
    settings = billing_settings(customer, organization)
    covered = [(one, one.boundaries(reason, at)) for one in billed]
    windows = [(_window(one, window), _charges(one, window, metrics, reason)) for one, window in covered]
    watermark: int | None = None
    priced: list[list[PricedBucket]] = [[] for _ in covered]
    if any(charges for _, charges in windows):
        watermark = await usage.watermark()
        priced = await price_usage(usage, watermark, windows, metrics)
    unnumbered: list[Fee] = []
    for (one, window), buckets in zip(covered, priced, strict=True):
        unnumbered += _subscription_fees(one, window, reason)
        unnumbered += (_charge_fee(one, window, bucket) for bucket in buckets if _is_kept(bucket.fee))
    fees = tuple(replace(fee, id=ids.of("fee", invoice_id, position)) for position, fee in enumerate(unnumbered))
    issued = dates(
        "subscription",
        at,
        settings.timezone,
        0,
        settings.issuing_date_anchor,
        settings.issuing_date_adjustment,
        reason == "subscription_periodic",
        settings.net_payment_term,
    )
    return InvoiceContent(
        invoice_type="subscription",
        currency=billed[0].plan.details.amount_currency,
        timezone=settings.timezone,
        locale=settings.locale,
        issuing_date=issued.issuing_date,
        expected_finalization_date=issued.expected_finalization_date,
        payment_due_date=issued.payment_due_date,
        net_payment_term=issued.net_payment_term,
        seller=_seller(organization),
        buyer=_buyer(customer),
        footer=organization.details.invoice_footer,
        subscriptions=tuple(_row(one, window, reason, at) for one, window in covered),
        fees=fees,
        totals=totals(fees),
        watermark=watermark,
    )


def _window(one: BilledSubscription, window: Boundaries) -> UsageWindow:
    return UsageWindow(
        organization_id=one.subscription.organization_id,
        external_subscription_id=one.subscription.external_id,
        from_at=window.charges_from_at or window.timestamp,
        to_at=window.charges_to_at or window.timestamp,
        currency=one.plan.details.amount_currency,
    )


def _charges(
    one: BilledSubscription, window: Boundaries, metrics: Mapping[UUID, BillableMetric], reason: InvoicingReason
) -> list[Charge]:
    """The charges whose usage this invoice bills (metering-pricing K1, L9, P15)."""
    if reason == "subscription_starting" or window.charges_from_at is None or window.charges_to_at is None:
        return []
    if window.charges_from_at >= window.charges_to_at:
        return []
    ending = reason == "subscription_terminating"
    return [
        charge
        for charge in one.plan.details.charges
        if charge.invoiceable
        and not (charge.pay_in_advance and (ending or not metrics[charge.billable_metric_id].details.recurring))
    ]


def _is_kept(fee: PricedFee) -> bool:
    """Whether a charge's fee stands on the invoice: something was used, or is owed (metering-pricing K5)."""
    return fee.units != 0 or fee.amount_cents != 0 or fee.events_count != 0


def _subscription_fees(one: BilledSubscription, window: Boundaries, reason: InvoicingReason) -> Iterator[Fee]:
    subscription, plan, schedule, lifetime = one.subscription, one.plan, one.schedule, one.lifetime
    history = FeeHistory(
        created_at=subscription.created_on,
        has_earlier_invoice=bool(subscription.invoice_ids),
        has_earlier_fee=subscription.fee_billed_on is not None,
        has_fee_of_same_day=subscription.fee_billed_on == local_date(window.timestamp, schedule.timezone),
    )
    starting = reason == "subscription_starting"
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
    yield _fee(
        one,
        "subscription",
        item,
        price_subscription(inputs, plan.details.amount_currency),
        from_at=window.from_at,
        to_at=window.to_at,
        events_count=None,
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


def _charge_fee(one: BilledSubscription, window: Boundaries, bucket: PricedBucket) -> Fee:
    metric, charge, filter_ = bucket.metric.details, bucket.charge, bucket.filter
    item = FeeItem(
        code=metric.code,
        name=metric.name,
        description=metric.description,
        invoice_display_name=charge.invoice_display_name,
        lago_item_id=bucket.metric.id,
        item_type="BillableMetric",
        filters=None if filter_ is None else filter_.values,
        filter_invoice_display_name=None if filter_ is None else filter_.invoice_display_name,
        grouped_by=bucket.grouped_by,
    )
    return _fee(
        one,
        "charge",
        item,
        bucket.fee,
        from_at=window.charges_from_at,
        to_at=window.charges_to_at,
        events_count=bucket.fee.events_count,
        pay_in_advance=charge.pay_in_advance,
        charge_id=charge.id,
        charge_filter_id=None if filter_ is None else filter_.id,
        billable_metric_code=metric.code,
        usage=PricedUsageInputs(
            query=bucket.query,
            charge_model=charge.charge_model,
            properties=bucket.properties,
            aggregated_units=bucket.aggregated.units,
            rounding=rounding_of(bucket.metric),
        ),
    )


def _fee(
    one: BilledSubscription,
    fee_type: FeeType,
    item: FeeItem,
    priced: PricedFee,
    *,
    from_at: datetime | None,
    to_at: datetime | None,
    events_count: int | None,
    pay_in_advance: bool,
    charge_id: UUID | None = None,
    charge_filter_id: UUID | None = None,
    billable_metric_code: str | None = None,
    usage: PricedUsageInputs | None = None,
    proration: SubscriptionFeeInputs | None = None,
) -> Fee:
    return Fee(
        id=_UNNUMBERED,
        fee_type=fee_type,
        item=item,
        subscription_id=one.subscription.id,
        external_subscription_id=one.subscription.external_id,
        charge_id=charge_id,
        charge_filter_id=charge_filter_id,
        billable_metric_code=billable_metric_code,
        units=priced.units,
        total_aggregated_units=priced.total_aggregated_units,
        events_count=events_count,
        amount_cents=priced.amount_cents,
        precise_amount_cents=priced.precise_amount_cents,
        unit_amount_cents=priced.unit_amount_cents,
        precise_unit_amount=priced.precise_unit_amount,
        amount_details=priced.amount_details,
        from_at=from_at,
        to_at=to_at,
        pay_in_advance=pay_in_advance,
        usage=usage,
        proration=proration,
    )


def _row(one: BilledSubscription, window: Boundaries, reason: InvoicingReason, at: datetime) -> InvoiceSubscription:
    return InvoiceSubscription(
        subscription_id=one.subscription.id,
        external_id=one.subscription.external_id,
        plan_id=one.plan.id,
        reason=reason,
        recurring=reason == "subscription_periodic",
        timestamp=at,
        from_at=window.from_at,
        to_at=window.to_at,
        charges_from_at=window.charges_from_at,
        charges_to_at=window.charges_to_at,
        fixed_charges_from_at=window.fixed_charges_from_at,
        fixed_charges_to_at=window.fixed_charges_to_at,
    )


def _seller(organization: Organization) -> Party:
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


def _buyer(customer: Customer) -> Party:
    details = customer.details
    person = " ".join(part for part in (details.firstname, details.lastname) if part)
    return Party(
        name=details.legal_name or details.name or person or details.external_id,
        legal_number=details.legal_number,
        tax_identification_number=details.tax_identification_number,
        email=details.email,
        address=details.address,
    )
