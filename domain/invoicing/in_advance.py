"""Charges in advance: an event is priced when it arrives, and paid for by a fee of its own.

The fee's id follows from the event and the charge, so an event that comes again finds it. Where the charge is
invoiceable the fee is on an invoice of its own, else it stands alone.

Source: metering-pricing 13 (V1 to V5), E13; invoicing-money 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import Charge
from domain.catalog.plan import Plan
from domain.customers.billing_settings import billing_settings
from domain.customers.customer import Customer
from domain.invoicing.draft import BilledSubscription, buyer, seller, usage_window
from domain.invoicing.event_fees import EventInputs, price_event_inputs
from domain.invoicing.invoice import Fee, FeeItem, InvoiceContent, InvoiceSubscription
from domain.invoicing.issuing import issue, stand_alone
from domain.invoicing.issuing_date import dates
from domain.invoicing.totals import totals
from domain.invoicing.usage_before import EventStanding, usage_before
from domain.invoicing.usage_fees import UsageWindow
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.metering.ports import EventPosition, UsageReader
from domain.metering.usage_event import UsageEvent, text
from domain.organizations.organization import Organization
from domain.subscriptions.billing_dates import boundaries
from domain.subscriptions.due import schedule_of
from domain.subscriptions.subscription import Subscription


@dataclass(frozen=True, slots=True)
class _Case:
    """An event, and all that it is priced under."""

    organization: Organization
    customer: Customer
    billed: BilledSubscription
    metric: BillableMetric
    event: UsageEvent


async def price_arrival(
    ledger: Ledger,
    usage: UsageReader,
    organization_id: UUID,
    event_id: UUID,
    event: UsageEvent,
    position: EventPosition,
    *,
    at: datetime,
) -> int:
    """Price an event under each charge in advance of its subscription; how many fees that made. Idempotent.

    Usage is read up to the event's own place in the log, so the fee is the same whenever it is computed.

    Raises:
        UnavailableError: usage is not known now.
        ConflictError: somebody else priced it at the same moment.
    """
    case = await _case(ledger, organization_id, event)
    if case is None:
        return 0
    made = 0
    for charge in _charges(case):
        fee_id = ids.of("fee", event_id, charge.id)
        if await _is_priced(ledger, fee_id):
            continue
        window = _window(case)
        standing = await usage_before(usage, position.sequence, window, charge, case.metric, event, position)
        fee = _fee(case, charge, window, standing, fee_id)
        if fee is not None:
            await _append(ledger, case, fee, position.sequence, at=at)
            made += 1
    return made


async def _case(ledger: Ledger, organization_id: UUID, event: UsageEvent) -> _Case | None:
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
    billed = BilledSubscription(subscription, plan, schedule_of(subscription, plan, zone), None)
    return _Case(organization, customer, billed, metric, event)


def _covers(subscription: Subscription, at: datetime) -> bool:
    """Whether it was active then, to the millisecond (metering-pricing T6, E13)."""
    started_at, ended_at = subscription.started_at, subscription.terminated_at
    if subscription.status == "incomplete" or started_at is None:
        return False
    return _to_millisecond(started_at) <= at and (ended_at is None or _to_millisecond(ended_at) >= at)


def _to_millisecond(at: datetime) -> datetime:
    return at - timedelta(microseconds=at.microsecond % 1000)


def _charges(case: _Case) -> Iterator[Charge]:
    """The charges in advance on the event's metric, unless it has no value for it (V1)."""
    name = case.metric.details.field_name
    if name is not None and not (text(case.event.properties.get(name)) or "").strip():
        return
    for charge in case.billed.plan.details.charges:
        if charge.pay_in_advance and charge.billable_metric_id == case.metric.id:
            yield charge


async def _is_priced(ledger: Ledger, fee_id: UUID) -> bool:
    return await ledger.exists(fee_id) or await ledger.exists(_invoice_id(fee_id))


def _invoice_id(fee_id: UUID) -> UUID:
    return ids.of("invoice", fee_id)


def _window(case: _Case) -> UsageWindow:
    """The whole period that the event lies in (V4)."""
    running = boundaries(case.billed.schedule, case.billed.lifetime, case.event.timestamp, current_usage=True)
    return usage_window(case.billed, running)


def _fee(case: _Case, charge: Charge, window: UsageWindow, standing: EventStanding, fee_id: UUID) -> Fee | None:
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
    details, filter_ = case.metric.details, standing.filter
    item = FeeItem(
        code=details.code,
        name=details.name,
        description=details.description,
        invoice_display_name=charge.invoice_display_name,
        lago_item_id=case.metric.id,
        item_type="BillableMetric",
        filters=None if filter_ is None else filter_.values,
        filter_invoice_display_name=None if filter_ is None else filter_.display_name,
        grouped_by=standing.grouped_by,
    )
    return Fee(
        id=fee_id,
        fee_type="charge",
        item=item,
        subscription_id=case.billed.subscription.id,
        external_subscription_id=case.billed.subscription.external_id,
        charge_id=charge.id,
        charge_filter_id=None if filter_ is None else filter_.id,
        billable_metric_code=details.code,
        units=fee.units,
        total_aggregated_units=fee.total_aggregated_units,
        events_count=fee.events_count,
        amount_cents=fee.amount_cents,
        precise_amount_cents=fee.precise_amount_cents,
        unit_amount_cents=fee.unit_amount_cents,
        precise_unit_amount=fee.precise_unit_amount,
        amount_details=fee.amount_details,
        from_at=window.shown[0],
        to_at=window.shown[1],
        pay_in_advance=True,
        invoiceable=charge.invoiceable,
        pricing_unit=pricing_unit,
        event_transaction_id=case.event.transaction_id,
        event=inputs,
    )


async def _append(ledger: Ledger, case: _Case, fee: Fee, watermark: int, *, at: datetime) -> None:
    content = _content(case, fee, watermark, at=at)
    if fee.invoiceable:
        invoice, sequences = issue(_invoice_id(fee.id), case.organization, case.customer, content, at=at)
        await ledger.append(invoice, sequences=sequences)
    else:
        await ledger.append(stand_alone(case.organization, case.customer, fee, content, at=at))


def _content(case: _Case, fee: Fee, watermark: int, *, at: datetime) -> InvoiceContent:
    settings = billing_settings(case.customer, case.organization)
    issued = dates(
        "in_advance_charge",
        at,
        settings.timezone,
        0,
        settings.issuing_date_anchor,
        settings.issuing_date_adjustment,
        False,
        settings.net_payment_term,
    )
    subscription, plan = case.billed.subscription, case.billed.plan
    row = InvoiceSubscription(
        subscription_id=subscription.id,
        external_id=subscription.external_id,
        plan_id=plan.id,
        reason="in_advance_charge",
        recurring=False,
        timestamp=case.event.timestamp,
        from_at=None,
        to_at=None,
        charges_from_at=fee.from_at,
        charges_to_at=fee.to_at,
        fixed_charges_from_at=None,
        fixed_charges_to_at=None,
    )
    return InvoiceContent(
        invoice_type="subscription",
        currency=plan.details.amount_currency,
        timezone=settings.timezone,
        locale=settings.locale,
        issuing_date=issued.issuing_date,
        expected_finalization_date=issued.expected_finalization_date,
        payment_due_date=issued.payment_due_date,
        net_payment_term=issued.net_payment_term,
        seller=seller(case.organization),
        buyer=buyer(case.customer),
        footer=case.organization.details.invoice_footer,
        subscriptions=(row,),
        fees=(fee,),
        totals=totals([fee]),
        watermark=watermark,
    )
