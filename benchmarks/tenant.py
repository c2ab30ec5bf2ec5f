"""An organization to measure with, and what it needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import httpx

from cli.up import Stack
from domain.kernel.ledger import Ledger
from domain.organizations.organization import Organization
from domain.subscriptions.commands import begin_subscription
from domain.subscriptions.subscription import Subscription, SubscriptionDetails

AT_ONCE = 50

T = TypeVar("T")
R = TypeVar("R")


class Tenant(httpx.AsyncClient):
    """An API client of an organization that has a plan `pro`, which charges for the metric `gb`."""

    organization_id: UUID
    key: str

    async def ok(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer, which must be one of success."""
        answer = await self.request(method, f"/api/v1/{path}", json=body)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json()


@asynccontextmanager
async def founded(stack: Stack, *, sandbox: bool = False) -> AsyncIterator[Tenant]:
    async with Tenant(base_url=stack.url, timeout=30, trust_env=False) as tenant:
        answer = await tenant.post(
            "/admin/organizations",
            json={"organization": {"name": "Benchmark", "sandbox": sandbox}},
            headers={"Authorization": f"Bearer {stack.environment['DURABILL_ADMIN_KEY']}"},
        )
        assert answer.status_code == 201, answer.text
        organization = answer.json()["organization"]
        tenant.organization_id, tenant.key = UUID(organization["lago_id"]), organization["api_key"]
        tenant.headers["Authorization"] = f"Bearer {tenant.key}"
        metric = {"name": "Traffic", "code": "gb", "aggregation_type": "sum_agg", "field_name": "gb"}
        made = await tenant.ok("POST", "billable_metrics", {"billable_metric": metric})
        charge = {
            "billable_metric_id": made["billable_metric"]["lago_id"],
            "charge_model": "standard",
            "properties": {"amount": "0.25"},
        }
        plan = {
            "name": "Pro",
            "code": "pro",
            "interval": "monthly",
            "amount_cents": 5000,
            "amount_currency": "USD",
            "pay_in_advance": False,
            "charges": [charge],
        }
        await tenant.ok("POST", "plans", {"plan": plan})
        yield tenant


async def subscribe(
    ledger: Ledger, organization_id: UUID, names: Sequence[str], *, at: datetime, plan_code: str = "pro"
) -> list[Subscription]:
    """A customer and a subscription for each name, begun at an instant that may lie in the past."""
    organization = await ledger.load(Organization, organization_id)

    async def begin(name: str) -> Subscription:
        return await begin_subscription(
            ledger,
            organization,
            external_customer_id=name,
            plan_code=plan_code,
            external_id=name,
            details=SubscriptionDetails(subscription_at=at),
            at=at,
        )

    return await for_each(names, begin)


async def for_each(items: Sequence[T], do: Callable[[T], Awaitable[R]]) -> list[R]:
    """All of them, `AT_ONCE` at a time."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def limited(item: T) -> R:
        async with slots:
            return await do(item)

    return await asyncio.gather(*map(limited, items))


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - real time is what is measured


def month(at: datetime, *, before: int = 0) -> datetime:
    """The first instant of its month, or of one before, in UTC."""
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(before):
        first = (first - timedelta(days=1)).replace(day=1)
    return first
