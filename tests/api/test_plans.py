"""Plans and their charges over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, Founder

PLAN = {"name": "Pro", "code": "pro", "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR"}
METRIC = {
    "name": "Calls",
    "code": "calls",
    "aggregation_type": "sum_agg",
    "field_name": "n",
    "filters": [{"key": "region", "values": ["eu", "us"]}],
}


@pytest.fixture
async def metric(client: Client) -> str:
    body = await client.ok("POST", "/billable_metrics", {"billable_metric": METRIC})
    return str(body["billable_metric"]["lago_id"])


async def create(client: Client, **body: object) -> Any:
    return (await client.ok("POST", "/plans", {"plan": {**PLAN, **body}}))["plan"]


async def change(client: Client, **body: object) -> Any:
    return (await client.ok("PUT", "/plans/pro", {"plan": body}))["plan"]


def charge(metric: str, **body: object) -> dict[str, object]:
    return {"billable_metric_id": metric, "charge_model": "standard", "properties": {"amount": "1.5"}, **body}


async def test_life_of_a_plan(client: Client) -> None:
    made = await create(client, trial_period=7.5, metadata={"a": "1", "b": None}, bill_charges_monthly=False)
    assert (made["trial_period"], made["metadata"], made["pay_in_advance"]) == (7.5, {"a": "1", "b": None}, False)
    assert (await client.ok("GET", "/plans/pro"))["plan"] == made
    listed = await client.ok("GET", "/plans")
    assert listed["plans"] == [{key: value for key, value in made.items() if key != "fixed_charges"}]
    changed = await change(client, code="max", amount_cents="2000", metadata=None)
    assert (changed["lago_id"], changed["code"], changed["amount_cents"]) == (made["lago_id"], "max", 2000)
    assert "metadata" not in changed
    assert (await client.refused(404, "GET", "/plans/pro"))["code"] == "plan_not_found"
    removed = (await client.ok("DELETE", "/plans/max"))["plan"]
    assert removed == changed
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"plan": {"name": "x"}})):
        assert (await client.refused(404, method, "/plans/max", body))["code"] == "plan_not_found"
    assert (await create(client, code="max"))["lago_id"] != made["lago_id"], "its code is free"


@pytest.mark.parametrize(
    ("body", "monthly", "why"),
    [
        ({"interval": "monthly", "bill_charges_monthly": True}, (None, None), "no choice"),
        ({"interval": "quarterly", "bill_fixed_charges_monthly": True}, (None, None), "no choice"),
        ({"interval": "yearly"}, (False, False), "not asked for"),
        ({"interval": "yearly", "bill_charges_monthly": None}, (False, False), "null is not asked for"),
        ({"interval": "semiannual", "bill_charges_monthly": True}, (True, False), "each by itself"),
        ({"interval": "yearly", "bill_fixed_charges_monthly": True}, (False, True), "each by itself"),
    ],
)
async def test_what_is_billed_monthly(
    client: Client, body: dict[str, Any], monthly: tuple[bool | None, bool | None], why: str
) -> None:
    made = await create(client, **body)
    assert (made["bill_charges_monthly"], made["bill_fixed_charges_monthly"]) == monthly, why
    changed = await change(client, interval="weekly")
    assert (changed["bill_charges_monthly"], changed["bill_fixed_charges_monthly"]) == (None, None), why


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (
            {"name": None, "code": "", "interval": None, "amount_cents": None, "amount_currency": None},
            {name: ["value_is_mandatory"] for name in ("name", "code", "interval", "amount_cents", "amount_currency")},
        ),
        ({"interval": "hourly"}, {"interval": ["value_is_invalid"]}),
        ({"amount_cents": -1}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"amount_cents": 10.5}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_cents": 2**63}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"amount_cents": "1e400"}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_cents": [1]}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_currency": "XXX"}, {"amount_currency": ["value_is_invalid"]}),
        ({"amount_currency": "eur"}, {"amount_currency": ["value_is_invalid"]}),
        ({"trial_period": -1}, {"trial_period": ["value_is_out_of_range"]}),
        ({"pay_in_advance": "perhaps"}, {"pay_in_advance": ["value_is_invalid"]}),
        ({"metadata": {"k": 1}}, {"metadata": ["value_is_invalid"]}),
        ({"metadata": {"k" * 101: ""}}, {"metadata": ["value_is_too_long"]}),
        ({"metadata": {str(n): "" for n in range(51)}}, {"metadata": ["invalid_count"]}),
        ({"charges": {"a": 1}}, {"charges": ["value_is_invalid"]}),
        ({"minimum_commitment": {"amount_cents": 0}}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"minimum_commitment": {"amount_cents": -5}}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"minimum_commitment": {"amount_cents": "x"}}, {"amount_cents": ["value_is_invalid"]}),
        ({"minimum_commitment": {"invoice_display_name": "M"}}, {"amount_cents": ["value_is_mandatory"]}),
        ({"minimum_commitment": [1]}, {"minimum_commitment": ["value_is_invalid"]}),
        ({"usage_thresholds": [{"amount_cents": 1}]}, {"usage_thresholds": ["feature_unavailable"]}),
        ({"fixed_charges": "x"}, {"fixed_charges": ["value_is_invalid"]}),
    ],
)
async def test_refused(client: Client, body: dict[str, Any], details: object) -> None:
    assert await client.details("POST", "/plans", {"plan": {**PLAN, **body}}) == details
    assert (await client.ok("GET", "/plans"))["meta"]["total_count"] == 0


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"charge_model": None}, {"charge_model": ["value_is_mandatory"]}),
        ({"charge_model": "flat"}, {"charge_model": ["value_is_invalid"]}),
        ({"properties": {"amount": 1.5}}, {"properties": ["invalid_amount"]}),
        ({"properties": {"amount": "-1"}}, {"properties": ["invalid_amount"]}),
        ({"properties": ["x"]}, {"properties": ["value_is_invalid"]}),
        ({"properties": {"amount": "1", "pricing_group_keys": [""]}}, {"properties": ["invalid_type"]}),
        (
            {"charge_model": "graduated", "properties": {"graduated_ranges": []}},
            {"properties": ["missing_graduated_ranges"]},
        ),
        ({"filters": [{"values": {"region": ["mars"]}}]}, {"values": ["value_is_invalid"]}),
        ({"filters": [{"values": {"planet": ["eu"]}}]}, {"values": ["value_is_invalid"]}),
        ({"filters": [{"values": {"planet": ["__ALL_FILTER_VALUES__"]}}]}, {"values": ["value_is_invalid"]}),
        ({"filters": [{"values": {"region": []}}]}, {"values": ["value_is_mandatory"]}),
        ({"filters": [{"values": {}}]}, {"values": ["value_is_mandatory"]}),
        ({"filters": [{"values": {"region": [{"a": 1}]}}]}, {"values": ["value_is_invalid"]}),
        (
            {"filters": [{"values": {"region": ["eu"]}, "properties": {"amount": "x"}}]},
            {"properties": ["invalid_amount"]},
        ),
        (
            {"pay_in_advance": "true", "regroup_paid_fees": "invoice"},
            {"regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"]},
        ),
        ({"prorated": "true"}, {"prorated": ["invalid_billable_metric_or_charge_model"]}),
        ({"min_amount_cents": -1}, {"min_amount_cents": ["value_is_out_of_range"]}),
        ({"invoiceable": False}, {"invoiceable": ["must_be_true_unless_pay_in_advance"]}),
        ({"charge_model": "custom"}, {"charge_model": ["invalid_aggregation_type_or_charge_model"]}),
        ({"accepts_target_wallet": True}, {"accepts_target_wallet": ["feature_unavailable"]}),
        ({"applied_pricing_unit": {"conversion_rate": 1}}, {"code": ["value_is_mandatory"]}),
        (
            {"charge_model": "percentage", "properties": {"rate": "1", "free_units_per_events": "1"}},
            {"properties": ["invalid_free_units_per_events"]},
        ),
    ],
)
async def test_refused_charges(client: Client, metric: str, body: dict[str, Any], details: object) -> None:
    assert await client.details("POST", "/plans", {"plan": {**PLAN, "charges": [charge(metric, **body)]}}) == details
    assert (await client.ok("GET", "/plans"))["meta"]["total_count"] == 0


async def test_what_charges_name_must_exist(client: Client, metric: str, found: Founder) -> None:
    other = await (await found()).ok("POST", "/billable_metrics", {"billable_metric": METRIC})
    foreign = other["billable_metric"]["lago_id"]
    for metric_id in (None, "x", 5, foreign, "01a1ff4c-f5cd-75a0-8e3e-4fff252b8743"):
        body = {"plan": {**PLAN, "charges": [charge(metric), {**charge(metric), "billable_metric_id": metric_id}]}}
        assert (await client.refused(404, "POST", "/plans", body))["code"] == "billable_metrics_not_found", metric_id
    taxed = {"plan": {**PLAN, "charges": [charge(metric, tax_codes=["vat"])]}}
    assert (await client.refused(404, "POST", "/plans", taxed))["code"] == "tax_not_found"
    assert (await client.refused(404, "POST", "/plans", {"plan": {**PLAN, "tax_codes": ["x"]}}))[
        "code"
    ] == "tax_not_found"
    assert (await client.ok("GET", "/plans"))["meta"]["total_count"] == 0


async def test_codes_of_charges(client: Client, metric: str) -> None:
    charges = [charge(metric), charge(metric, code="calls_2"), charge(metric), charge(metric, code="own")]
    made = await create(client, charges=charges)
    assert [one["code"] for one in made["charges"]] == ["calls", "calls_2", "calls_3", "own"]
    twice = {**PLAN, "code": "x", "charges": [charge(metric, code="a"), charge(metric, code="a")]}
    assert await client.details("POST", "/plans", {"plan": twice}) == {"code": ["value_already_exist"]}


async def test_properties_are_completed_and_echoed(client: Client, metric: str) -> None:
    ranges = [
        {"from_value": 0, "to_value": 10, "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": 11, "to_value": None, "per_unit_amount": "0.50", "flat_amount": "0"},
    ]
    made = await create(
        client,
        charges=[
            charge(metric, properties={"amount": "1.50", "pricing_group_keys": ["region"], "unknown": 1}),
            charge(metric, properties=None),
            charge(metric, charge_model="package", properties={}),
            charge(metric, charge_model="graduated", properties={"graduated_ranges": ranges}),
        ],
    )
    assert [one["properties"] for one in made["charges"]] == [
        {"amount": "1.50", "pricing_group_keys": ["region"], "grouped_by": ["region"]},
        {"amount": "0"},
        {"package_size": 1, "amount": "0", "free_units": 0},
        {"graduated_ranges": ranges},
    ]


async def test_terms_of_charges(client: Client) -> None:
    metric = {**METRIC, "recurring": True}
    body = await client.ok("POST", "/billable_metrics", {"billable_metric": metric})
    metric_id = body["billable_metric"]["lago_id"]
    percentage = {"rate": "1", "free_units_per_events": 3, "per_transaction_max_amount": "2"}
    charges = [
        charge(metric_id, prorated=True, min_amount_cents="500", invoice_display_name="Seats"),
        charge(metric_id, charge_model="percentage", properties=percentage),
        charge(metric_id, charge_model="dynamic", properties=None),
    ]
    made = (await create(client, charges=charges))["charges"]
    assert (made[0]["prorated"], made[0]["min_amount_cents"], made[0]["invoice_display_name"]) == (True, 500, "Seats")
    assert (made[1]["properties"], made[2]["properties"]) == (percentage, {})
    kept = await change(client, charges=[{"id": one["lago_id"]} for one in made])
    assert kept["charges"] == made, "what an update does not name stays"


async def test_an_update_matches_charges_by_id_and_filters_by_values(client: Client, metric: str) -> None:
    filters = [
        {"values": {"region": ["eu", "us"]}, "properties": {"amount": "1"}, "invoice_display_name": "All"},
        {"values": {"region": ["eu"]}, "properties": {"amount": "2"}},
    ]
    made = await create(client, charges=[charge(metric, filters=filters), charge(metric)])
    first, second = made["charges"]
    body = {"id": first["lago_id"], "properties": {"amount": "7"}, "filters": [
        {"values": {"region": ["us", "eu"]}, "properties": {"amount": "3"}},
        {"values": {"region": ["us"]}, "properties": {"amount": "4"}},
    ]}  # fmt: skip
    changed = await change(client, charges=[body, charge(metric, charge_model="volume", properties=None)])
    kept, added = changed["charges"]
    assert (kept["lago_id"], kept["code"], kept["created_at"]) == (first["lago_id"], "calls", first["created_at"])
    assert kept["properties"] == {"amount": "7"}
    assert kept["filters"][0]["lago_id"] == first["filters"][0]["lago_id"]
    assert kept["filters"][0]["properties"] == {"amount": "3"}
    assert kept["filters"][0]["invoice_display_name"] == "All"
    assert kept["filters"][1]["lago_id"] != first["filters"][1]["lago_id"]
    assert added["lago_id"] != second["lago_id"], "what is not named is gone"
    assert (added["charge_model"], added["code"]) == ("volume", "calls_2")
    assert (await change(client, name="Same"))["charges"] == changed["charges"]
    assert (await change(client, charges=None))["charges"] == changed["charges"], "null is as if it were not there"
    assert (await change(client, charges=[]))["charges"] == []


async def test_once_subscribed_prices_change_and_terms_do_not(client: Client, metric: str) -> None:
    made = await create(client, charges=[charge(metric)])
    subscription = {"external_customer_id": "c", "external_id": "s", "plan_code": "pro"}
    await client.ok("POST", "/subscriptions", {"subscription": subscription})
    shown = (await client.ok("GET", "/plans/pro"))["plan"]
    assert (shown["active_subscriptions_count"], shown["customers_count"]) == (1, 1)
    kept = {"id": made["charges"][0]["lago_id"], "charge_model": "volume", "code": "x", "properties": {"amount": "9"}}
    changed = await change(
        client, name="New", code="new", interval="yearly", amount_currency="USD", amount_cents=5, charges=[kept]
    )
    assert (changed["name"], changed["amount_cents"]) == ("New", 5)
    assert (changed["code"], changed["interval"], changed["amount_currency"]) == ("pro", "monthly", "EUR")
    frozen = changed["charges"][0]
    assert (frozen["charge_model"], frozen["code"], frozen["properties"]) == ("standard", "calls", {"amount": "9"})


async def test_another_organization_sees_nothing(client: Client, found: Founder) -> None:
    await create(client)
    other = await found()
    assert (await other.refused(404, "GET", "/plans/pro"))["code"] == "plan_not_found"
    assert (await other.refused(404, "DELETE", "/plans/pro"))["code"] == "plan_not_found"
    await create(other)
    assert await client.details("POST", "/plans", {"plan": PLAN}) == {"code": ["value_already_exist"]}


async def test_a_minimum_commitment(client: Client) -> None:
    await client.ok("POST", "/taxes", {"tax": {"name": "VAT", "code": "vat", "rate": "20"}})
    body = {"amount_cents": "5000", "invoice_display_name": "Minimum", "tax_codes": ["vat"]}
    made = await create(client, minimum_commitment=body)
    commitment = made["minimum_commitment"]
    assert {
        name: value for name, value in commitment.items() if name not in ("lago_id", "created_at", "updated_at")
    } == {
        "plan_code": "pro",
        "commitment_type": "minimum_commitment",
        "amount_cents": 5000,
        "interval": "monthly",
        "invoice_display_name": "Minimum",
        "taxes": commitment["taxes"],
    }
    assert [tax["code"] for tax in commitment["taxes"]] == ["vat"]
    assert (await client.ok("GET", "/plans/pro"))["plan"]["minimum_commitment"] == commitment
    assert (await client.ok("GET", "/plans"))["plans"][0]["minimum_commitment"] == commitment
    subscription = {"external_customer_id": "c", "plan_code": "pro", "external_id": "s"}
    begun = (await client.ok("POST", "/subscriptions", {"subscription": subscription}))["subscription"]
    assert begun["plan"]["minimum_commitment"] == commitment
    assert (await change(client, name="Q"))["minimum_commitment"] == commitment, "what a body leaves out stays"
    await client.ok("DELETE", "/taxes/vat")
    changed = (await change(client, minimum_commitment={"amount_cents": 6000}))["minimum_commitment"]
    assert changed["updated_at"] >= commitment["updated_at"]
    assert changed | {"updated_at": None} == commitment | {"amount_cents": 6000, "taxes": [], "updated_at": None}


@pytest.mark.parametrize("nothing", [None, {}])
async def test_a_commitment_that_is_taken_back(client: Client, nothing: object) -> None:
    assert "minimum_commitment" not in await create(client, code="other", minimum_commitment=nothing)
    first = (await create(client, minimum_commitment={"amount_cents": 1}))["minimum_commitment"]
    assert "minimum_commitment" not in await change(client, minimum_commitment=nothing)
    again = (await change(client, minimum_commitment={"amount_cents": 1}))["minimum_commitment"]
    assert again["lago_id"] != first["lago_id"]
    wrong = {"plan": {"minimum_commitment": {"amount_cents": None}}}
    assert await client.details("PUT", "/plans/pro", wrong) == {"amount_cents": ["value_is_mandatory"]}
    missing = {"plan": {"minimum_commitment": {"amount_cents": 1, "tax_codes": ["none"]}}}
    assert (await client.refused(404, "PUT", "/plans/pro", missing))["code"] == "tax_not_found"
