"""Charges and their filters over HTTP: of plans, and in force for one subscription."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client

PLAN = {"name": "Pro", "code": "pro", "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR"}
METRIC = {
    "name": "Calls",
    "code": "calls",
    "aggregation_type": "sum_agg",
    "field_name": "n",
    "filters": [{"key": "region", "values": ["eu", "us"]}],
}
EU, US = ({"region": ["eu"]}, {"region": ["us"]})


@pytest.fixture
async def metric(client: Client) -> str:
    body = await client.ok("POST", "/billable_metrics", {"billable_metric": METRIC})
    return str(body["billable_metric"]["lago_id"])


@pytest.fixture
async def charge(client: Client, metric: str) -> Any:
    """The one charge of the plan `pro`, with a filter for `eu`."""
    body = standard(metric, "1", filters=[{"values": EU, "properties": {"amount": "2"}}])
    plan = await client.ok("POST", "/plans", {"plan": {**PLAN, "charges": [body]}})
    return plan["plan"]["charges"][0]


def standard(metric: str, amount: str = "1", **body: object) -> dict[str, object]:
    return {"billable_metric_id": metric, "charge_model": "standard", "properties": {"amount": amount}, **body}


async def subscribe(client: Client, external_id: str = "s1") -> Any:
    body = {"external_customer_id": "c1", "external_id": external_id, "plan_code": "pro"}
    return (await client.ok("POST", "/subscriptions", {"subscription": body}))["subscription"]


async def override(client: Client, **body: object) -> Any:
    return (await client.ok("PUT", "/subscriptions/s1/charges/calls", {"charge": body}))["charge"]


def prices(charge: Any) -> tuple[str, dict[str, str]]:
    """Its amount, and those of its filters by region."""
    filters = {",".join(one["values"]["region"]): one["properties"]["amount"] for one in charge["filters"]}
    return charge["properties"]["amount"], filters


async def in_force(client: Client, subscription: str = "s1") -> list[Any]:
    return list((await client.ok("GET", f"/subscriptions/{subscription}/charges"))["charges"])


async def test_life_of_a_charge(client: Client, metric: str, charge: Any) -> None:
    body = standard(metric, "3", code="own", invoice_display_name="Mine", unknown=1)
    made = (await client.ok("POST", "/plans/pro/charges", {"charge": body}))["charge"]
    assert (made["code"], made["invoice_display_name"], made["lago_parent_id"]) == ("own", "Mine", None)
    assert (await client.ok("GET", "/plans/pro/charges/own"))["charge"] == made
    listed = await client.ok("GET", "/plans/pro/charges", params={"per_page": 1})
    assert (listed["charges"], listed["meta"]["total_count"]) == ([made], 2), "the newest first"
    assert (await client.ok("GET", "/plans/pro"))["plan"]["charges"] == [charge, made]
    body = {"charge_model": "package", "properties": {"amount": "5", "package_size": 10, "free_units": 0}}
    changed = (await client.ok("PUT", "/plans/pro/charges/own", {"charge": {**body, "code": "new"}}))["charge"]
    assert (changed["lago_id"], changed["code"], changed["charge_model"]) == (made["lago_id"], "new", "package")
    assert changed["invoice_display_name"] == "Mine"
    assert (await client.ok("DELETE", "/plans/pro/charges/new"))["charge"] == changed
    assert [one["code"] for one in (await client.ok("GET", "/plans/pro/charges"))["charges"]] == ["calls"]
    for number, code in enumerate((None, "", "  "), start=2):
        without = (await client.ok("POST", "/plans/pro/charges", {"charge": standard(metric, code=code)}))["charge"]
        assert without["code"] == f"calls_{number}"
    kept = (await client.ok("PUT", "/plans/pro/charges/calls_2", {"charge": {"code": " "}}))["charge"]
    assert kept["code"] == "calls_2"


async def test_what_is_missing(client: Client, metric: str, charge: Any) -> None:
    await subscribe(client)
    filter_id = charge["filters"][0]["lago_id"]
    for place in ("/plans/pro", "/subscriptions/s1"):
        for method, path, wrapper, code in (
            ("GET", "/charges/x", None, "charge_not_found"),
            ("PUT", "/charges/x", "charge", "charge_not_found"),
            ("GET", "/charges/x/filters", None, "charge_not_found"),
            ("POST", "/charges/x/filters", "filter", "charge_not_found"),
            ("GET", f"/charges/x/filters/{filter_id}", None, "charge_not_found"),
            ("GET", f"/charges/calls/filters/{metric}", None, "charge_filter_not_found"),
            ("PUT", f"/charges/calls/filters/{metric}", "filter", "charge_filter_not_found"),
            ("DELETE", f"/charges/calls/filters/{metric}", None, "charge_filter_not_found"),
            ("DELETE", "/charges/calls/filters/none", None, "charge_filter_not_found"),
        ):
            body = {wrapper: {"invoice_display_name": "x", "values": EU}} if wrapper else None
            assert (await client.refused(404, method, f"{place}{path}", body))["code"] == code, (place, method, path)
    for metric_id in (None, "x", filter_id):
        new: Any = {"charge": standard(metric) | {"billable_metric_id": metric_id}}
        assert (await client.refused(404, "POST", "/plans/pro/charges", new))["code"] == "billable_metric_not_found"
    for unit in ("none", 1, 1.5):  # a number is a code like another, and no reason to price in money
        new = {"charge": standard(metric, applied_pricing_unit={"code": unit, "conversion_rate": "1"})}
        assert (await client.refused(404, "POST", "/plans/pro/charges", new))["code"] == "pricing_unit_not_found"
    for path in ("/subscriptions/s1/charges/calls?subscription_status=pending", "/subscriptions/s2/charges"):
        assert (await client.refused(404, "GET", path))["code"] == "subscription_not_found"


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"code": "calls"}, {"code": ["value_already_exist"]}),
        ({"charge_model": None}, {"charge_model": ["value_is_mandatory"]}),
        ({"charge_model": "custom"}, {"charge_model": ["invalid_aggregation_type_or_charge_model"]}),
        ({"properties": {"amount": 1}}, {"properties": ["invalid_amount"]}),
        ({"charge_model": "percentage"}, {"properties": ["invalid_rate"]}),
        ({"charge_model": "graduated"}, {"properties": ["missing_graduated_ranges"]}),
        (
            {"charge_model": "volume", "pay_in_advance": True},
            {
                "properties": ["missing_volume_ranges"],
                "pay_in_advance": ["invalid_aggregation_type_or_charge_model"],
            },
        ),
        (
            {"pay_in_advance": True, "min_amount_cents": 1},
            {"min_amount_cents": ["not_compatible_with_pay_in_advance"]},
        ),
        ({"min_amount_cents": -1}, {"min_amount_cents": ["value_is_out_of_range"]}),
        ({"invoiceable": False}, {"invoiceable": ["must_be_true_unless_pay_in_advance"]}),
        (
            {"pay_in_advance": True, "regroup_paid_fees": "invoice"},
            {"regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"]},
        ),
        ({"regroup_paid_fees": "x"}, {"regroup_paid_fees": ["value_is_invalid"]}),
        ({"prorated": True}, {"prorated": ["invalid_billable_metric_or_charge_model"]}),
        ({"accepts_target_wallet": True}, {"accepts_target_wallet": ["feature_unavailable"]}),
        ({"filters": [{"values": {"region": ["mars"]}}]}, {"values": ["value_is_invalid"]}),
        ({"filters": [{"values": {}}]}, {"values": ["value_is_mandatory"]}),
        ({"properties": {"amount": "1", "pricing_group_keys": "x"}}, {"properties": ["invalid_type"]}),
        (
            {"properties": {"amount": "1", "presentation_group_keys": [{"value": one} for one in "abc"]}},
            {"properties": ["too_many_keys"]},
        ),
        (
            {"properties": {"amount": "1", "presentation_group_keys": [{"value": "a"}, {"value": "a"}]}},
            {"properties": ["value_is_duplicated"]},
        ),
        (
            {"applied_pricing_unit": {"code": "credits"}},
            {"conversion_rate": ["value_is_mandatory"]},
        ),
        (
            {"applied_pricing_unit": {"code": "credits", "conversion_rate": "0"}},
            {"conversion_rate": ["value_is_out_of_range"]},
        ),
        ({"applied_pricing_unit": {"conversion_rate": "1"}}, {"code": ["value_is_mandatory"]}),
    ],
)
async def test_refused(
    client: Client, metric: str, charge: Any, body: dict[str, Any], details: dict[str, list[str]]
) -> None:
    await credits_of(client)
    assert await client.details("POST", "/plans/pro/charges", {"charge": standard(metric) | body}) == details
    assert (await client.ok("GET", "/plans/pro"))["plan"]["charges"] == [charge]


async def credits_of(client: Client) -> Any:
    unit = {"name": "Credits", "code": "credits", "short_name": "CR", "description": "What is used up"}
    return (await client.ok("POST", "/pricing_units", {"pricing_unit": unit}))["pricing_unit"]


async def test_what_goes_with_charges_in_advance(client: Client, metric: str, charge: Any) -> None:
    body: Any = standard(metric, pay_in_advance=True, invoiceable=False, regroup_paid_fees="invoice")
    made = (await client.ok("POST", "/plans/pro/charges", {"charge": body}))["charge"]
    assert (made["pay_in_advance"], made["invoiceable"], made["regroup_paid_fees"]) == (True, False, "invoice")
    latest = {**METRIC, "code": "latest", "aggregation_type": "latest_agg"}
    other = (await client.ok("POST", "/billable_metrics", {"billable_metric": latest}))["billable_metric"]["lago_id"]
    for body, details in (
        ({"pay_in_advance": True}, {"pay_in_advance": ["invalid_aggregation_type_or_charge_model"]}),
        ({"charge_model": "percentage", "properties": {"rate": "1"}}, {"properties": ["invalid_value"]}),
        ({"charge_model": "dynamic"}, {"charge_model": ["invalid_aggregation_type_or_charge_model"]}),
    ):
        assert await client.details("POST", "/plans/pro/charges", {"charge": standard(other) | body}) == details


async def test_life_of_a_filter(client: Client, charge: Any) -> None:
    path = "/plans/pro/charges/calls/filters"
    first = charge["filters"][0]
    body = {"values": US, "properties": {"amount": "3"}, "invoice_display_name": "States"}
    made = (await client.ok("POST", path, {"filter": body}))["filter"]
    assert made | body == made
    assert made["charge_code"] == "calls"
    assert (await client.ok("GET", f"{path}/{made['lago_id']}"))["filter"] == made
    listed = await client.ok("GET", path, params={"page": 2, "per_page": 1})
    assert (listed["filters"], listed["meta"]["total_pages"]) == ([made], 2)
    changed = (await client.ok("PUT", f"{path}/{made['lago_id']}", {"filter": {"properties": {"amount": "4"}}}))[
        "filter"
    ]
    assert changed == made | {"properties": {"amount": "4"}}
    wider = {"values": {"region": ["us", "eu"]}, "properties": {"amount": "4", "presentation_group_keys": []}}
    changed = (await client.ok("PUT", f"{path}/{made['lago_id']}", {"filter": wider}))["filter"]
    assert (changed["values"], changed["properties"]) == (wider["values"], {"amount": "4"})
    assert (await client.ok("GET", "/plans/pro/charges/calls"))["charge"]["filters"] == [first, changed]
    assert (await client.ok("DELETE", f"{path}/{first['lago_id']}"))["filter"] == first
    assert (await client.ok("GET", path))["filters"] == [changed]
    for wrong, details in (
        ({"properties": {"amount": "1"}}, {"values": ["value_is_mandatory"]}),
        ({"values": {"region": ["mars"]}}, {"values": ["value_is_invalid"]}),
        ({"values": EU, "properties": {"amount": "x"}}, {"properties": ["invalid_amount"]}),
    ):
        assert await client.details("POST", path, {"filter": wrong}) == details


async def test_a_filter_that_is_changed_comes_last(client: Client, charge: Any) -> None:
    path, first = "/plans/pro/charges/calls/filters", charge["filters"][0]
    second = (await client.ok("POST", path, {"filter": {"values": US, "properties": {"amount": "3"}}}))["filter"]
    for amount, order in (("2", [first, second]), ("4", [second, first | {"properties": {"amount": "4"}}])):
        await client.ok("PUT", f"{path}/{first['lago_id']}", {"filter": {"properties": {"amount": amount}}})
        why = "of filters that match equally, the one whose change is longest ago is chosen (metering-pricing F6)"
        assert (await client.ok("GET", path))["filters"] == order, why


async def test_null_leaves_filters_alone(client: Client, charge: Any) -> None:
    body = {"filters": None, "invoice_display_name": "New"}
    assert (await client.ok("PUT", "/plans/pro/charges/calls", {"charge": body}))["charge"]["filters"]
    metric = await client.ok("PUT", "/billable_metrics/calls", {"billable_metric": {"filters": None}})
    assert metric["billable_metric"]["filters"] == METRIC["filters"]


async def test_another_model_without_a_price_has_its_default(client: Client, charge: Any) -> None:
    changed = await client.ok("PUT", "/plans/pro/charges/calls", {"charge": {"charge_model": "package", "filters": []}})
    assert changed["charge"]["properties"] == {"package_size": 1, "amount": "0", "free_units": 0}, "M2"


async def test_another_model_takes_its_own_properties_alone(client: Client, charge: Any) -> None:
    path = "/plans/pro/charges/calls"
    assert await client.details("PUT", path, {"charge": {"charge_model": "package"}}) == {
        "properties": ["invalid_package_size", "invalid_free_units"]
    }, "of the filter, which says what a unit costs and no more"
    changed = (await client.ok("PUT", path, {"charge": {"charge_model": "dynamic"}}))["charge"]
    assert (changed["properties"], changed["filters"][0]["properties"]) == ({}, {}), "M2: what it does not know is gone"


async def test_once_subscribed_terms_stay(client: Client, metric: str, charge: Any) -> None:
    await credits_of(client)
    await subscribe(client)
    frozen = {
        "charge_model": "volume",
        "code": "x",
        "pay_in_advance": True,
        "prorated": True,
        "invoiceable": False,
        "min_amount_cents": 5,
        "applied_pricing_unit": {"code": "credits", "conversion_rate": "2"},
    }
    body = {**frozen, "properties": {"amount": "9"}, "invoice_display_name": "Nine", "filters": []}
    changed = (await client.ok("PUT", "/plans/pro/charges/calls", {"charge": body}))["charge"]
    assert changed == charge | {"properties": {"amount": "9"}, "invoice_display_name": "Nine", "filters": []}
    added = (await client.ok("POST", "/plans/pro/charges", {"charge": standard(metric, min_amount_cents=5)}))["charge"]
    assert added["min_amount_cents"] == 5, "a new charge is as it wants to be"


async def test_a_model_must_suit_the_filters_that_stay(client: Client, charge: Any) -> None:
    ranges = [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"}]
    body: dict[str, Any] = {"charge_model": "graduated", "properties": {"graduated_ranges": ranges}}
    refused = await client.details("PUT", "/plans/pro/charges/calls", {"charge": body})
    assert refused == {"properties": ["missing_graduated_ranges"]}
    body["filters"] = [{"values": EU, "properties": body["properties"]}]
    changed = (await client.ok("PUT", "/plans/pro/charges/calls", {"charge": body}))["charge"]
    assert changed["filters"][0]["lago_id"] == charge["filters"][0]["lago_id"]


async def test_pricing_units(client: Client, metric: str, charge: Any) -> None:
    unit = await credits_of(client)
    assert (await client.ok("GET", "/pricing_units/credits"))["pricing_unit"] == unit
    assert (await client.ok("GET", "/pricing_units"))["pricing_units"] == [unit]
    assert (await client.refused(404, "GET", "/pricing_units/none"))["code"] == "pricing_unit_not_found"
    for body, details in (
        ({"code": "credits"}, {"code": ["value_already_exist"]}),
        ({"short_name": "LONG"}, {"short_name": ["value_is_too_long"]}),
        ({"name": ""}, {"name": ["value_is_mandatory"]}),
        ({"description": "x" * 601}, {"description": ["value_is_too_long"]}),
    ):
        new = {"name": "N", "code": "n", "short_name": "N"}
        assert await client.details("POST", "/pricing_units", {"pricing_unit": new | body}) == details
    applied = {"code": "credits", "conversion_rate": 0.25}
    priced = standard(metric, code="own", applied_pricing_unit=applied)
    made = (await client.ok("POST", "/plans/pro/charges", {"charge": priced}))["charge"]
    shown = {"code": "credits", "short_name": "CR", "conversion_rate": "0.25"}
    assert made["applied_pricing_unit"] == shown
    await subscribe(client)
    dearer = {"charge": {"applied_pricing_unit": {"conversion_rate": "0.5"}}}
    changed = (await client.ok("PUT", "/plans/pro/charges/own", dearer))["charge"]
    assert changed["applied_pricing_unit"] == shown | {"conversion_rate": "0.5"}
    kept = (await client.ok("PUT", "/plans/pro/charges/own", {"charge": {"applied_pricing_unit": None}}))["charge"]
    assert kept == changed, "what it is priced in stays"


async def test_a_price_of_one_subscription(client: Client, charge: Any) -> None:
    before = await subscribe(client)
    await subscribe(client, "s2")
    assert await in_force(client) == [charge], "at first those of the plan"
    changed = await override(client, properties={"amount": "9"}, min_amount_cents=700, invoice_display_name="Mine")
    assert (changed["code"], changed["lago_parent_id"], changed["min_amount_cents"]) == (
        "calls",
        charge["lago_id"],
        700,
    )
    assert prices(changed) == ("9", {"eu": "2"})
    assert changed["lago_id"] != charge["lago_id"]
    assert changed["filters"][0]["lago_id"] != charge["filters"][0]["lago_id"]
    assert await in_force(client) == [changed]
    assert await in_force(client, "s2") == [charge]
    subscription = (await client.ok("GET", "/subscriptions/s1"))["subscription"]
    assert subscription["plan_code"] == "pro"
    plan = subscription["plan"]
    assert (plan["parent_id"], plan["charges"]) == (before["plan"]["lago_id"], [changed])
    assert (plan["active_subscriptions_count"], plan["customers_count"]) == (1, 1)
    parent = (await client.ok("GET", "/plans/pro"))["plan"]
    assert (parent["charges"], parent["active_subscriptions_count"]) == ([charge], 2)
    assert (await client.ok("GET", "/plans"))["meta"]["total_count"] == 1, "a copy is no plan of the catalog"
    again = await override(client, properties={"amount": "10"})
    assert (again["lago_id"], again["min_amount_cents"]) == (changed["lago_id"], 700), "the copy itself changes"
    assert (await subscribe(client))["lago_id"] == before["lago_id"], "it is still on its plan"
    for query, ids in (({}, ["s2", "s1"]), ({"overridden": "true"}, ["s1"]), ({"overridden": "false"}, ["s2"])):
        listed = await client.ok("GET", "/subscriptions", params={"plan_code": "pro", **query})
        assert [one["external_id"] for one in listed["subscriptions"]] == ids


async def test_what_cannot_be_overridden(client: Client, charge: Any) -> None:
    await subscribe(client)
    body = {"charge": {"charge_model": "volume"}}
    refused = await client.refused(403, "PUT", "/subscriptions/s1/charges/calls", body)
    assert refused["code"] == "cannot_override_charge_model"
    kept = await override(client, code="x", pay_in_advance=True, prorated=True, charge_model="standard")
    assert (kept["code"], kept["pay_in_advance"], kept["prorated"]) == ("calls", False, False)
    wrong = {"charge": {"properties": {"amount": "x"}}}
    assert await client.details("PUT", "/subscriptions/s1/charges/calls", wrong) == {"properties": ["invalid_amount"]}


async def test_what_has_ended_keeps_its_prices(client: Client, charge: Any) -> None:
    await subscribe(client)
    await client.ok("DELETE", "/subscriptions/s1")
    path = "/subscriptions/s1/charges/calls?subscription_status=terminated"
    assert (await client.ok("GET", path))["charge"] == charge
    refused = await client.refused(405, "PUT", path, {"charge": {"properties": {"amount": "9"}}})
    assert refused["code"] == "subscription_not_active"


async def test_filters_of_one_subscription(client: Client, charge: Any) -> None:
    await subscribe(client)
    path, of_plan = "/subscriptions/s1/charges/calls/filters", charge["filters"][0]
    assert (await client.ok("GET", path))["filters"] == [of_plan]
    body = {"filter": {"properties": {"amount": "7"}}}
    own = (await client.ok("PUT", f"{path}/{of_plan['lago_id']}", body))["filter"]
    assert (own["values"], own["properties"]) == (EU, {"amount": "7"})
    assert own["lago_id"] != of_plan["lago_id"]
    assert (await client.ok("GET", f"{path}/{own['lago_id']}"))["filter"] == own
    added = (await client.ok("POST", path, {"filter": {"values": US, "properties": {"amount": "8"}}}))["filter"]
    assert prices((await in_force(client))[0]) == ("1", {"eu": "7", "us": "8"})
    assert (await client.ok("DELETE", f"{path}/{own['lago_id']}"))["filter"] == own
    assert (await client.ok("GET", path))["filters"] == [added]
    assert (await client.ok("GET", "/plans/pro/charges/calls"))["charge"] == charge


async def test_a_first_filter_that_is_removed_makes_the_copy(client: Client, charge: Any) -> None:
    await subscribe(client)
    filter_ = charge["filters"][0]
    path = f"/subscriptions/s1/charges/calls/filters/{filter_['lago_id']}"
    for _ in range(2):  # the second is answered as the first
        answer = await client.ok("DELETE", path, headers={"Idempotency-Key": "k"})
        assert answer["filter"] == filter_
    assert prices((await in_force(client))[0]) == ("1", {})


async def test_copies_follow_if_told_so(client: Client, metric: str, charge: Any) -> None:
    await subscribe(client)
    await override(client, invoice_display_name="Mine")
    path = "/plans/pro/charges/calls"
    for cascade, amount, own in ((False, "3", "1"), (True, "4", "1"), (True, "3", "1")):
        await client.ok("PUT", path, {"charge": {"properties": {"amount": amount}, "cascade_updates": cascade}})
        assert prices((await in_force(client))[0])[0] == own, "since 1 it is not the plan's old price any more"


async def test_a_cascade_overwrites_what_is_still_the_plans(client: Client, metric: str, charge: Any) -> None:
    await subscribe(client)
    await override(client, invoice_display_name="Mine")
    path, of_plan = "/plans/pro/charges/calls", charge["filters"][0]["lago_id"]
    await client.ok("PUT", path, {"charge": {"properties": {"amount": "5"}, "cascade_updates": True}})
    assert prices((await in_force(client))[0]) == ("5", {"eu": "2"})
    filters = f"{path}/filters"
    body = {"values": US, "properties": {"amount": "6"}, "cascade_updates": True}
    added = (await client.ok("POST", filters, {"filter": body}))["filter"]
    assert prices((await in_force(client))[0]) == ("5", {"eu": "2", "us": "6"})
    body = {"properties": {"amount": "7"}, "cascade_updates": "true"}
    await client.ok("PUT", f"{filters}/{of_plan}", {"filter": body})
    assert prices((await in_force(client))[0]) == ("5", {"eu": "7", "us": "6"})
    await client.ok("DELETE", f"{filters}/{added['lago_id']}", {"filter": {"cascade_updates": True}})
    assert prices((await in_force(client))[0]) == ("5", {"eu": "7"})
    shown = (await in_force(client))[0]
    assert shown["invoice_display_name"] == "Mine"


async def test_prices_of_its_own_stay_but_groups_follow(client: Client, charge: Any) -> None:
    await subscribe(client)
    of_plan = charge["filters"][0]["lago_id"]
    await override(client, properties={"amount": "9"}, filters=[{"values": EU, "properties": {"amount": "8"}}])
    grouped = {"amount": "4", "pricing_group_keys": ["team"]}
    path = "/plans/pro/charges/calls"
    for place, wrapper in ((path, "charge"), (f"{path}/filters/{of_plan}", "filter")):
        await client.ok("PUT", place, {wrapper: {"properties": grouped, "cascade_updates": True}})
    shown = (await in_force(client))[0]
    assert prices(shown) == ("9", {"eu": "8"})
    assert shown["properties"]["pricing_group_keys"] == ["team"]
    assert shown["filters"][0]["properties"]["pricing_group_keys"] == ["team"]


async def test_charges_come_and_go_in_copies(client: Client, metric: str, charge: Any) -> None:
    await subscribe(client)
    await override(client, properties={"amount": "9"})
    for cascade, codes in ((False, ["calls"]), (True, ["calls", "b"])):
        body = standard(metric, code="b" if cascade else "a", cascade_updates=cascade)
        await client.ok("POST", "/plans/pro/charges", {"charge": body})
        assert sorted(one["code"] for one in await in_force(client)) == sorted(codes)
    await client.ok("DELETE", "/plans/pro/charges/calls")
    assert len(await in_force(client)) == 2
    await client.ok("DELETE", "/plans/pro/charges/b", {"charge": {"cascade_updates": True}})
    assert [one["code"] for one in await in_force(client)] == ["calls"]
    await client.ok("PUT", "/plans/pro", {"plan": {"charges": [standard(metric, code="z")], "cascade_updates": True}})
    assert sorted(one["code"] for one in await in_force(client)) == ["calls", "z"]


async def test_once_more_with_the_same_key(client: Client, metric: str, charge: Any) -> None:
    await subscribe(client)

    async def twice(method: str, path: str, body: object) -> Any:
        first, second = [
            await client.ok(method, path, body, headers={"Idempotency-Key": f"{method} {path}"}) for _ in range(2)
        ]
        assert first == second
        return first

    await twice("POST", "/plans/pro/charges", {"charge": standard(metric)})
    assert (await client.ok("GET", "/plans/pro/charges"))["meta"]["total_count"] == 2
    await twice("PUT", "/plans/pro/charges/calls_2", {"charge": {"properties": {"amount": "4"}}})
    await twice("DELETE", "/plans/pro/charges/calls_2", None)
    filters = "/plans/pro/charges/calls/filters"
    made = (await twice("POST", filters, {"filter": {"values": US, "properties": {"amount": "3"}}}))["filter"]
    await twice("PUT", f"{filters}/{made['lago_id']}", {"filter": {"properties": {"amount": "4"}}})
    await twice("DELETE", f"{filters}/{made['lago_id']}", None)
    assert (await client.ok("GET", filters))["meta"]["total_count"] == 1
    await twice("PUT", "/subscriptions/s1/charges/calls", {"charge": {"properties": {"amount": "9"}}})
    own = "/subscriptions/s1/charges/calls/filters"
    await twice("POST", own, {"filter": {"values": US, "properties": {"amount": "3"}}})
    assert (await client.ok("GET", own))["meta"]["total_count"] == 2


async def test_a_metric_trims_filters_of_copies_too(client: Client, charge: Any) -> None:
    await subscribe(client)
    path = "/subscriptions/s1/charges/calls/filters"
    await client.ok("POST", path, {"filter": {"values": {"region": ["us", "eu"]}, "properties": {"amount": "3"}}})
    narrower = {"filters": [{"key": "region", "values": ["us"]}]}
    await client.ok("PUT", "/billable_metrics/calls", {"billable_metric": narrower})
    assert prices((await in_force(client))[0]) == ("1", {"us": "3"})
    assert prices((await client.ok("GET", "/plans/pro/charges/calls"))["charge"]) == ("1", {})
