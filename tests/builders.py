"""Valid objects, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.catalog.add_on import AddOn, AddOnDetails
from domain.catalog.billable_metric import BillableMetric, BillableMetricDetails
from domain.catalog.charge import Charge
from domain.catalog.fixed_charge import FixedCharge, UnitsChange
from domain.catalog.plan import Plan, PlanDetails
from domain.customers.commands import upsert_customer
from domain.customers.customer import Customer
from domain.invoicing.commitment_fees import CommitmentWindow, FeesTotal
from domain.invoicing.in_advance import append_fees, fees_of_arrival
from domain.invoicing.invoice import Fee, Invoice
from domain.invoicing.standalone_fee import StandaloneFee
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.metering.aggregations import count, custom, latest, unique_count, weighted_sum
from domain.metering.aggregations import max as maximum
from domain.metering.aggregations import sum as sum_of
from domain.metering.high_water import fold
from domain.metering.matching import is_in
from domain.metering.ports import EventPosition, Metric, Usage, UsageQuery
from domain.metering.proration import prorate_sum, prorate_unique_count, prorated_units
from domain.metering.usage_event import UsageEvent, number, numbers, text
from domain.organizations.organization import Organization, OrganizationDetails, default_prefix
from domain.subscriptions.commands import begin_subscription
from domain.subscriptions.overrides import Overrides, no_overrides
from domain.subscriptions.plan_change import Change
from domain.subscriptions.subscription import Subscription, SubscriptionDetails


def instant(value: str) -> datetime:
    """`2024-01-31` or `2024-01-31T10:00` in UTC, or with an offset of its own."""
    read = datetime.fromisoformat(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@dataclass
class MemoryUsage:
    """The port of usage over a list, by the aggregations' plain functions. The watermark counts the list's events."""

    events: list[UsageEvent] = field(default_factory=list)
    calls: int = 0

    def add(self, code: str, at: str, subscription: str = "s1", **properties: Any) -> None:
        number = len(self.events) + 1
        self.events.append(
            UsageEvent(
                transaction_id=f"t{number}",
                code=code,
                external_subscription_id=subscription,
                timestamp=instant(at),
                sequence=number,
                properties=properties,
            )
        )

    async def watermark(self) -> int:
        return len(self.events)

    async def aggregate(self, queries: Sequence[UsageQuery], watermark: int) -> list[tuple[Usage, ...]]:
        self.calls += 1
        return [self._aggregate(query, self.events[:watermark]) for query in queries]

    def _aggregate(self, query: UsageQuery, known: Sequence[UsageEvent]) -> tuple[Usage, ...]:
        groups: dict[tuple[str | None, ...], list[UsageEvent]] = {} if query.group_by else {(): []}
        for event in known:
            if _asks_for(query, event):
                group = tuple(text(event.properties.get(key)) or None for key in query.group_by)
                groups.setdefault(group, []).append(event)
        return tuple(replace(_usage(query, groups[group]), group=group) for group in sorted(groups, key=_texts))


def _texts(group: tuple[str | None, ...]) -> tuple[str, ...]:
    return tuple(value or "" for value in group)


def _window_start(query: UsageQuery) -> datetime:
    """metering-pricing G2."""
    return query.from_at.replace(microsecond=query.from_at.microsecond // 1000 * 1000)


def _asks_for(query: UsageQuery, event: UsageEvent) -> bool:
    """Whether the event counts; those before the window, too, where they carry over."""
    metric, before = query.metric, query.before
    return (
        event.code == metric.code
        and event.external_subscription_id == query.external_subscription_id
        and (metric.recurring or _window_start(query) <= event.timestamp)
        and event.timestamp <= query.to_at
        and (before is None or (event.timestamp, event.sequence, 0) < (before.timestamp, before.sequence, before.index))
        and is_in(query.bucket, event.properties)
        and _counts(metric, event)
    )


def _counts(metric: Metric, event: UsageEvent) -> bool:
    if metric.aggregation_type in ("count_agg", "custom_agg"):
        return True
    assert metric.field_name is not None
    if metric.aggregation_type == "unique_count_agg":
        return any(unique_count.operations([event], metric.field_name))
    return number(event.properties.get(metric.field_name)) is not None


def _usage(query: UsageQuery, events: Sequence[UsageEvent]) -> Usage:
    metric, start = query.metric, _window_start(query)
    period = None if query.prorated is None else replace(query.prorated, from_at=start)
    if metric.aggregation_type == "custom_agg":
        return custom.aggregate(events, metric, query.custom_properties, from_at=start)
    peak = fold(events, metric, from_at=start, prorated=period) if query.in_advance else None
    if metric.aggregation_type == "count_agg":
        return replace(count.aggregate(events), peak=peak)
    name = metric.field_name
    assert name is not None
    if metric.aggregation_type == "max_agg":
        values = tuple(maximum.values(events, name)) if query.each_event else ()
        return replace(maximum.aggregate(events, name), values=values)
    if metric.aggregation_type == "latest_agg":
        return latest.aggregate(events, name)
    if metric.aggregation_type == "weighted_sum_agg":
        return _weighted_sum(query, events, name)
    if metric.aggregation_type == "unique_count_agg":
        usage = replace(unique_count.aggregate(events, name), peak=peak)
        if period is None:
            return usage
        changes = prorate_unique_count(unique_count.operations(events, name), period)
        units = prorated_units(changes)
        return replace(usage, units=units, events_count=int(units), changes=tuple(changes))
    assert metric.aggregation_type == "sum_agg"
    return replace(_sum(query, events, name), peak=peak)


def _sum(query: UsageQuery, events: Sequence[UsageEvent], name: str) -> Usage:
    values = [(event.timestamp, value) for event, value in numbers(events, name)]
    amounts = (event.precise_total_amount_cents or Decimal(0) for event in events)
    usage = replace(
        sum_of.aggregate(events, name),
        values=tuple(value for _, value in values) if query.each_event else (),
        precise_total_amount_cents=sum(amounts, Decimal(0)),
    )
    if query.allowance is not None:
        free_events, free_units = query.allowance.free_events, query.allowance.free_units
        totals = sum_of.running_totals((value for _, value in values), free_events=free_events, free_units=free_units)
        usage = replace(usage, running_totals=totals)
    if query.prorated is not None:
        start = _window_start(query)
        carried = sum((value for at, value in values if at < start), Decimal(0))
        changes = prorate_sum(carried, [change for change in values if change[0] >= start], query.prorated)
        usage = replace(usage, units=prorated_units(changes), changes=tuple(changes))
    return usage


def _weighted_sum(query: UsageQuery, events: Sequence[UsageEvent], name: str) -> Usage:
    assert query.duration_days is not None
    start = _window_start(query)
    found = weighted_sum.aggregate(
        [event for event in events if event.timestamp >= start],
        name,
        from_at=query.from_at,
        to_at=query.to_at,
        duration_days=query.duration_days,
        initial=sum_of.aggregate([event for event in events if event.timestamp < start], name).units,
    )
    return Usage(units=found.units, events_count=found.events_count, level=found.level)


@dataclass
class LedgerFees:
    """The port of billed fees over all invoices and fees of a ledger, one by one."""

    ledger: Ledger

    async def reach(self, watermark: int) -> None:
        """Fees in advance are made by `arrive`, when a test wants them."""

    async def totals(self, organization_id: UUID, windows: Sequence[CommitmentWindow]) -> list[FeesTotal]:
        invoices = await self.ledger.find_all(Invoice, organization_id)
        standalone = await self.ledger.find_all(StandaloneFee, organization_id)
        alone = [one.fee for one in standalone if one.invoice_id is None]
        fees = [*(fee for invoice in invoices for fee in invoice.content.fees), *alone]
        return [self._total(window, fees) for window in windows]

    def _total(self, window: CommitmentWindow, fees: Sequence[Fee]) -> FeesTotal:
        own = [
            fee
            for fee in fees
            if fee.subscription_id == window.subscription.id and fee.fee_type != "commitment" and window.holds(fee)
        ]
        precise = sum((fee.precise_amount_cents for fee in own), Decimal(0))
        return FeesTotal(sum(fee.amount_cents for fee in own), precise)


@dataclass
class Shop:
    """An organization in a ledger, and what a test makes there."""

    ledger: Ledger
    organization: Organization

    @property
    def fees(self) -> LedgerFees:
        return LedgerFees(self.ledger)

    @classmethod
    async def open(cls, ledger: Ledger, *, at: str = "2024-01-01", **details: Any) -> Shop:
        organization_id = ids.new()
        organization = Organization.begin(
            organization_id,
            details=OrganizationDetails(
                name="Shop", document_number_prefix=default_prefix("Shop", organization_id), **details
            ),
            sandbox=True,
            at=instant(at),
        )
        await ledger.append(organization)
        return cls(ledger, organization)

    async def metric(self, code: str, *, at: str = "2024-01-01", **details: Any) -> BillableMetric:
        metric = BillableMetric.begin(
            ids.new(),
            organization_id=self.organization.id,
            details=BillableMetricDetails(**{"name": code, "code": code, "aggregation_type": "count_agg", **details}),
            at=instant(at),
        )
        await self.ledger.append(metric)
        return metric

    def charge(self, metric: BillableMetric, charge_model: Any, properties: dict[str, Any], **more: Any) -> Charge:
        return Charge(
            id=ids.new(),
            code=metric.details.code,
            billable_metric_id=metric.id,
            charge_model=charge_model,
            properties=properties,
            created_at=metric.created_on,
            **more,
        )

    async def add_on(self, code: str, *, at: str = "2024-01-01", **details: Any) -> AddOn:
        add_on = AddOn.begin(
            ids.new(),
            organization_id=self.organization.id,
            details=AddOnDetails(
                **{"name": code, "code": code, "amount_cents": 100, "amount_currency": "EUR", **details}
            ),
            at=instant(at),
        )
        await self.ledger.append(add_on)
        return add_on

    def fixed_charge(
        self, add_on: AddOn, units: str, *, at: str = "2024-01-01", immediately: bool = False, **more: Any
    ) -> FixedCharge:
        """Of 10.00 a unit where nothing else is said."""
        change = UnitsChange(units=Decimal(units), decided_at=instant(at), immediately=immediately)
        return FixedCharge(
            **{
                "id": ids.new(),
                "code": add_on.details.code,
                "add_on_id": add_on.id,
                "charge_model": "standard",
                "properties": {"amount": "10"},
                "units_log": (change,),
                "created_at": instant(at),
                **more,
            }
        )

    async def plan(self, code: str = "pro", *, at: str = "2024-01-01", **details: Any) -> Plan:
        plan = Plan.begin(
            ids.new(),
            organization_id=self.organization.id,
            parent_id=None,
            details=PlanDetails(
                **{
                    "name": code,
                    "code": code,
                    "interval": "monthly",
                    "amount_cents": 3100,
                    "amount_currency": "EUR",
                    **details,
                }
            ),
            at=instant(at),
        )
        await self.ledger.append(plan)
        return plan

    async def customer(self, external_id: str = "c1", *, at: str = "2024-01-01", **details: Any) -> Customer:
        return await upsert_customer(
            self.ledger,
            self.organization.id,
            external_id,
            lambda before: replace(before, **details),
            at=instant(at),
        )

    async def subscribe(
        self,
        external_id: str = "s1",
        *,
        at: str,
        plan: str = "pro",
        customer: str = "c1",
        change: Change = lambda handed_on: handed_on,
        overrides: Overrides = no_overrides,
        **details: Any,
    ) -> Subscription:
        return await begin_subscription(
            self.ledger,
            self.organization,
            external_customer_id=customer,
            plan_code=plan,
            external_id=external_id,
            details=SubscriptionDetails(**{"subscription_at": instant(at), **details}),
            change=change,
            overrides=overrides,
            at=instant(at),
        )


async def arrive(shop: Shop, usage: MemoryUsage, number: int, *, at: str | None = None) -> int:
    """Price the event with this number (from 1) under charges in advance, as often as it is asked for.

    Args:
        at: when it arrived; None for when it happened.
    """
    event = usage.events[number - 1]
    owed = await fees_of_arrival(
        shop.ledger,
        usage,
        shop.organization.id,
        ids.of("event", number),
        event,
        EventPosition(timestamp=event.timestamp, sequence=number, index=0),
        at=event.timestamp if at is None else instant(at),
    )
    if owed is None:
        return 0
    await append_fees(shop.ledger, owed)
    return len(owed.fees)
