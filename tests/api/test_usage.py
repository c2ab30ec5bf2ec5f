"""The usage of the running period over HTTP: what is asked for, and in which form it is answered.

Source: metering-pricing 17 (Y1 to Y4, Y7), R2 to R6, 24 items 4, 12 to 14.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Client

STORAGE = {
    "name": "Storage",
    "code": "storage",
    "aggregation_type": "sum_agg",
    "field_name": "gb",
    "filters": [{"key": "cloud", "values": ["aws", "gcp"]}],
}
USAGE = "/customers/c1/current_usage?external_subscription_id=s1"
PROJECTED = "/customers/c1/projected_usage?external_subscription_id=s1"
PAST = "/customers/c1/past_usage"


async def metric(client: Client, **body: object) -> str:
    made = await client.ok("POST", "/billable_metrics", {"billable_metric": {**STORAGE, **body}})
    return str(made["billable_metric"]["lago_id"])


async def subscribe(client: Client, *charges: dict[str, Any]) -> list[Any]:
    """On a monthly plan since 1 March; its charges."""
    new = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
    plan = (await client.ok("POST", "/plans", {"plan": {**new, "charges": charges}}))["plan"]
    body = {
        "external_customer_id": "c1",
        "external_id": "s1",
        "plan_code": "p",
        "subscription_at": "2024-03-01T00:00:00Z",
    }
    await client.ok("POST", "/subscriptions", {"subscription": body})
    return list(plan["charges"])


def standard(metric_id: str, amount: str = "1", *groups: str, **body: object) -> dict[str, Any]:
    properties = {"amount": amount, **({"pricing_group_keys": groups} if groups else {})}
    return {"billable_metric_id": metric_id, "charge_model": "standard", "properties": properties, **body}


async def send(client: Client, *properties: dict[str, Any], code: str = "storage", at: int = 1709600000) -> None:
    events = [
        {
            "transaction_id": f"{code}-{at}-{number}",
            "code": code,
            "external_subscription_id": "s1",
            "timestamp": at + number,
            "properties": one,
        }
        for number, one in enumerate(properties)
    ]
    await client.ok("POST", "/events/batch", {"events": events})


async def usage(client: Client, path: str = USAGE, /, **parameters: Any) -> Any:
    """The answer under its key."""
    path, _, _ = path.partition("?")
    [answer] = (await client.ok("GET", path, params={"external_subscription_id": "s1", **parameters})).values()
    return answer


async def test_the_form(metered: Client) -> None:
    [charge] = await subscribe(metered, standard(await metric(metered), "2.5", invoice_display_name="Disk"))
    await send(metered, {"gb": 2}, {"gb": "1.5"}, {"gb": "x"}, {"other": 1}, {"gb": "1e3"})
    found = await usage(metered)
    row = found["charges_usage"][0]
    assert found == {
        "from_datetime": "2024-03-01T00:00:00Z",
        "to_datetime": "2024-03-31T23:59:59Z",
        "issuing_date": "2024-03-31",
        "lago_invoice_id": None,
        "currency": "EUR",
        "amount_cents": 875,
        "taxes_amount_cents": 0,
        "total_amount_cents": 875,
        "charges_usage": [row],
    }
    assert row == {
        "units": "3.5",
        "total_aggregated_units": "3.5",
        "events_count": 2,
        "amount_cents": 875,
        "amount_currency": "EUR",
        "pricing_unit_details": None,
        "charge": {
            "lago_id": charge["lago_id"],
            "charge_model": "standard",
            "invoice_display_name": "Disk",
            "code": "storage",
        },
        "billable_metric": {
            "lago_id": charge["lago_billable_metric_id"],
            "name": "Storage",
            "code": "storage",
            "aggregation_type": "sum_agg",
        },
        "filters": [],
        "grouped_usage": [],
        "presentation_breakdowns": [],
    }


async def test_filters_and_groups(metered: Client) -> None:
    filters = [
        {"values": {"cloud": ["aws"]}, "properties": {"amount": "2", "pricing_group_keys": ["team"]}},
        {"values": {"cloud": ["gcp"]}, "properties": {"amount": "3"}, "invoice_display_name": "Google"},
    ]
    await subscribe(metered, standard(await metric(metered), filters=filters))
    await send(
        metered,
        {"gb": 1, "cloud": "aws", "team": "red"},
        {"gb": 2, "cloud": "aws", "team": ""},
        {"gb": 4, "cloud": "gcp", "team": "red"},
        {"gb": 8},
    )
    [row] = (await usage(metered))["charges_usage"]
    assert (row["units"], row["amount_cents"]) == ("15.0", 2600)
    shown = {json.dumps(one["values"]): (one["units"], one["amount_cents"]) for one in row["filters"]}
    assert shown == {
        '{"cloud": ["aws"]}': ("3.0", 600),
        '{"cloud": ["gcp"]}': ("4.0", 1200),
        "null": ("8.0", 800),
    }
    assert [one["invoice_display_name"] for one in row["filters"]] == [None, "Google", None]
    groups = {json.dumps(one["grouped_by"]): one for one in row["grouped_usage"]}
    assert {name: one["amount_cents"] for name, one in groups.items()} == {
        '{"team": "red"}': 200,
        '{"team": null}': 400,
        "{}": 2000,
    }, "what is not grouped shares a row"
    assert [one["values"] for one in groups["{}"]["filters"]] == [{"cloud": ["gcp"]}, None]
    [whole] = (await usage(metered, skip_grouping="true"))["charges_usage"]
    assert (whole["grouped_usage"], whole["amount_cents"]) == ([], 2600)


async def test_of_filters_of_the_same_values_the_oldest_counts(metered: Client) -> None:
    """Also of those that came in one request, and in the copy of a plan (metering-pricing F4)."""
    storage = await metric(metered)
    every, both = {"cloud": ["__ALL_FILTER_VALUES__"]}, {"cloud": ["aws", "gcp"]}
    filters = [{"values": values, "properties": {"amount": amount}} for values, amount in ((every, "2"), (both, "3"))]
    charges = [standard(storage, filters=filters), standard(storage, filters=filters[::-1])]
    await subscribe(metered, *charges, *charges, *charges)
    await send(metered, {"gb": 1, "cloud": "aws"})
    for body in (None, {"charge": {"invoice_display_name": "Mine"}}):
        if body:
            await metered.ok("PUT", "/subscriptions/s1/charges/storage", body)
        assert [row["amount_cents"] for row in (await usage(metered))["charges_usage"]] == [200, 300] * 3


async def test_rounded_counts_make_no_more_events(metered: Client) -> None:
    """Rounding (R1) is of the units: free allowances and bounds per transaction are of the events (A5, A13)."""
    rounded = {"rounding_function": "ceil", "rounding_precision": -1}
    calls = await metric(metered, name="Calls", code="calls", aggregation_type="count_agg", field_name=None, **rounded)
    users = await metric(metered, name="Users", code="users", aggregation_type="unique_count_agg", **rounded)
    terms: list[tuple[str, str, dict[str, Any], int, str]] = [
        (calls, "a", {"free_units_per_total_aggregation": "6"}, 600, "4 of 10 units free, as are all events"),
        (calls, "b", {"free_units_per_events": 1}, 1050, "9 units, and 3 events"),
        (calls, "c", {"per_transaction_min_amount": "2"}, 800, "4 events at 2"),
        (users, "d", {"per_transaction_max_amount": "1", "free_units_per_events": 3}, 100, "the fourth, of 1.5"),
    ]
    base = {"rate": "100", "fixed_amount": "0.5"}
    await subscribe(
        metered,
        *(
            {"billable_metric_id": of, "code": code, "charge_model": "percentage", "properties": {**base, **more}}
            for of, code, more, _, _ in terms
        ),
    )
    for code in ("calls", "users"):
        await send(metered, *({"gb": number} for number in range(4)), code=code)
    found = {row["charge"]["code"]: row for row in (await usage(metered))["charges_usage"]}
    for _, code, _, cents, why in terms:
        assert (found[code]["units"], found[code]["amount_cents"]) == ("10.0", cents), why


async def test_without_events_there_is_one_group_of_nothing(metered: Client) -> None:
    filters = [{"values": {"cloud": ["aws"]}, "properties": {"amount": "2", "pricing_group_keys": ["team"]}}]
    await subscribe(metered, standard(await metric(metered), "1", "team", "region", filters=filters))
    [row] = (await usage(metered))["charges_usage"]
    assert [one["grouped_by"] for one in row["grouped_usage"]] == [{"team": None}, {"team": None, "region": None}]
    assert [one["units"] for one in row["filters"]] == ["0.0", "0.0"]


async def test_presentation(metered: Client) -> None:
    keys = [{"value": "team"}, {"value": "region", "options": {"display_in_invoice": True}}]
    properties = {"amount": "1", "presentation_group_keys": keys}
    await subscribe(metered, {**standard(await metric(metered)), "properties": properties})
    await send(metered, {"gb": 1, "team": "red", "region": "eu"}, {"gb": 2, "team": "red"}, {"gb": 4, "team": "red"})
    [row] = (await usage(metered))["charges_usage"]
    assert row["units"] == "7.0"
    shown = {tuple(one["presentation_by"].values()): one["units"] for one in row["presentation_breakdowns"]}
    assert shown == {("red", "eu"): "1.0", ("red", ""): "6.0"}
    for parameters in ({"filter_by_presentation[]": "team"}, {"filter_by_presentation": '["team"]'}):
        [row] = (await usage(metered, **parameters))["charges_usage"]
        assert row["presentation_breakdowns"] == [{"presentation_by": {"team": "red"}, "units": "7.0"}]
    refused = await metered.refused(422, "GET", f"{USAGE}&filter_by_presentation=team")
    assert refused["error_details"] == {"filter_by_presentation": ["value_is_invalid"]}


async def test_some_charges(metered: Client) -> None:
    storage = await metric(metered)
    traffic = await metric(metered, name="Traffic", code="traffic")
    charges = await subscribe(
        metered,
        standard(storage, "10", "cloud", code="disk"),
        standard(storage, "5", code="backup"),
        standard(traffic, "20"),
    )
    await send(metered, {"gb": 4, "cloud": "aws"}, {"gb": 6, "cloud": "gcp"})

    async def codes(**parameters: Any) -> list[str]:
        found = await usage(metered, **parameters)
        assert found["amount_cents"] == sum(row["amount_cents"] for row in found["charges_usage"])
        return [row["charge"]["code"] for row in found["charges_usage"]]

    disk = charges[0]["lago_id"]
    for name in ("filter_by_charge_id", "charge_id"):
        assert await codes(**{name: disk}) == ["disk"]
        assert await codes(**{name: disk.upper(), "charge_code": "backup", "billable_metric_code": "x"}) == ["disk"]
    for name in ("filter_by_charge_code", "charge_code"):
        assert await codes(**{name: "backup", "filter_by_metric_code": "traffic"}) == ["backup"], "the first one wins"
    for name in ("filter_by_metric_code", "billable_metric_code"):
        assert await codes(**{name: "storage"}) == ["disk", "backup"]
    for name in ("charge_id", "charge_code", "billable_metric_code"):
        refused = await metered.refused(404, "GET", f"{USAGE}&{name}=none")
        assert refused["code"] == "charge_not_found"


async def test_some_groups(metered: Client) -> None:
    await subscribe(metered, standard(await metric(metered), "10", "cloud", "team"))
    await send(metered, {"gb": 4, "cloud": "aws", "team": "red"}, {"gb": 6, "cloud": "gcp"}, {"gb": 7, "cloud": 1})
    for parameters, units in (
        ({"filter_by_group[cloud]": "aws"}, "4.0"),
        ({"group[cloud]": "aws"}, "4.0"),
        ({"filter_by_group[cloud][]": ["aws", "gcp"]}, "10.0"),
        ({"filter_by_group": '{"cloud": ["gcp", "aws"]}'}, "10.0"),
        ({"group": '{"cloud": "gcp"}'}, "6.0"),
        ({"group": '{"cloud": 1}'}, "7.0"),
        ({"group[cloud]": "azure"}, "0.0"),
        ({"group": ""}, "17.0"),
    ):
        [row] = (await usage(metered, **parameters))["charges_usage"]
        assert row["units"] == units, parameters
    [row] = (await usage(metered, **{"group[cloud]": "aws"}))["charges_usage"]
    assert [one["grouped_by"] for one in row["grouped_usage"]] == [{"team": "red"}], "the key groups no more"
    for wrong in ("{", "[1]", "aws", "{}", '{"cloud": null}', '{"cloud": {"a": 1}}', '{"cloud": "\\ud800"}', "NaN"):
        refused = await metered.refused(422, "GET", f"{USAGE}&group={wrong}")
        assert refused["error_details"] == {"group": ["value_is_invalid"]}


async def test_since_the_start(metered: Client) -> None:
    new = {"name": "P", "code": "p", "interval": "weekly", "amount_cents": 0, "amount_currency": "EUR"}
    seats = await metric(metered, name="Seats", code="seats", recurring=True)
    charges = [standard(await metric(metered), "1", code="disk"), standard(seats, prorated=True, code="seats")]
    await metered.ok("POST", "/plans", {"plan": {**new, "charges": charges}})
    body = {"external_customer_id": "c1", "external_id": "s1", "plan_code": "p"}
    body["subscription_at"] = "2024-03-01T00:00:00Z"
    await metered.ok("POST", "/subscriptions", {"subscription": body})
    await send(metered, {"gb": 4, "cloud": "aws"})
    assert (await usage(metered, charge_code="disk"))["charges_usage"][0]["units"] == "0.0", "two weeks ago"
    whole = await usage(metered, charge_code="disk", full_usage="true")
    assert (whole["from_datetime"], whole["charges_usage"][0]["units"]) == ("2024-03-01T00:00:00Z", "4.0")
    for query in ("", "&charge_code=seats", "&group[cloud]=aws"):
        refused = await metered.refused(405, "GET", f"{USAGE}{query}&full_usage=true")
        assert refused["code"] == "full_usage_not_allowed", query


async def test_taxes(metered: Client) -> None:
    tax = {"name": "VAT", "code": "vat", "rate": "20.0"}
    await metered.ok("POST", "/taxes", {"tax": tax})
    await subscribe(metered, standard(await metric(metered), "10", tax_codes=["vat"]))
    await send(metered, {"gb": 1})
    for parameters, taxes in (({}, 200), ({"apply_taxes": "true"}, 200), ({"apply_taxes": "false"}, 0)):
        found = await usage(metered, **parameters)
        assert (found["amount_cents"], found["taxes_amount_cents"]) == (1000, taxes)
        assert found["total_amount_cents"] == 1000 + taxes


async def test_in_pricing_units(metered: Client) -> None:
    unit = {"name": "Credits", "code": "credits", "short_name": "CR"}
    await metered.ok("POST", "/pricing_units", {"pricing_unit": unit})
    applied = {"code": "credits", "conversion_rate": "0.5"}
    filters = [{"values": {"cloud": ["aws"]}, "properties": {"amount": "4"}}]
    await subscribe(metered, standard(await metric(metered), "2", filters=filters, applied_pricing_unit=applied))
    await send(metered, {"gb": 3}, {"gb": 1, "cloud": "aws"})
    [row] = (await usage(metered))["charges_usage"]
    details = {"amount_cents": 1000, "short_name": "CR", "conversion_rate": "0.5"}
    assert (row["amount_cents"], row["pricing_unit_details"]) == (500, details)
    assert [one["pricing_unit_details"]["amount_cents"] for one in row["filters"]] == [400, 600]
    projected = (await usage(metered, PROJECTED))["charges_usage"][0]
    assert projected["projected_amount_cents"] == 500 * 31 // 16 + 1, "968.75 of 15.5 days"


async def test_what_is_paid_in_advance_is_there(metered: Client) -> None:
    charge = standard(await metric(metered), "10", pay_in_advance=True)
    await subscribe(metered, charge)
    await send(metered, {"gb": 10}, {"gb": -4})
    [row] = (await usage(metered))["charges_usage"]
    assert (row["units"], row["amount_cents"]) == ("6.0", 10000), "at its peak"


async def test_projected(metered: Client) -> None:
    traffic = await metric(metered, name="Traffic", code="traffic")
    seats = await metric(metered, name="Users", code="seats", recurring=True)
    filters = [{"values": {"cloud": ["aws"]}, "properties": {"amount": "2"}}]
    percentage = {"billable_metric_id": traffic, "charge_model": "percentage", "properties": {"rate": "1"}}
    package = {"amount": "5", "package_size": 10, "free_units": 0}
    await subscribe(
        metered,
        standard(await metric(metered), "1", "team", filters=filters),
        {**percentage, "code": "share"},
        {"billable_metric_id": traffic, "charge_model": "package", "properties": package, "code": "z"},
        standard(seats, "1"),
    )
    await send(metered, {"gb": 8}, {"gb": 16, "cloud": "aws"})
    await send(metered, {"gb": 16}, code="traffic")
    await send(metered, {"gb": 16}, code="seats")
    found = await usage(metered, PROJECTED)
    assert (found["amount_cents"], found["total_amount_cents"], found["taxes_amount_cents"]) == (6616, 6616, 0)
    rows = {row["charge"]["code"]: row for row in found["charges_usage"]}
    shown = {code: (row["units"], row["projected_units"], row["amount_cents"], row["projected_amount_cents"])
             for code, row in rows.items()}  # fmt: skip
    assert shown == {
        "storage": ("24.0", "46.5", 4000, 7750),
        "share": ("16.0", "31.0", 16, 31),
        "z": ("16.0", "31.0", 1000, 2000),
        "seats": ("16.0", "16.0", 1600, 1600),
    }, "16 of 31 days have begun; packages are counted anew, what recurs stays"
    assert found["projected_amount_cents"] == 7750 + 31 + 2000 + 1600
    storage = rows["storage"]
    assert [one["values"] for one in storage["filters"]] == [{"cloud": ["aws"]}, {}]
    assert [one["projected_units"] for one in storage["filters"]] == ["31.0", "15.5"]
    groups = {json.dumps(one["grouped_by"]): one["projected_amount_cents"] for one in storage["grouped_usage"]}
    assert groups == {"{}": 6200, '{"team": null}': 1550}


@pytest.mark.parametrize("path", [USAGE, PROJECTED])
async def test_whose_usage(metered: Client, path: str) -> None:
    unknown = path.replace("/c1/", "/none/")
    assert (await metered.refused(404, "GET", unknown))["code"] == "customer_not_found"
    await subscribe(metered)
    await metered.ok("POST", "/customers", {"customer": {"external_id": "c2"}})
    for other in (path.replace("=s1", "=none"), path.replace("/c1/", "/c2/")):
        assert (await metered.refused(405, "GET", other))["code"] == "no_active_subscription"
    refused = await metered.refused(422, "GET", path.partition("?")[0])
    assert refused["error_details"] == {"external_subscription_id": ["value_is_mandatory"]}
    assert (await usage(metered, path))["charges_usage"] == []


async def test_no_past(metered: Client) -> None:
    """Periods that were billed: tests/scenarios/usage/periods.yaml, past_usage.yaml."""
    await subscribe(metered, standard(await metric(metered)))
    none = {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}
    for path in (PAST, PAST.replace("c1", "none")):
        for subscription in ("s1", "none"):
            found = await metered.ok("GET", path, params={"external_subscription_id": subscription})
            assert found == {"usage_periods": [], "meta": none}
    refused = await metered.refused(422, "GET", PAST)
    assert refused["error_details"] == {"external_subscription_id": ["value_is_mandatory"]}
    unknown = f"{PAST}?external_subscription_id=s1&billable_metric_code=none"
    assert (await metered.refused(404, "GET", unknown))["code"] == "billable_metric_not_found"


async def test_units_of_any_size(metered: Client) -> None:
    tier = {"from_value": 0, "to_value": None, "per_unit_amount": "0", "flat_amount": "5"}
    gb = await metric(metered)
    flat = {"billable_metric_id": gb, "charge_model": "volume", "properties": {"volume_ranges": [tier]}, "code": "flat"}
    [_, charge] = await subscribe(metered, flat, standard(gb, "1", code="each"))
    await send(metered, {"gb": 1e-44})
    found = await usage(metered)
    assert [row["amount_cents"] for row in found["charges_usage"]] == [500, 0]
    assert [row["units"] for row in found["charges_usage"]] == ["0." + 43 * "0" + "1"] * 2
    await send(metered, {"gb": "1" + 50 * "0"}, at=1709700000)
    refused = await metered.refused(422, "GET", USAGE)
    assert refused["error_details"] == {"charges": {"each": ["value_is_out_of_range"]}}
    price = {"properties": {"amount": "0"}}
    await metered.ok("PUT", f"/plans/p/charges/{charge['code']}", {"charge": price})
    assert (await usage(metered))["amount_cents"] == 500
