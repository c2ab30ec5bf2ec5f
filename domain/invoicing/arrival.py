"""An event that is priced by itself: whose it is, under which charges, and the fee that it gets.

Source: metering-pricing 13 (V1, V4 to V8), E13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import Charge, ChargeFilter
from domain.catalog.plan import Plan
from domain.customers.billing_settings import billing_settings
from domain.customers.customer import Customer
from domain.invoicing.billed_subscription import BilledSubscription, usage_window
from domain.invoicing.event_fees import EventInputs, price_event_inputs
from domain.invoicing.invoice import Fee, FeeItem
from domain.invoicing.taxes import taxed
from domain.invoicing.usage_before import usage_before
from domain.invoicing.usage_fees import UsageWindow
from domain.kernel.ledger import Ledger
from domain.metering.ports import WITHOUT_FIELD, EventPosition, UsageReader
from domain.metering.usage_event import UsageEvent, text
from domain.organizations.organization import Organization
from domain.pricing.fee import PricedFee
from domain.subscriptions.billing_dates import boundaries
from domain.subscriptions.due import schedule_of
from domain.subscriptions.subscription import Subscription
from domain.taxation.which_taxes import ApplicableTaxes, applicable_taxes


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and all that it is priced under."""

    organization: Organization
    customer: Customer
    billed: BilledSubscription
    metric: BillableMetric
    taxes: ApplicableTaxes
    event: UsageEvent

    @property
    def charges(self) -> list[Charge]:
        """The charges in advance on the event's metric."""
        charges = self.billed.plan.details.charges
        return [one for one in charges if one.pay_in_advance and one.billable_metric_id == self.metric.id]


async def arrival_of(ledger: Ledger, organization_id: UUID, event: UsageEvent, *, at: datetime) -> Arrival | None:
    """The event with its metric and the subscription that covers it; None where there is no such.

    Args:
        at: when it arrived.
    """
    metric = await ledger.find(BillableMetric, organization_id, code=event.code)
    found = await ledger.find_all(Subscription, organization_id, external_id=event.external_subscription_id)
    covering = [one for one in found if _covers(one, event.timestamp)]
    if metric is None or not covering:
        return None
    subscription = max(covering, key=lambda one: (one.terminated_at is None, one.started_at))
    plan = await ledger.load(Plan, subscription.plan_id)
    customer = await ledger.load(Customer, subscription.customer_id)
    organization = await ledger.load(Organization, organization_id)
    zone = billing_settings(customer, organization).timezone
    schedule = schedule_of(subscription, plan, zone)
    billed = BilledSubscription(subscription, plan, schedule, None, "in_advance_charge", known_at=at)
    taxes = await applicable_taxes(ledger, organization, customer, [plan.details])
    return Arrival(organization, customer, billed, metric, taxes, event)


def _covers(subscription: Subscription, at: datetime) -> bool:
    """Whether it was active then, to the millisecond (metering-pricing T6, E13)."""
    started_at, ended_at = subscription.started_at, subscription.terminated_at
    if subscription.status == "incomplete" or started_at is None:
        return False
    return _to_millisecond(started_at) <= at and (ended_at is None or _to_millisecond(ended_at) >= at)


def _to_millisecond(at: datetime) -> datetime:
    return at - timedelta(microseconds=at.microsecond % 1000)


def priced_charges(case: Arrival) -> list[Charge]:
    """The charges that the event is priced under: none where it has no value for its metric (V1)."""
    name, kind = case.metric.details.field_name, case.metric.details.aggregation_type
    if name is not None and kind not in WITHOUT_FIELD and not (text(case.event.properties.get(name)) or "").strip():
        return []
    return case.charges


def period_of(case: Arrival) -> UsageWindow:
    """The whole period that the event lies in (V4)."""
    running = boundaries(case.billed.schedule, case.billed.lifetime, case.event.timestamp, current_usage=True)
    return usage_window(case.billed, running)


async def event_fee(
    usage: UsageReader,
    case: Arrival,
    charge: Charge,
    fee_id: UUID,
    *,
    watermark: int,
    position: EventPosition | None,
) -> Fee | None:
    """The fee of an event under a charge in advance; None where it counts for nothing. Arguments as `usage_before`."""
    window = period_of(case)
    standing = await usage_before(usage, watermark, window, charge, case.metric, case.event, position)
    before = standing.before
    inputs = EventInputs(
        charge_model=charge.charge_model,
        properties=standing.properties,
        event=case.event,
        query=standing.query,
        units=before.usage.units,
        events_count=before.usage.events_count,
        running_totals=tuple(map(Decimal, before.usage.running_totals)),
        values=tuple(before.usage.values),
        precise_total_amount=before.usage.precise_total_amount,
        peak=before.peak,
        present=tuple(before.present),
        pricing_unit=charge.applied_pricing_unit,
    )
    priced = price_event_inputs(inputs, window.currency)
    if priced is None:
        return None
    fee, pricing_unit = priced
    made = fee_of(
        case,
        charge,
        standing.filter,
        standing.grouped_by,
        fee,
        fee_id=fee_id,
        window=window,
        pricing_unit=pricing_unit,
        event=inputs,
    )
    return taxed(made, case.taxes.of_charge(case.billed.plan.details, charge.id))


def fee_of(
    case: Arrival,
    charge: Charge,
    filter_: ChargeFilter | None,
    grouped_by: Mapping[str, str | None],
    fee: PricedFee,
    *,
    fee_id: UUID,
    window: UsageWindow,
    **more: Any,
) -> Fee:
    """The priced event as a line, without taxes; `more` are fields of `Fee`."""
    details = case.metric.details
    item = FeeItem(
        code=details.code,
        name=details.name,
        description=details.description,
        invoice_display_name=charge.invoice_display_name,
        lago_item_id=case.metric.id,
        item_type="BillableMetric",
        filters=None if filter_ is None else filter_.values,
        filter_invoice_display_name=None if filter_ is None else filter_.display_name,
        grouped_by=grouped_by,
    )
    return Fee.of(
        fee,
        id=fee_id,
        fee_type="charge",
        item=item,
        subscription_id=case.billed.subscription.id,
        external_subscription_id=case.billed.subscription.external_id,
        charge_id=charge.id,
        charge_filter_id=None if filter_ is None else filter_.id,
        billable_metric_code=details.code,
        from_at=window.shown[0],
        to_at=window.shown[1],
        pay_in_advance=True,
        invoiceable=charge.invoiceable,
        regroup_paid_fees=charge.regroup_paid_fees,
        event_transaction_id=case.event.transaction_id,
        **more,
    )
