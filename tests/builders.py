"""Valid objects, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from domain.catalog.billable_metric import BillableMetric, BillableMetricDetails
from domain.catalog.charge import Charge
from domain.catalog.plan import Plan, PlanDetails
from domain.customers.commands import upsert_customer
from domain.customers.customer import Customer
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.metering.aggregations import count
from domain.metering.aggregations import sum as sum_of
from domain.metering.matching import is_in
from domain.metering.ports import Usage, UsageQuery
from domain.metering.usage_event import UsageEvent, text
from domain.organizations.organization import Organization, OrganizationDetails, default_prefix
from domain.subscriptions.commands import begin_subscription
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
            if (
                event.code == query.metric.code
                and event.external_subscription_id == query.external_subscription_id
                and query.from_at <= event.timestamp <= query.to_at
                and is_in(query.bucket, event.properties)
            ):
                group = tuple(text(event.properties.get(key)) or None for key in query.group_by)
                groups.setdefault(group, []).append(event)
        return tuple(replace(self._of(query, events), group=group) for group, events in groups.items())

    def _of(self, query: UsageQuery, events: Sequence[UsageEvent]) -> Usage:
        if query.metric.aggregation_type == "count_agg":
            return count.aggregate(events)
        assert query.metric.aggregation_type == "sum_agg"
        assert query.metric.field_name is not None
        return sum_of.aggregate(events, query.metric.field_name)


@dataclass
class Shop:
    """An organization in a ledger, and what a test makes there."""

    ledger: Ledger
    organization: Organization

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
        self, external_id: str = "s1", *, at: str, plan: str = "pro", customer: str = "c1", **details: Any
    ) -> Subscription:
        return await begin_subscription(
            self.ledger,
            self.organization,
            external_customer_id=customer,
            plan_code=plan,
            external_id=external_id,
            details=SubscriptionDetails(**{"subscription_at": instant(at), **details}),
            at=instant(at),
        )
