"""Custom aggregations and charges over HTTP.

Source: metering-pricing A20, M4, 12.9.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, Founder

AGGREGATOR = {
    "total_units": "state.total_units + event.properties.seats",
    "amount": "event.properties.seats * custom_properties.price",
}
SEATS = {"name": "Seats", "code": "seats", "aggregation_type": "custom_agg", "custom_aggregator": AGGREGATOR}
SUM = {"name": "Storage", "code": "storage", "aggregation_type": "sum_agg", "field_name": "gb"}
PLAN = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}


@pytest.fixture
async def opted_in(found: Founder) -> Client:
    return await found(custom_aggregation=True)


async def create(client: Client, **body: object) -> Any:
    return (await client.ok("POST", "/billable_metrics", {"billable_metric": {**SEATS, **body}}))["billable_metric"]


def custom(metric: Any, price: object = "2", **body: object) -> dict[str, Any]:
    properties = {"custom_properties": {"price": price}}
    return {"billable_metric_id": metric["lago_id"], "charge_model": "custom", "properties": properties, **body}


async def test_an_organization_has_to_be_opted_in(client: Client) -> None:
    for body in (SEATS, {**SUM, "aggregation_type": "custom_agg"}):
        refused = await client.refused(403, "POST", "/billable_metrics", {"billable_metric": body})
        assert refused == {"status": 403, "error": "Forbidden", "code": "feature_unavailable"}
    made = (await client.ok("POST", "/billable_metrics", {"billable_metric": SUM}))["billable_metric"]
    assert "custom_aggregator" not in made
    change = {"billable_metric": {"aggregation_type": "custom_agg", "custom_aggregator": AGGREGATOR}}
    assert (await client.refused(403, "PUT", "/billable_metrics/storage", change))["code"] == "feature_unavailable"
    await client.ok("PUT", "/organizations", {"organization": {"custom_aggregation": True}})
    assert (await client.refused(403, "PUT", "/billable_metrics/storage", change))["code"] == "feature_unavailable"


async def test_life_of_a_metric(opted_in: Client) -> None:
    made = await create(opted_in, recurring=True)
    assert (made["aggregation_type"], made["field_name"], made["recurring"]) == ("custom_agg", None, True)
    assert made["custom_aggregator"] == AGGREGATOR
    shown = (await opted_in.ok("GET", "/billable_metrics/seats"))["billable_metric"]
    assert shown["custom_aggregator"] == AGGREGATOR
    [listed] = (await opted_in.ok("GET", "/billable_metrics"))["billable_metrics"]
    assert listed == made
    path = "/billable_metrics/seats"
    change: dict[str, Any] = {"custom_aggregator": {"amount": "1"}, "name": "Chairs"}
    changed = (await opted_in.ok("PUT", path, {"billable_metric": change}))["billable_metric"]
    assert changed == {**made, "name": "Chairs", "custom_aggregator": {**AGGREGATOR, "amount": "1"}}
    changed = (
        await opted_in.ok("PUT", path, {"billable_metric": {"aggregation_type": "count_agg", "recurring": False}})
    )["billable_metric"]
    assert "custom_aggregator" not in changed
    back = {"aggregation_type": "custom_agg"}
    assert await opted_in.details("PUT", path, {"billable_metric": back}) == {
        "custom_aggregator": ["value_is_mandatory"]
    }


async def test_once_charged_for_the_expressions_stay(opted_in: Client) -> None:
    metric = await create(opted_in)
    await opted_in.ok("POST", "/plans", {"plan": {**PLAN, "charges": [custom(metric)]}})
    body = {"name": "New", "custom_aggregator": {"total_units": "1", "amount": "custom_properties.other"}}
    changed = (await opted_in.ok("PUT", "/billable_metrics/seats", {"billable_metric": body}))["billable_metric"]
    assert (changed["name"], changed["custom_aggregator"]) == ("New", AGGREGATOR)


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"custom_aggregator": None}, {"custom_aggregator": ["value_is_mandatory"]}),
        ({"custom_aggregator": "1"}, {"custom_aggregator": ["value_is_invalid"]}),
        ({"custom_aggregator": {}}, {"total_units": ["value_is_mandatory"], "amount": ["value_is_mandatory"]}),
        ({"custom_aggregator": {**AGGREGATOR, "amount": " "}}, {"amount": ["value_is_mandatory"]}),
        ({"custom_aggregator": {**AGGREGATOR, "amount": "1 +"}}, {"amount": ["invalid_expression"]}),
        ({"custom_aggregator": {**AGGREGATOR, "amount": "state.money"}}, {"amount": ["invalid_expression"]}),
        ({"custom_aggregator": {**AGGREGATOR, "total_units": "x" * 2_001}}, {"total_units": ["value_is_too_long"]}),
        ({"custom_aggregator": {**AGGREGATOR, "total_units": ["1"]}}, {"total_units": ["value_is_invalid"]}),
        (
            {**SUM, "custom_aggregator": AGGREGATOR},
            {"custom_aggregator": ["not_compatible_with_aggregation_type"]},
        ),
        ({"expression": "state.amount"}, {"expression": ["invalid_expression"]}),
    ],
)
async def test_refused_metrics(opted_in: Client, body: dict[str, Any], details: object) -> None:
    assert await opted_in.details("POST", "/billable_metrics", {"billable_metric": {**SEATS, **body}}) == details


async def test_the_expression_that_is_tried_knows_no_state(client: Client) -> None:
    answer = await client.details("POST", "/billable_metrics/evaluate_expression", {"expression": "state.amount"})
    assert answer == {"expression": ["invalid_expression"]}


BAD_PAIR = {"charge_model": ["invalid_aggregation_type_or_charge_model"]}


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"charge_model": "standard", "properties": {"amount": "1"}}, BAD_PAIR),
        ({"properties": {}}, {"properties": ["missing_custom_properties"]}),
        ({"properties": {"custom_properties": {"price": "dear"}}}, {"properties": ["missing_custom_properties"]}),
        ({"properties": {"custom_properties": []}}, {"properties": ["invalid_custom_properties"]}),
        ({"properties": {"custom_properties": {"price": 1.5}}}, {"properties": ["invalid_custom_properties"]}),
        ({"prorated": True}, {"prorated": ["invalid_billable_metric_or_charge_model"]}),
        (
            {"filters": [{"values": {"region": ["eu"]}, "properties": {}}]},
            {"properties": ["missing_custom_properties"]},
        ),
    ],
)
async def test_refused_charges(opted_in: Client, body: dict[str, Any], details: object) -> None:
    metric = await create(opted_in, filters=[{"key": "region", "values": ["eu"]}])
    assert await opted_in.details("POST", "/plans", {"plan": {**PLAN, "charges": [custom(metric, **body)]}}) == details


async def test_a_custom_charge_needs_a_custom_metric(client: Client) -> None:
    metric = (await client.ok("POST", "/billable_metrics", {"billable_metric": SUM}))["billable_metric"]
    assert await client.details("POST", "/plans", {"plan": {**PLAN, "charges": [custom(metric)]}}) == BAD_PAIR


async def test_life_of_a_charge(opted_in: Client) -> None:
    metric = await create(opted_in)
    plan = (await opted_in.ok("POST", "/plans", {"plan": {**PLAN, "charges": [custom(metric, 3, amount="9")]}}))["plan"]
    [charge] = plan["charges"]
    assert (charge["charge_model"], charge["properties"]) == ("custom", {"custom_properties": {"price": 3}})
    change = {"properties": {"custom_properties": {"price": "2.5", "note": "x"}, "pricing_group_keys": ["team"]}}
    changed = (await opted_in.ok("PUT", "/plans/p/charges/seats", {"charge": change}))["charge"]
    assert changed["properties"] == {**change["properties"], "grouped_by": ["team"]}


async def test_usage_and_estimates(metered: Client) -> None:
    """Noon of 16 March: half of the month."""
    metric = await create(metered)
    charges = [custom(metric, "2", code="arrears"), custom(metric, "3", code="advance", pay_in_advance=True)]
    await metered.ok("POST", "/plans", {"plan": {**PLAN, "charges": charges}})
    subscription = {"external_customer_id": "c1", "external_id": "s1", "plan_code": "p"}
    body = {"subscription": {**subscription, "subscription_at": "2024-03-01T00:00:00Z"}}
    await metered.ok("POST", "/subscriptions", body)
    for number, seats in enumerate((4, "1.50", "many", None, "-0.5")):
        event = {"transaction_id": str(number), "code": "seats", "external_subscription_id": "s1"}
        sent = {**event, "timestamp": 1709600000 + number, "properties": {"seats": seats}}
        await metered.ok("POST", "/events", {"event": sent})
    usage = (await metered.ok("GET", "/customers/c1/current_usage?external_subscription_id=s1"))["customer_usage"]
    figures = {one["charge"]["code"]: one for one in usage["charges_usage"]}
    assert {code: (one["units"], one["events_count"], one["amount_cents"]) for code, one in figures.items()} == {
        "arrears": ("5.0", 3, 1000),
        "advance": ("5.0", 3, 1500),
    }
    assert figures["arrears"]["billable_metric"]["aggregation_type"] == "custom_agg"
    projected = await metered.ok("GET", "/customers/c1/projected_usage?external_subscription_id=s1")
    ahead = {one["charge"]["code"]: one for one in projected["customer_projected_usage"]["charges_usage"]}
    assert ahead["arrears"]["projected_units"] == "9.69", "31 days of 16"
    assert ahead["arrears"]["projected_amount_cents"] == 1938, "the amount as such, not that of the units"
    sample: dict[str, Any] = {"code": "seats", "external_subscription_id": "s1", "properties": {"seats": 2}}
    [fee] = (await metered.ok("POST", "/events/estimate_fees", {"event": sample}))["fees"]
    assert (fee["units"], fee["amount_cents"], fee["precise_unit_amount"]) == ("2.0", 600, "3.0")
    none = {"event": {**sample, "properties": {"seats": "many"}}}
    assert (await metered.ok("POST", "/events/estimate_fees", none))["fees"] == []
    instant = await metered.details("POST", "/events/estimate_instant_fees", {"event": sample})
    assert instant == {"code": ["does_not_match_an_instant_charge"]}
