"""`Idempotency-Key`: a command has its effect once, and its answer again."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.conftest import Client, Founder

METRIC = {"name": "Calls", "code": "calls", "aggregation_type": "count_agg"}
PLAN = {"name": "Pro", "code": "pro", "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR"}
SKU = {"metadata": {"stock": "7", "sku": None}}
REUSED = {"idempotency_key": ["value_already_exist"]}


async def send(client: Client, method: str, path: str, body: object, key: str = "k") -> httpx.Response:
    return await client.request(method, path, json=body, headers={"Idempotency-Key": key})


@pytest.mark.parametrize(
    ("path", "wrapper", "body", "other"),
    [
        ("/billable_metrics", "billable_metric", METRIC, {**METRIC, "code": "other"}),
        ("/plans", "plan", PLAN | SKU, {**PLAN, "code": "other"}),
        ("/customers", "customer", {"external_id": "c"}, {"external_id": "other"}),
    ],
)
async def test_again_is_the_same(
    client: Client, found: Founder, path: str, wrapper: str, body: dict[str, Any], other: dict[str, Any]
) -> None:
    first = await send(client, "POST", path, {wrapper: body})
    second = await send(client, "POST", path, {wrapper: body})
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.text == first.text
    reused = await send(client, "POST", path, {wrapper: other})
    assert (reused.status_code, reused.json()["error_details"]) == (422, REUSED)
    assert (await send(client, "PUT", "/organizations", {"organization": {"city": "X"}})).status_code == 422
    assert (await client.ok("GET", path))["meta"]["total_count"] == 1
    assert (await send(await found(), "POST", path, {wrapper: other})).status_code == 200, "keys are an organization's"


async def test_the_answer_is_the_state_of_now(client: Client) -> None:
    first = await send(client, "POST", "/customers", {"customer": {"external_id": "c", "name": "A"}})
    await client.ok("POST", "/customers", {"customer": {"external_id": "c", "name": "B"}})
    again = await send(client, "POST", "/customers", {"customer": {"external_id": "c", "name": "A"}})
    assert again.json()["customer"]["name"] == "B", "and it does not change it back"
    assert again.json()["customer"]["lago_id"] == first.json()["customer"]["lago_id"]


async def test_a_command_that_changes_nothing_is_done_too(client: Client) -> None:
    await client.ok("POST", "/customers", {"customer": {"external_id": "c", "name": "A"}})
    first = await send(client, "POST", "/customers", {"customer": {"external_id": "c", "name": "A"}})
    await client.ok("POST", "/customers", {"customer": {"external_id": "c", "name": "B"}})
    again = await send(client, "POST", "/customers", {"customer": {"external_id": "c", "name": "A"}})
    assert (first.json()["customer"]["name"], again.json()["customer"]["name"]) == ("A", "B"), "it does not undo B"
    reused = await send(client, "POST", "/customers", {"customer": {"external_id": "c", "name": "C"}})
    assert (reused.status_code, reused.json()["error_details"]) == (422, REUSED)


async def test_removing_again_answers_what_was_removed(client: Client) -> None:
    await client.ok("POST", "/plans", {"plan": PLAN})
    first, second = [await send(client, "DELETE", "/plans/pro", None) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.text == first.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/customers", {"customer": {"external_id": "c"}}),
        ("/billable_metrics", {"billable_metric": METRIC}),
        ("/plans", {"plan": PLAN | SKU}),
    ],
)
async def test_twenty_at_once_are_one(client: Client, path: str, body: object) -> None:
    answers = await asyncio.gather(*(send(client, "POST", path, body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert (await client.ok("GET", path))["meta"]["total_count"] == 1


async def test_twenty_without_a_key_are_one_customer(client: Client) -> None:
    bodies = [{"customer": {"external_id": "c", "name": f"N{number}"}} for number in range(20)]
    answers = await asyncio.gather(*(client.post("/customers", json=body) for body in bodies))
    done = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.json()["customer"]["lago_id"] for answer in done}) == 1
    for answer in answers:
        if answer.status_code != 200:
            lost = {"status": 422, "error": "Unprocessable Entity", "code": "lock_acquisition_failed"}
            assert answer.json() == lost
    assert (await client.ok("GET", "/customers"))["meta"]["total_count"] == 1


async def test_a_refusal_uses_no_key(client: Client) -> None:
    assert (await send(client, "POST", "/customers", {"customer": {"external_id": ""}})).status_code == 422
    assert (await send(client, "POST", "/customers", {"customer": {"external_id": "c"}})).status_code == 200


async def test_long_keys_are_refused(client: Client) -> None:
    answer = await send(client, "POST", "/customers", {"customer": {"external_id": "c"}}, key="k" * 256)
    assert answer.json()["error_details"] == {"idempotency_key": ["value_is_too_long"]}
