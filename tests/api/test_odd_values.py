"""No value of any field breaks the server: it is taken, or refused in the form of Lago's errors."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from urllib.parse import quote

import pytest

from domain.catalog.add_on import AddOnDetails
from domain.catalog.billable_metric import BillableMetricDetails
from domain.catalog.charge import Charge, ChargeFilter
from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import MinimumCommitment, PlanDetails
from domain.customers.customer import Address, BillingConfiguration, CustomerDetails
from domain.organizations.organization import OrganizationDetails
from tests.api.conftest import Client

VALUES: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**18, 2**63, 1e300),
    *("", " ", "x", "0", "1e999", "NaN", "\0", "\ufffe", "é" * 300, "x" * 20_000),
    *([], [None], [[]], ["x"], ["\0"], [{}], [{"id": 1, "key": [], "values": {}}]),
    *({}, {"a": None}, {"": ""}, {"a": {"b": []}}),
]
METRIC = {"name": "m", "code": "m", "aggregation_type": "sum_agg", "field_name": "f"}
FILTERS = [{"key": "a", "values": ["b"]}]
ADD_ON = {"name": "a", "code": "a", "amount_cents": 1, "amount_currency": "EUR"}
PLAN = {"name": "p", "code": "p", "interval": "monthly", "amount_cents": 1, "amount_currency": "EUR"}


def names(*kinds: type) -> list[str]:
    return sorted({field.name for kind in kinds for field in fields(kind)} | {"id", "unknown", "tax_codes"})


async def tries(client: Client, method: str, path: str, wrapper: str, body: dict[str, Any]) -> None:
    answer = await client.request(method, path, json={wrapper: body})
    error = answer.json()
    assert answer.status_code in (200, 400, 403, 404, 422), (body, answer.text)
    if answer.status_code == 422:
        assert error["code"] == "validation_errors", (body, error)
        for codes in error["error_details"].values():
            assert codes, (body, error)
            assert all(isinstance(code, str) for code in codes), (body, error)
    elif answer.status_code != 200:
        assert error["status"] == answer.status_code


@pytest.mark.parametrize("name", [*names(CustomerDetails, Address), "billing_configuration", "shipping_address"])
async def test_customer(client: Client, name: str) -> None:
    for value in VALUES:
        await tries(client, "POST", "/customers", "customer", {"external_id": "c", name: value})


@pytest.mark.parametrize("name", names(BillingConfiguration))
async def test_billing_configuration(client: Client, name: str) -> None:
    for value in VALUES:
        body = {"external_id": "c", "billing_configuration": {name: value}}
        await tries(client, "POST", "/customers", "customer", body)


@pytest.mark.parametrize("name", [*names(OrganizationDetails), "billing_configuration"])
async def test_organization(client: Client, name: str) -> None:
    for value in VALUES:
        await tries(client, "PUT", "/organizations", "organization", {name: value})
        await tries(client, "PUT", "/organizations", "organization", {"billing_configuration": {name: value}})


@pytest.mark.parametrize("name", names(BillableMetricDetails))
async def test_billable_metric(client: Client, name: str) -> None:
    for number, value in enumerate(VALUES):
        body = {**METRIC, "code": f"m{number}", name: value}
        await tries(client, "POST", "/billable_metrics", "billable_metric", body)


@pytest.mark.parametrize("name", [*names(PlanDetails), "usage_thresholds"])
async def test_plan(client: Client, name: str) -> None:
    for number, value in enumerate(VALUES):
        await tries(client, "POST", "/plans", "plan", {**PLAN, "code": f"p{number}", name: value})


@pytest.mark.parametrize("name", names(MinimumCommitment))
async def test_commitment(client: Client, name: str) -> None:
    for number, value in enumerate(VALUES):
        body = {**PLAN, "code": f"p{number}", "minimum_commitment": {"amount_cents": 1, name: value}}
        await tries(client, "POST", "/plans", "plan", body)


@pytest.mark.parametrize("name", names(AddOnDetails))
async def test_add_on(client: Client, name: str) -> None:
    for number, value in enumerate(VALUES):
        body = {**ADD_ON, "code": f"a{number}", name: value}
        await tries(client, "POST", "/add_ons", "add_on", body)


@pytest.mark.parametrize("name", names(Charge))
async def test_charge(client: Client, name: str) -> None:
    metric = await client.ok("POST", "/billable_metrics", {"billable_metric": {**METRIC, "filters": FILTERS}})
    charge = {"billable_metric_id": metric["billable_metric"]["lago_id"], "charge_model": "standard"}
    for number, value in enumerate(VALUES):
        body = {**PLAN, "code": f"p{number}", "charges": [{**charge, name: value}]}
        await tries(client, "POST", "/plans", "plan", body)


@pytest.mark.parametrize("model", ["standard", "graduated", "graduated_percentage", "package", "percentage", "volume"])
async def test_properties(client: Client, model: str) -> None:
    metric = await client.ok("POST", "/billable_metrics", {"billable_metric": {**METRIC, "filters": FILTERS}})
    charge = {"billable_metric_id": metric["billable_metric"]["lago_id"], "charge_model": model}
    keys = ["amount", "rate", f"{model}_ranges", "package_size", "free_units", "fixed_amount", "pricing_group_keys",
            "grouped_by", "presentation_group_keys"]  # fmt: skip
    for number, (key, value) in enumerate((key, value) for key in keys for value in VALUES):
        for charged in (
            {"properties": {key: value}},
            {"filters": [{"values": {"a": ["b"]}, "properties": {key: value}}]},
        ):
            body = {**PLAN, "code": f"p{number}", "charges": [{**charge, **charged}]}
            await tries(client, "POST", "/plans", "plan", body)


async def test_charges_and_filters_by_themselves(client: Client) -> None:
    metric = await client.ok("POST", "/billable_metrics", {"billable_metric": {**METRIC, "filters": FILTERS}})
    await client.ok("POST", "/pricing_units", {"pricing_unit": {"name": "u", "code": "u", "short_name": "u"}})
    charge = {"billable_metric_id": metric["billable_metric"]["lago_id"], "charge_model": "standard", "code": "c"}
    filters = [{"values": {"a": ["b"]}, "properties": {"amount": "1"}}]
    made = await client.ok("POST", "/plans", {"plan": {**PLAN, "charges": [{**charge, "filters": filters}]}})
    of_filter = f"/plans/p/charges/c/filters/{made['plan']['charges'][0]['filters'][0]['lago_id']}"
    subscription = {"external_customer_id": "c", "external_id": "s", "plan_code": "p"}
    await client.ok("POST", "/subscriptions", {"subscription": subscription})
    for value in VALUES:
        for name in names(Charge):
            await tries(client, "PUT", "/subscriptions/s/charges/c", "charge", {name: value})
        for name in names(ChargeFilter):
            await tries(client, "PUT", of_filter, "filter", {name: value})
        for key in ("code", "conversion_rate"):
            applied = {"code": "u", "conversion_rate": "1", key: value}
            await tries(client, "PUT", "/plans/p/charges/c", "charge", {"applied_pricing_unit": applied})


FIXED_CHARGE = [*names(FixedCharge), "units", "apply_units_immediately", "add_on_code"]


async def test_fixed_charges(client: Client) -> None:
    add_on = (await client.ok("POST", "/add_ons", {"add_on": ADD_ON}))["add_on"]
    fixed = {"add_on_id": add_on["lago_id"], "charge_model": "standard", "code": "f"}
    plan = {"plan": {**PLAN, "code": "own", "fixed_charges": [fixed]}}
    fixed_charge_id = (await client.ok("POST", "/plans", plan))["plan"]["fixed_charges"][0]["lago_id"]
    subscription = {"external_customer_id": "c", "external_id": "s", "plan_code": "own"}
    await client.ok("POST", "/subscriptions", {"subscription": subscription})
    for number, value in enumerate(VALUES):
        for name in FIXED_CHARGE:
            body = {**PLAN, "code": f"p{number}", "fixed_charges": [{**fixed, name: value}]}
            await tries(client, "POST", "/plans", "plan", body)
            known = {"fixed_charges": [{"id": fixed_charge_id, "code": "f", name: value}]}
            await tries(client, "PUT", "/plans/own", "plan", known | {"cascade_updates": True})
            if name != "id":
                await tries(client, "PUT", "/subscriptions/s/fixed_charges/f", "fixed_charge", {name: value})


async def test_plan_overrides(client: Client) -> None:
    metric = await client.ok("POST", "/billable_metrics", {"billable_metric": {**METRIC, "filters": FILTERS}})
    add_on = (await client.ok("POST", "/add_ons", {"add_on": ADD_ON}))["add_on"]
    charge = {"billable_metric_id": metric["billable_metric"]["lago_id"], "charge_model": "standard"}
    fixed = {"add_on_id": add_on["lago_id"], "charge_model": "standard"}
    body = {"plan": {**PLAN, "charges": [charge], "fixed_charges": [fixed]}}
    plan = (await client.ok("POST", "/plans", body))["plan"]
    charge_id, fixed_charge_id = plan["charges"][0]["lago_id"], plan["fixed_charges"][0]["lago_id"]
    subscription = {"external_customer_id": "c", "external_id": "s", "plan_code": "p"}
    await client.ok("POST", "/subscriptions", {"subscription": subscription})
    for number, value in enumerate(VALUES):
        new = {"external_customer_id": "c", "external_id": f"s{number}", "plan_code": "p", "plan_overrides": value}
        await tries(client, "POST", "/subscriptions", "subscription", new)
        overridden: list[object] = [{name: value} for name in [*names(PlanDetails), "usage_thresholds"]]
        overridden += [{"minimum_commitment": {"amount_cents": 1, name: value}} for name in names(MinimumCommitment)]
        overridden += [{"charges": [{"id": charge_id, name: value}]} for name in names(Charge)]
        overridden += [{"fixed_charges": [{"id": fixed_charge_id, name: value}]} for name in FIXED_CHARGE]
        for own in (value, *overridden):
            await tries(client, "PUT", "/subscriptions/s", "subscription", {"plan_overrides": own})


async def test_events_are_looked_for_by_texts_of_any_length(metered: Client) -> None:
    texts = [value for value in VALUES if isinstance(value, str)]
    for text in [*texts, "é" * 5_000, "{a:String} '\\ %(a)s"]:
        for name in ("code", "external_subscription_id", "timestamp_from", "timestamp_to", "timestamp_from_started_at"):
            answer = await metered.request("GET", "/events", params={name: text})
            assert answer.status_code in (200, 422), (name, text, answer.text)
        answer = await metered.request("GET", f"/events/{quote(text or 'none', safe='')}")
        assert answer.status_code in (404, 422), (text, answer.text)


EVENT = ("transaction_id", "code", "external_subscription_id", "timestamp", "precise_total_amount_cents", "properties")
NARROWING = ("filter_by_charge_id", "billable_metric_code", "group", "filter_by_presentation", "full_usage")


async def test_estimates_and_usage(metered: Client) -> None:
    metric = await metered.ok("POST", "/billable_metrics", {"billable_metric": METRIC})
    charge = {"billable_metric_id": metric["billable_metric"]["lago_id"], "charge_model": "standard"}
    await metered.ok("POST", "/plans", {"plan": {**PLAN, "charges": [{**charge, "pay_in_advance": True}]}})
    subscription = {"external_customer_id": "c", "external_id": "s", "plan_code": "p"}
    await metered.ok("POST", "/subscriptions", {"subscription": subscription})
    event = {"code": "m", "external_subscription_id": "s", "properties": {"f": 1}}
    for value in VALUES:
        for name in EVENT:
            await tries(metered, "POST", "/events/estimate_instant_fees", "event", {**event, name: value})
        await tries(metered, "POST", "/events/estimate_fees", "event", {**event, "properties": {"f": value}})
        await tries(metered, "POST", "/events/batch_estimate_instant_fees", "events", value)
        for name in (*NARROWING, "periods_count"):
            body = {"external_subscription_id": "s", name: value}
            path = "past_usage" if name == "periods_count" else "current_usage"
            answer = await metered.request("GET", f"/customers/c/{path}", json=body)
            assert answer.status_code in (200, 400, 404, 405, 422), (body, answer.text)
