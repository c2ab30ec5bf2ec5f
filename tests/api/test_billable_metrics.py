"""Billable metrics over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, Founder

SUM = {"name": "Storage", "code": "storage", "aggregation_type": "sum_agg", "field_name": "gb"}


async def create(client: Client, **body: object) -> Any:
    return (await client.ok("POST", "/billable_metrics", {"billable_metric": {**SUM, **body}}))["billable_metric"]


async def plan_for(client: Client, metric: Any, **charge: object) -> Any:
    charges = [{"billable_metric_id": metric["lago_id"], "charge_model": "standard", **charge}]
    body = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 1, "amount_currency": "EUR"}
    return (await client.ok("POST", "/plans", {"plan": {**body, "charges": charges}}))["plan"]


async def test_life_of_a_metric(client: Client) -> None:
    filters = [{"key": "region", "values": ["eu", "us", "eu"]}, {"key": "cloud", "values": ["aws"]}]
    made = await create(client, recurring=True, rounding_function="ceil", rounding_precision=2, filters=filters)
    assert made["filters"] == [{"key": "region", "values": ["eu", "us"]}, {"key": "cloud", "values": ["aws"]}]
    assert (made["plans_count"], made["recurring"], made["rounding_precision"]) == (0, True, 2)
    shown = (await client.ok("GET", "/billable_metrics/storage"))["billable_metric"]
    assert shown == {key: value for key, value in made.items() if not key.endswith("_count")}
    changed = await client.ok(
        "PUT",
        "/billable_metrics/storage",
        {"billable_metric": {"code": "disk", "expression": "event.properties.a + 1"}},
    )
    assert changed["billable_metric"] == {**made, "code": "disk", "expression": "event.properties.a + 1"}
    assert (await client.refused(404, "GET", "/billable_metrics/storage"))["code"] == "billable_metric_not_found"
    removed = await client.ok("DELETE", "/billable_metrics/disk")
    assert removed == changed
    assert (await client.refused(404, "DELETE", "/billable_metrics/disk"))["code"] == "billable_metric_not_found"
    assert (await create(client, code="disk"))["lago_id"] != made["lago_id"], "its code is free"
    listed = await client.ok("GET", "/billable_metrics")
    assert [metric["code"] for metric in listed["billable_metrics"]] == ["disk"]


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"name": "", "code": None}, {"name": ["value_is_mandatory"], "code": ["value_is_mandatory"]}),
        ({"aggregation_type": None}, {"aggregation_type": ["value_is_mandatory"]}),
        ({"aggregation_type": "avg_agg"}, {"aggregation_type": ["value_is_invalid"]}),
        ({"field_name": None}, {"field_name": ["value_is_mandatory"]}),
        ({"aggregation_type": "max_agg", "recurring": True}, {"recurring": ["not_compatible_with_aggregation_type"]}),
        ({"aggregation_type": "weighted_sum_agg"}, {"weighted_interval": ["value_is_invalid"]}),
        ({"rounding_function": "truncate"}, {"rounding_function": ["value_is_invalid"]}),
        ({"rounding_precision": 400}, {"rounding_precision": ["value_is_out_of_range"]}),
        ({"expression": "1 +"}, {"expression": ["invalid_expression"]}),
        ({"filters": [{"key": "a", "values": []}]}, {"values": ["value_is_mandatory"]}),
        ({"filters": [{"values": ["a"]}]}, {"key": ["value_is_mandatory"]}),
        ({"filters": [{"key": "a", "values": [1]}]}, {"values": ["value_is_invalid", "value_is_mandatory"]}),
        ({"filters": {"key": "a"}}, {"filters": ["value_is_invalid"]}),
        ({"code": "a\0"}, {"code": ["value_is_invalid"]}),
    ],
)
async def test_refused(client: Client, body: dict[str, Any], details: object) -> None:
    assert await client.details("POST", "/billable_metrics", {"billable_metric": {**SUM, **body}}) == details
    assert (await client.ok("GET", "/billable_metrics"))["meta"]["total_count"] == 0


async def test_a_code_is_taken_once(client: Client, found: Founder) -> None:
    await create(client)
    taken = {"code": ["value_already_exist"]}
    assert await client.details("POST", "/billable_metrics", {"billable_metric": SUM}) == taken
    await create(client, code="other")
    assert await client.details("PUT", "/billable_metrics/other", {"billable_metric": {"code": "storage"}}) == taken
    await create(await found())


async def test_once_charged_for_only_words_and_filters_change(client: Client) -> None:
    metric = await create(client, filters=[{"key": "region", "values": ["eu", "us"]}, {"key": "tier", "values": ["x"]}])
    await plan_for(
        client,
        metric,
        filters=[
            {"values": {"region": ["eu", "us"]}, "properties": {"amount": "1"}},
            {"values": {"region": ["us"]}, "properties": {"amount": "2"}},
            {"values": {"region": ["us"], "tier": ["x"]}, "properties": {"amount": "3"}},
            {"values": {"tier": ["__ALL_FILTER_VALUES__"]}, "properties": {"amount": "4"}},
        ],
    )
    body = {
        "name": "New",
        "code": "new",
        "aggregation_type": "max_agg",
        "filters": [{"key": "region", "values": ["eu"]}],
    }
    changed = (await client.ok("PUT", "/billable_metrics/storage", {"billable_metric": body}))["billable_metric"]
    assert (changed["name"], changed["code"], changed["aggregation_type"]) == ("New", "storage", "sum_agg")
    plan = (await client.ok("GET", "/plans/p"))["plan"]
    kept = [(filter_["values"], filter_["properties"]["amount"]) for filter_ in plan["charges"][0]["filters"]]
    assert kept == [({"region": ["eu"]}, "1")], "values that are declared no more vanish (metering-pricing F9)"


@pytest.mark.parametrize(
    "body",
    [
        {"aggregation_type": "weighted_sum_agg"},
        {"aggregation_type": "count_agg", "recurring": True},
        {"aggregation_type": "custom_agg"},
        {"aggregation_type": None, "code": "", "field_name": None},
        {"rounding_function": "truncate", "rounding_precision": "x", "expression": "1 +"},
    ],
)
async def test_once_charged_for_the_rest_is_not_even_looked_at(client: Client, body: dict[str, Any]) -> None:
    metric = await create(client)
    await plan_for(client, metric)
    changed = await client.ok("PUT", "/billable_metrics/storage", {"billable_metric": {"name": "New", **body}})
    kept = {key: value for key, value in metric.items() if key not in ("name", "plans_count", "updated_at")}
    assert {key: changed["billable_metric"][key] for key in kept} == kept, "metering-pricing A2"
    assert changed["billable_metric"]["name"] == "New"


async def test_a_count_has_no_field(client: Client) -> None:
    made = await create(client, aggregation_type="count_agg")
    assert made["field_name"] is None, "metering-pricing G5"
    changed = {"billable_metric": {"field_name": "gb"}}
    assert (await client.ok("PUT", "/billable_metrics/storage", changed))["billable_metric"]["field_name"] is None
    changed = {"billable_metric": {"aggregation_type": "max_agg"}}
    assert await client.details("PUT", "/billable_metrics/storage", changed) == {"field_name": ["value_is_mandatory"]}


async def test_removing_a_metric_removes_its_charges(client: Client) -> None:
    metric = await create(client)
    await plan_for(client, metric)
    await client.ok("DELETE", "/billable_metrics/storage")
    assert (await client.ok("GET", "/plans/p"))["plan"]["charges"] == []


@pytest.mark.parametrize("code", ["a.b", "a/b", "a%2Fb", "ü ?#", "..", "a+b", "billable_metrics", "%"])
async def test_codes_with_any_characters(client: Client, code: str) -> None:
    made = await create(client, code=code)
    from urllib.parse import quote

    for path in (quote(code, safe=""), quote(code, safe="/")) if code != ".." else ("%2E%2E",):
        answer = await client.ok("GET", f"/billable_metrics/{path}")
        assert answer["billable_metric"]["lago_id"] == made["lago_id"], path


async def evaluate(client: Client, expression: object, **event: object) -> Any:
    body = {"expression": expression, "event": event}
    return (await client.ok("POST", "/billable_metrics/evaluate_expression", body))["expression_result"]["value"]


async def test_an_expression_is_tried(client: Client) -> None:
    product = "round(event.properties.value * event.properties.units)"
    assert await evaluate(client, product, code="w", properties={"value": 10.4, "units": "2"}) == "21.0"
    assert await evaluate(client, "concat(event.code, '-', event.timestamp)", code="w", timestamp="12.5") == "w-12"
    assert await evaluate(client, "event.timestamp", timestamp=1709251200) == "1709251200.0"
    answer = await client.ok("POST", "/billable_metrics/evaluate_expression", {"expression": "1 + 1"})
    assert answer == {"expression_result": {"value": "2.0"}}


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({}, {"expression": ["value_is_mandatory"]}),
        ({"expression": " "}, {"expression": ["value_is_mandatory"]}),
        ({"expression": "1 +"}, {"expression": ["invalid_expression"]}),
        ({"expression": "event.properties.a"}, {"event": ["invalid_event"]}),
        ({"expression": "event.properties.a + 1", "event": {"properties": {"a": "x"}}}, {"event": ["invalid_event"]}),
        ({"expression": "1", "event": {"timestamp": "noon"}}, {"event": ["invalid_event"]}),
        ({"expression": "1", "event": {"timestamp": 1e300}}, {"event": ["invalid_event"]}),
        ({"expression": "1 / 0"}, {"event": ["invalid_event"]}),
    ],
)
async def test_expressions_that_fail(client: Client, body: object, details: object) -> None:
    assert await client.details("POST", "/billable_metrics/evaluate_expression", body) == details


async def test_a_short_number_that_is_long(client: Client) -> None:
    body = b'{"expression": "event.properties.a", "event": {"properties": {"a": 1.5e999999999}}}'
    answer = await client.post("/billable_metrics/evaluate_expression", content=body)
    assert answer.json()["error_details"] == {"event": ["invalid_event"]}
