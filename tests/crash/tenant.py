"""A client of one organization, which sells calls: 10.00 a month and 0.10 for each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Protocol

import httpx

from cli.embedded.folder import DataFolder
from tests.crash.stack import Stack, eventually

RECOVERY_SECONDS = 90
"""For what was under way in a process that was killed: Temporal takes a step for lost when it misses heartbeats."""


def price(calls: Decimal | int) -> int:
    """Cents of a month with this many calls."""
    return 1000 + int(10 * calls)


class Tenant:
    def __init__(self, http: httpx.AsyncClient, organization_id: str) -> None:
        self.http, self.organization_id = http, organization_id

    @classmethod
    async def found(cls, stack: Stack, *, sandbox: bool = True, **details: str) -> Tenant:
        """A new organization with a metric `calls` and a plan `pro`; a sandbox's time is 2026-01-01."""
        http = httpx.AsyncClient(base_url=stack.url, timeout=40, trust_env=False)
        body = {"organization": {"name": "Crash", "sandbox": sandbox, "default_currency": "EUR", **details}}
        key = DataFolder(stack.data).key("admin")
        answer = await http.post("/admin/organizations", json=body, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 201, answer.text
        organization = answer.json()["organization"]
        http.headers["Authorization"] = f"Bearer {organization['api_key']}"
        tenant = cls(http, organization["lago_id"])
        if sandbox:
            await tenant.advance("2026-01-01")
        metric = {"name": "Calls", "code": "calls", "aggregation_type": "sum_agg", "field_name": "n"}
        metric = await tenant.call("POST", "/billable_metrics", {"billable_metric": metric})
        charge = {
            "billable_metric_id": metric["billable_metric"]["lago_id"],
            "charge_model": "standard",
            "properties": {"amount": "0.10"},
        }
        plan = {
            "name": "Pro",
            "code": "pro",
            "interval": "monthly",
            "amount_cents": 1000,
            "amount_currency": "EUR",
            "pay_in_advance": False,
            "charges": [charge],
        }
        await tenant.call("POST", "/plans", {"plan": plan})
        return tenant

    async def call(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        answer = await self.http.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def subscribe(self, subscription: str, customer: str | None = None) -> Any:
        """Begin a subscription, by default of a customer of its own and the same name."""
        body = {"external_customer_id": customer or subscription, "external_id": subscription, "plan_code": "pro"}
        return (await self.call("POST", "/subscriptions", {"subscription": body}))["subscription"]

    async def use(self, subscription: str, calls: int, *, at: str) -> None:
        event = {
            "transaction_id": f"{subscription} {at}",
            "external_subscription_id": subscription,
            "code": "calls",
            "timestamp": at,
            "properties": {"n": calls},
        }
        await self.call("POST", "/events", {"event": event})

    async def usage(self, subscription: str) -> tuple[int, Decimal]:
        """Number of events and calls in the running period."""
        path = f"/customers/{subscription}/current_usage?external_subscription_id={subscription}"
        (charge,) = (await self.call("GET", path))["customer_usage"]["charges_usage"]
        return charge["events_count"], Decimal(charge["units"])

    async def ask(self, day: str) -> httpx.Response:
        """Ask the sandbox's clock to go to the beginning of a day, and do not wait for it."""
        return await self.http.put("/api/v1/test_clock", json={"test_clock": {"now": f"{day}T00:00:00Z"}})

    async def advance(self, day: str) -> None:
        """Go to the beginning of a day, and wait until all that falls due until then is done."""
        answer = await self.ask(day)
        assert answer.status_code in (200, 202), answer.text
        await self.arrived()

    async def arrived(self) -> None:
        await eventually(self.is_there, seconds=RECOVERY_SECONDS, what="the clock is ready", pause=0.1)

    async def is_there(self) -> bool:
        clock = (await self.call("GET", "/test_clock"))["test_clock"]
        return bool(clock["status"] == "ready")

    async def invoices(self) -> list[Any]:
        invoices: list[Any] = (await self.call("GET", "/invoices?per_page=10000"))["invoices"]
        return invoices

    async def amounts(self) -> list[tuple[str, str, int]]:
        """(Customer, issuing date, cents) of all invoices, sorted."""
        return sorted(
            (invoice["customer"]["external_id"], invoice["issuing_date"], invoice["total_amount_cents"])
            for invoice in await self.invoices()
        )


class Found(Protocol):
    """Founds organizations, see `Tenant.found`."""

    async def __call__(self, *, sandbox: bool = True, **details: str) -> Tenant: ...
