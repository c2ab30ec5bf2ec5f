"""Changes of plan as they are asked for and answered. Their billing is `tests/billing/test_plan_changes.py`."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from tests.api.conftest import Client

PLANS = {"small": 1000, "pro": 2000, "large": 3000}
NOW = "2024-03-16T12:00:00Z"


@pytest_asyncio.fixture
async def subscribed(metered: Client) -> Client:
    """s1 on the plan pro since noon of 16 March 2024, which it is."""
    for code, amount in PLANS.items():
        plan = {"name": code, "code": code, "interval": "monthly", "amount_cents": amount, "amount_currency": "EUR"}
        await metered.ok("POST", "/plans", {"plan": plan})
    await ask(metered, "pro", name="Pro", billing_time="anniversary", ending_at="2025-01-01T00:00:00Z")
    return metered


async def ask(client: Client, plan: str, **more: Any) -> dict[str, Any]:
    body = {"external_customer_id": "c1", "external_id": "s1", "plan_code": plan, **more}
    answer = await client.ok("POST", "/subscriptions", {"subscription": body})
    subscription: dict[str, Any] = answer["subscription"]
    return subscription


async def get(client: Client, query: str = "") -> dict[str, Any]:
    subscription: dict[str, Any] = (await client.ok("GET", f"/subscriptions/s1{query}"))["subscription"]
    return subscription


async def listed(client: Client, status: str) -> list[tuple[str, str | None, str | None]]:
    rows = (await client.ok("GET", f"/subscriptions?status[]={status}"))["subscriptions"]
    return [(row["plan_code"], row["previous_plan_code"], row["next_plan_code"]) for row in rows]


async def test_an_upgrade_answers_the_new_one(subscribed: Client) -> None:
    before = await get(subscribed)
    upgraded = await ask(subscribed, "large", billing_time="calendar", subscription_at="2024-01-01")
    assert {key: upgraded[key] for key in ("status", "plan_code", "previous_plan_code", "next_plan_code", "name")} == {
        "status": "active",
        "plan_code": "large",
        "previous_plan_code": "pro",
        "next_plan_code": None,
        "name": None,
    }
    assert upgraded["plan"]["code"] == "large"
    assert upgraded["started_at"] == "2024-03-16T12:00:00.000Z"
    for inherited in ("billing_time", "subscription_at", "ending_at", "external_id", "lago_customer_id"):
        assert upgraded[inherited] == before[inherited], inherited
    assert (await get(subscribed))["lago_id"] == upgraded["lago_id"]
    ended = await get(subscribed, "?status=terminated")
    assert (ended["lago_id"], ended["terminated_at"], ended["next_plan_code"]) == (before["lago_id"], NOW, "large")
    assert ended["downgrade_plan_date"] is None
    assert await listed(subscribed, "active") == [("large", "pro", None)]
    assert await listed(subscribed, "terminated") == [("pro", None, "large")]
    assert (await ask(subscribed, "large"))["lago_id"] == upgraded["lago_id"]


async def test_what_is_said_is_not_inherited(subscribed: Client) -> None:
    upgraded = await ask(
        subscribed, "large", name="Large", ending_at=None, consolidate_invoice=False, purchase_order_number="PO"
    )
    assert (upgraded["name"], upgraded["ending_at"]) == ("Large", None)
    assert (upgraded["consolidate_invoice"], upgraded["purchase_order_number"]) == (False, "PO")


async def test_an_end_that_lies_behind_is_refused(subscribed: Client) -> None:
    body = {"external_customer_id": "c1", "external_id": "s1", "plan_code": "large", "ending_at": "2024-03-16"}
    details = await subscribed.details("POST", "/subscriptions", {"subscription": body})
    assert details == {"ending_at": ["invalid_date"]}


async def test_a_downgrade_answers_the_current_one(subscribed: Client) -> None:
    before = await get(subscribed)
    answered = await ask(subscribed, "small", name="Small")
    assert answered == {**before, "next_plan_code": "small", "downgrade_plan_date": "2024-04-16"}
    pending = await get(subscribed, "?status=pending")
    assert (pending["name"], pending["status"], pending["previous_plan_code"]) == ("Small", "pending", "pro")
    assert (pending["started_at"], pending["current_billing_period_started_at"]) == (None, None)
    assert await listed(subscribed, "pending") == [("small", "pro", None)]
    assert (await ask(subscribed, "pro"))["next_plan_code"] == "small", "on the same plan nothing changes"


async def test_a_downgrade_is_canceled(subscribed: Client) -> None:
    before = await get(subscribed)
    await ask(subscribed, "small")
    canceled = (await subscribed.ok("DELETE", "/subscriptions/s1?status=pending"))["subscription"]
    assert (canceled["plan_code"], canceled["status"], canceled["canceled_at"]) == ("small", "canceled", NOW)
    assert await get(subscribed) == before
    await subscribed.refused(404, "DELETE", "/subscriptions/s1?status=pending")


async def test_a_change_finds_the_one_that_has_not_begun(metered: Client) -> None:
    plan = {"name": "Pro", "code": "pro", "interval": "monthly", "amount_cents": 1, "amount_currency": "EUR"}
    await metered.ok("POST", "/plans", {"plan": plan})
    await ask(metered, "pro", subscription_at="2024-05-01")
    change = {"subscription": {"name": "Later", "subscription_at": "2024-06-01"}}
    changed = (await metered.ok("PUT", "/subscriptions/s1", change))["subscription"]
    assert (changed["status"], changed["name"], changed["subscription_at"]) == (
        "pending",
        "Later",
        "2024-06-01T00:00:00Z",
    )
    for method in ("GET", "DELETE"):
        await metered.refused(404, method, "/subscriptions/s1")


async def test_a_change_is_the_active_ones_where_another_waits(subscribed: Client) -> None:
    await ask(subscribed, "small")
    changed = await subscribed.ok("PUT", "/subscriptions/s1", {"subscription": {"name": "Now"}})
    assert (changed["subscription"]["status"], changed["subscription"]["name"]) == ("active", "Now")
    assert (await get(subscribed, "?status=pending"))["name"] is None


async def test_an_end_cancels_a_downgrade(subscribed: Client) -> None:
    await ask(subscribed, "small")
    ended = (await subscribed.ok("DELETE", "/subscriptions/s1"))["subscription"]
    assert (ended["status"], ended["next_plan_code"], ended["downgrade_plan_date"]) == ("terminated", None, None)
    assert (await get(subscribed, "?status=canceled"))["plan_code"] == "small"


async def test_the_id_of_another_customer_is_refused(subscribed: Client) -> None:
    body = {"external_customer_id": "c2", "external_id": "s1", "plan_code": "large"}
    details = await subscribed.details("POST", "/subscriptions", {"subscription": body})
    assert details == {"external_id": ["value_already_exist"]}


async def test_a_command_that_is_sent_again_is_answered_again(subscribed: Client) -> None:
    for plan, answered in (("small", "pro"), ("large", "large")):
        body = {"subscription": {"external_customer_id": "c1", "external_id": "s1", "plan_code": plan}}
        headers = {"Idempotency-Key": plan}
        first, second = [await subscribed.ok("POST", "/subscriptions", body, headers=headers) for _ in range(2)]
        assert first == second
        assert first["subscription"]["plan_code"] == answered
    assert len(await listed(subscribed, "canceled")) == 1
