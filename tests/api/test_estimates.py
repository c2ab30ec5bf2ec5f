"""What events would cost, over HTTP.

Source: metering-pricing Y5, Y6, 22, 24 item 23; api-surface Q26, Q27, D11.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client

FLAT = {"graduated_ranges": [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "100"}]}
NOT_INSTANT = {"code": ["does_not_match_an_instant_charge"]}


async def metric(client: Client, aggregation: str, **body: object) -> str:
    """Its code is that of the events that `send` and `estimate` make."""
    field = {} if aggregation == "count_agg" else {"field_name": "v"}
    new = {"name": "Used", "code": "used", "aggregation_type": aggregation, **field, **body}
    made = await client.ok("POST", "/billable_metrics", {"billable_metric": new})
    return str(made["billable_metric"]["lago_id"])


async def subscribe(client: Client, *charges: dict[str, Any], **plan: object) -> None:
    """On a monthly plan with these charges in advance, since 1 March."""
    new = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR", **plan}
    in_advance = [{"pay_in_advance": True, **charge} for charge in charges]
    await client.ok("POST", "/plans", {"plan": {**new, "charges": in_advance}})
    body = {
        "external_customer_id": "c1",
        "external_id": "s1",
        "plan_code": "p",
        "subscription_at": "2024-03-01T00:00:00Z",
    }
    await client.ok("POST", "/subscriptions", {"subscription": body})


async def send(client: Client, *properties: dict[str, Any]) -> None:
    for number, one in enumerate(properties):
        event = {"transaction_id": f"t{number}", "code": "used", "external_subscription_id": "s1", "properties": one}
        await client.ok("POST", "/events", {"event": {**event, "timestamp": 1709600000 + number}})


async def estimate(client: Client, path: str = "estimate_fees", **event: Any) -> list[Any]:
    body = {"code": "used", "external_subscription_id": "s1", **event}
    return list((await client.ok("POST", f"/events/{path}", {"event": body}))["fees"])


@pytest.mark.parametrize(
    ("aggregation", "charge_model", "properties", "history", "sent", "cents", "units", "why"),
    [
        ("count_agg", "standard", {"amount": "10"}, [], {}, 1000, "1.0", "the first call"),
        ("sum_agg", "standard", {"amount": "1"}, [10, -4], {"v": 8}, 400, "4.0", "above the paid ten"),
        ("sum_agg", "graduated", FLAT, [], {"v": 2}, 10200, "2.0", "the first flat amount too (Q15)"),
        ("sum_agg", "graduated", FLAT, [1], {"v": 2}, 200, "2.0", "it is owed already"),
        (
            "sum_agg",
            "package",
            {"amount": "100", "package_size": 2, "free_units": 3},
            [3, 1],
            {"v": 2},
            10000,
            "2.0",
            "another package",
        ),
        (
            "sum_agg",
            "percentage",
            {"rate": "0.5", "per_transaction_min_amount": "12"},
            [4],
            {"v": "20000"},
            10000,
            "20000.0",
            "the earlier event's 12 is no part of it",
        ),
        (
            "sum_agg",
            "percentage",
            {"rate": "5", "fixed_amount": "1", "free_units_per_total_aggregation": "120"},
            [100, 10],
            {"v": 20},
            150,
            "20.0",
            "ten of it are free",
        ),
        (
            "sum_agg",
            "percentage",
            {
                "rate": "10",
                "free_units_per_events": 1,
                "free_units_per_total_aggregation": "25",
                "per_transaction_max_amount": "100",
            },
            [10, 10],
            {"v": 10},
            50,
            "10.0",
            "event by event the free units last beyond the free event",
        ),
        ("unique_count_agg", "standard", {"amount": "10"}, ["a"], {"v": "a"}, 0, "0.0", "there already"),
        ("unique_count_agg", "standard", {"amount": "10"}, ["a"], {"v": "b"}, 1000, "1.0", "another one"),
        (
            "unique_count_agg",
            "standard",
            {"amount": "10"},
            ["a"],
            {"v": "a", "operation_type": "remove"},
            0,
            "0.0",
            "nothing is given back",
        ),
    ],
)
async def test_on_top_of_what_has_come(
    metered: Client,
    aggregation: str,
    charge_model: str,
    properties: dict[str, Any],
    history: list[Any],
    sent: dict[str, Any],
    cents: int,
    units: str,
    why: str,
) -> None:
    metric_id = await metric(metered, aggregation)
    charge = {"billable_metric_id": metric_id, "charge_model": charge_model, "properties": properties}
    await subscribe(metered, charge)
    await send(metered, *({"v": value} for value in history))
    [fee] = await estimate(metered, properties=sent)
    assert (fee["amount_cents"], fee["units"], fee["events_count"]) == (cents, units, 1), why
    usage = "/customers/c1/current_usage?external_subscription_id=s1"
    before = (await metered.ok("GET", usage))["customer_usage"]["charges_usage"][0]
    assert before["events_count"] <= len(history), "nothing was stored"


async def test_the_form_of_an_estimate(metered: Client) -> None:
    metric_id = await metric(metered, "sum_agg", filters=[{"key": "region", "values": ["eu"]}])
    filters = [{"values": {"region": ["eu"]}, "properties": {"amount": "3", "pricing_group_keys": ["team"]}}]
    priced = {"billable_metric_id": metric_id, "charge_model": "standard", "properties": {"amount": "2"}}
    in_arrears = {**priced, "pay_in_advance": False}
    await subscribe(metered, {**priced, "filters": filters}, priced, in_arrears)
    first, second = await estimate(metered, properties={"v": 2, "region": "eu", "team": "red"}, transaction_id="t")
    assert first["lago_id"] is first["lago_invoice_id"] is first["created_at"] is None
    assert (first["amount_cents"], second["amount_cents"]) == (600, 400)
    assert first["lago_charge_filter_id"] is not None
    assert (first["item"]["grouped_by"], second["item"]["grouped_by"]) == ({"team": "red"}, {})
    assert (first["item"]["type"], first["item"]["code"], first["item"]["item_type"]) == (
        "charge",
        "used",
        "BillableMetric",
    )
    assert (first["event_transaction_id"], first["pay_in_advance"], first["applied_taxes"]) == ("t", True, [])
    assert (first["precise_amount"], first["precise_unit_amount"], first["taxes_precise_amount"]) == (
        "6.0",
        "3.0",
        "0.0",
    )
    assert (first["from_date"], first["to_date"]) == ("2024-03-01T00:00:00+00:00", "2024-03-31T23:59:59+00:00")
    assert first["external_subscription_id"] == "s1"


async def test_a_group_has_its_own_past(metered: Client) -> None:
    metric_id = await metric(metered, "sum_agg")
    properties = {**FLAT, "pricing_group_keys": ["team"]}
    await subscribe(metered, {"billable_metric_id": metric_id, "charge_model": "graduated", "properties": properties})
    await send(metered, {"v": 1, "team": "red"}, {"v": 5})
    for team, cents in (("red", 100), ("blue", 10100), (None, 100), ("", 100)):
        [fee] = await estimate(metered, properties={"v": 1, "team": team})
        assert fee["amount_cents"] == cents, team


async def test_an_estimate_is_of_now(metered: Client) -> None:
    metric_id = await metric(metered, "unique_count_agg", recurring=True)
    charge = {"billable_metric_id": metric_id, "charge_model": "standard", "prorated": True}
    await subscribe(metered, {**charge, "properties": {"amount": "31"}})
    for timestamp in (None, 1709251200, "2030-01-01T00:00:00Z"):
        [fee] = await estimate(metered, properties={"v": "a"}, timestamp=timestamp)
        assert (fee["amount_cents"], fee["units"]) == (1600, "1.0"), "16 of the 31 days of March are left"


async def test_in_pricing_units(metered: Client) -> None:
    unit = {"name": "Credits", "code": "credits", "short_name": "CR"}
    await metered.ok("POST", "/pricing_units", {"pricing_unit": unit})
    metric_id = await metric(metered, "sum_agg")
    applied = {"code": "credits", "conversion_rate": "0.5"}
    charge = {"billable_metric_id": metric_id, "charge_model": "standard", "properties": {"amount": "2"}}
    await subscribe(metered, {**charge, "applied_pricing_unit": applied})
    for path in ("estimate_fees", "estimate_instant_fees"):
        [fee] = await estimate(metered, path, properties={"v": 3})
        assert fee["amount_cents"] == 300, path
    [fee] = await estimate(metered, properties={"v": 3})
    details = fee["pricing_unit_details"]
    assert (details["amount_cents"], details["conversion_rate"], details["short_name"]) == (600, "0.5", "CR")


async def test_an_expression_is_computed_first(metered: Client) -> None:
    expression = "event.properties.a * event.properties.b"
    metric_id = await metric(metered, "sum_agg", expression=expression)
    await subscribe(
        metered, {"billable_metric_id": metric_id, "charge_model": "standard", "properties": {"amount": "1"}}
    )
    [fee] = await estimate(metered, properties={"a": "2", "b": 1.5})
    assert (fee["amount_cents"], fee["units"]) == (300, "3.0")
    body = {"event": {"code": "used", "external_subscription_id": "s1", "properties": {"a": 1}}}
    assert await metered.details("POST", "/events/estimate_fees", body) == {"event": ["invalid_event"]}


async def test_checks_and_their_order(metered: Client) -> None:
    metric_id = await metric(metered, "sum_agg")
    arrears = {"billable_metric_id": metric_id, "charge_model": "standard", "pay_in_advance": False}
    await subscribe(metered, arrears)
    wrong: dict[str, Any] = {
        "external_subscription_id": "x",
        "timestamp": "noon",
        "code": "x",
        "properties": {"v": "x"},
    }
    for path in ("estimate_fees", "estimate_instant_fees"):
        event = dict(wrong)
        answer = await metered.refused(404, "POST", f"/events/{path}", {"event": event})
        assert answer["code"] == "subscription_not_found"
        event["external_subscription_id"] = "s1"
        assert await metered.details("POST", f"/events/{path}", {"event": event}) == {"timestamp": ["invalid_format"]}
        event["timestamp"] = None
        answer = await metered.refused(404, "POST", f"/events/{path}", {"event": event})
        assert answer["code"] == "billable_metric_not_found"
        event["code"] = "used"
        details = await metered.details("POST", f"/events/{path}", {"event": event})
        assert details == {"properties": ["value_is_not_valid_number"]}
        event["properties"] = {"v": 0}
        assert await metered.details("POST", f"/events/{path}", {"event": event}) == NOT_INSTANT


@pytest.mark.parametrize(
    ("properties", "sent", "cents", "precise", "why"),
    [
        ({"rate": "2.99"}, 20, 60, "0.598", "20 at 2.99 %"),
        ({"rate": "2.99", "fixed_amount": "10"}, 20, 1060, "10.598", "and 10"),
        ({"rate": "2.99", "per_transaction_max_amount": "0.1"}, 20, 10, "0.1", "0.1 at most"),
        ({"rate": "2.99", "per_transaction_min_amount": "5.5"}, 20, 550, "5.5", "5.5 at least"),
        ({"rate": "0.1", "free_units_per_events": 9}, "500", 50, "0.5", "no free allowances"),
        ({"rate": "1", "fixed_amount": "1"}, -5, 0, "0.0", "less than nothing"),
    ],
)
async def test_by_itself(
    metered: Client, properties: dict[str, str], sent: object, cents: int, precise: str, why: str
) -> None:
    metric_id = await metric(metered, "sum_agg")
    await subscribe(metered, {"billable_metric_id": metric_id, "charge_model": "percentage", "properties": properties})
    await send(metered, {"v": 1000})
    [fee] = await estimate(metered, "estimate_instant_fees", properties={"v": sent}, transaction_id="t")
    assert (fee["amount_cents"], fee["precise_amount"], fee["event_transaction_id"]) == (cents, precise, "t"), why
    assert (fee["total_amount_cents"], fee["taxes_amount_cents"], fee["taxes_precise_amount"]) == (cents, 0, 0)


async def test_of_several_events(metered: Client) -> None:
    metric_id = await metric(metered, "sum_agg", rounding_function="ceil")
    standard = {"billable_metric_id": metric_id, "charge_model": "standard", "properties": {"amount": "0.015"}}
    package = {"amount": "1", "package_size": 1, "free_units": 0}
    other = {"billable_metric_id": metric_id, "charge_model": "package", "properties": package}
    await subscribe(metered, standard, other)
    path = "/events/batch_estimate_instant_fees"
    events = [
        {"transaction_id": name, "code": "used", "external_subscription_id": "s1", "properties": {"v": value}}
        for name, value in (("a", 1), ("b", "9.1"))
    ]
    fees = (await metered.ok("POST", path, {"events": events}))["fees"]
    shown = [(fee["event_transaction_id"], fee["units"], fee["amount_cents"]) for fee in fees]
    assert shown == [("a", "1.0", 2), ("b", "10.0", 15)], "packages have no instant fees"
    assert fees[0]["precise_unit_amount"] == "1.5", "in cents"
    events[1]["external_subscription_id"] = "x"
    assert (await metered.refused(404, "POST", path, {"events": events}))["code"] == "subscription_not_found"
    for body, details in (
        ({}, "no_events"),
        ({"events": []}, "no_events"),
        ({"events": events * 51}, "too_many_events"),
    ):
        assert await metered.details("POST", path, body) == {"events": [details]}
    assert (await metered.refused(400, "POST", path, {"events": {"a": 1}}))["status"] == 400
