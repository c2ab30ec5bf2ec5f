"""Fixed charges over HTTP: of plans, and in force for one subscription."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client

PLAN = {"name": "Pro", "code": "pro", "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR"}
SEAT = {"name": "Seat", "code": "seat", "amount_cents": 500, "amount_currency": "EUR"}
RANGES = [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"}]
NOBODYS_ID = "01a1ff4c-f5cd-75a0-8e3e-4fff252b8743"


@pytest.fixture
async def seat(client: Client) -> str:
    return await add_on(client)


@pytest.fixture
async def fixed(client: Client, seat: str) -> Any:
    """The one fixed charge of the plan `pro`: 10 at 2."""
    plan = await client.ok("POST", "/plans", {"plan": {**PLAN, "fixed_charges": [standard(seat)]}})
    return plan["plan"]["fixed_charges"][0]


async def add_on(client: Client, **body: object) -> str:
    return str((await client.ok("POST", "/add_ons", {"add_on": {**SEAT, **body}}))["add_on"]["lago_id"])


def standard(seat: str, **body: object) -> dict[str, object]:
    return {
        "add_on_id": seat,
        "code": "seats",
        "charge_model": "standard",
        "properties": {"amount": "2"},
        "units": 10,
        **body,
    }


async def create(client: Client, *fixed_charges: object) -> Any:
    return (await client.ok("POST", "/plans", {"plan": {**PLAN, "fixed_charges": fixed_charges}}))["plan"]


async def change(client: Client, *fixed_charges: object, cascade: bool = False) -> list[Any]:
    body = {"plan": {"fixed_charges": fixed_charges, "cascade_updates": cascade}}
    return list((await client.ok("PUT", "/plans/pro", body))["plan"]["fixed_charges"])


async def subscribe(client: Client, external_id: str = "s1") -> Any:
    body = {"external_customer_id": "c1", "external_id": external_id, "plan_code": "pro"}
    return (await client.ok("POST", "/subscriptions", {"subscription": body}))["subscription"]


async def override(client: Client, **body: object) -> Any:
    return (await client.ok("PUT", "/subscriptions/s1/fixed_charges/seats", {"fixed_charge": body}))["fixed_charge"]


async def in_force(client: Client, subscription: str = "s1") -> list[Any]:
    return list((await client.ok("GET", f"/subscriptions/{subscription}/fixed_charges"))["fixed_charges"])


async def parent_id(client: Client) -> Any:
    """Of the plan that is in force for `s1`: None where that is the catalog's."""
    return (await client.ok("GET", "/subscriptions/s1"))["subscription"]["plan"]["parent_id"]


async def test_in_plans(client: Client, seat: str) -> None:
    desk = await add_on(client, code="desk", name="Desk")
    bodies = (
        standard(seat, units="2.5", pay_in_advance=True, prorated=True, invoice_display_name="Chairs", unknown=1),
        {"add_on_id": desk, "charge_model": "volume", "properties": {"volume_ranges": RANGES}},
        {"add_on_id": desk, "charge_model": "graduated"},
    )
    plan = await create(client, *bodies)
    first, second, third = plan["fixed_charges"]
    assert first == {
        "lago_id": first["lago_id"],
        "lago_add_on_id": seat,
        "lago_parent_id": None,
        "code": "seats",
        "invoice_display_name": "Chairs",
        "add_on_code": "seat",
        "created_at": plan["created_at"],
        "charge_model": "standard",
        "pay_in_advance": True,
        "prorated": True,
        "properties": {"amount": "2"},
        "units": 2.5,
        "taxes": [],
    }
    assert (second["code"], second["invoice_display_name"], second["units"]) == ("desk", "Desk", 0)
    assert (second["pay_in_advance"], second["prorated"]) == (False, False)
    nothing = [{**RANGES[0], "per_unit_amount": "0"}]
    assert (third["code"], third["properties"]) == ("desk_2", {"graduated_ranges": nothing}), "the default price"
    assert (await client.ok("GET", "/plans/pro"))["plan"] == plan
    assert "fixed_charges" not in (await client.ok("GET", "/plans"))["plans"][0]
    assert "fixed_charges" not in (await subscribe(client))["plan"]


async def test_in_updates_of_plans(client: Client, seat: str, fixed: Any) -> None:
    kept = await change(client, {"id": fixed["lago_id"]})
    assert kept == [fixed], "what an entry leaves out stays"
    body = {"id": fixed["lago_id"], "code": "new", "units": "7.25", "properties": {"amount": "3"}}
    never = {"pay_in_advance": True, "prorated": True}
    changed, added = await change(client, {**body, **never}, standard(seat))
    assert changed == fixed | {"code": "new", "units": 7.25, "properties": {"amount": "3"}}
    assert (added["code"], added["lago_id"] != fixed["lago_id"]) == ("seats", True)
    assert (await client.ok("PUT", "/plans/pro", {"plan": {"name": "x"}}))["plan"]["fixed_charges"] == [changed, added]
    modelled = {"id": fixed["lago_id"], "charge_model": "volume", "properties": {"volume_ranges": RANGES}}
    assert (await change(client, modelled))[0]["charge_model"] == "volume", "nobody has it yet; the other one is gone"
    assert await change(client) == []


async def test_once_subscribed_terms_stay(client: Client, fixed: Any) -> None:
    await subscribe(client)
    frozen = {"charge_model": "volume", "code": "x", "pay_in_advance": True, "prorated": True}
    free = {"properties": {"amount": "9"}, "invoice_display_name": "Nine", "units": 3}
    for changed in (
        (await change(client, {"id": fixed["lago_id"], **frozen, **free}))[0],
        (await client.ok("PUT", "/plans/pro/fixed_charges/seats", {"fixed_charge": {**frozen, **free}}))[
            "fixed_charge"
        ],
    ):
        assert changed == fixed | free


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"charge_model": None}, {"charge_model": ["value_is_mandatory"]}),
        ({"charge_model": "percentage"}, {"charge_model": ["value_is_invalid"]}),
        ({"charge_model": "dynamic"}, {"charge_model": ["value_is_invalid"]}),
        ({"properties": {"amount": 1}}, {"properties": ["invalid_amount"]}),
        ({"properties": {"amount": "-1"}}, {"properties": ["invalid_amount"]}),
        ({"properties": {"rate": "1", "pricing_group_keys": [1]}}, {"properties": ["invalid_amount"]}),
        ({"properties": "x"}, {"properties": ["value_is_invalid"]}),
        ({"charge_model": "graduated"}, {"properties": ["missing_graduated_ranges"]}),
        ({"charge_model": "volume"}, {"properties": ["missing_volume_ranges"]}),
        (
            {"charge_model": "volume", "properties": {"volume_ranges": RANGES}, "pay_in_advance": True},
            {"pay_in_advance": ["invalid_charge_model"]},
        ),
        (
            {
                "charge_model": "graduated",
                "properties": {"graduated_ranges": RANGES},
                "pay_in_advance": True,
                "prorated": True,
            },
            {"prorated": ["invalid_charge_model"]},
        ),
        ({"units": -1}, {"units": ["value_is_out_of_range"]}),
        ({"units": "-0.1"}, {"units": ["value_is_out_of_range"]}),
        ({"units": 10**16}, {"units": ["value_is_out_of_range"]}),
        ({"units": "1e-21"}, {"units": ["value_is_out_of_range"]}),
        ({"units": "many"}, {"units": ["value_is_invalid"]}),
        ({"units": "NaN"}, {"units": ["value_is_invalid"]}),
        ({"prorated": "perhaps"}, {"prorated": ["value_is_invalid"]}),
        ({"apply_units_immediately": "soon"}, {"apply_units_immediately": ["value_is_invalid"]}),
    ],
)
async def test_refused(client: Client, seat: str, body: dict[str, Any], details: object) -> None:
    wrong = standard(seat) | body
    assert await client.details("POST", "/plans", {"plan": {**PLAN, "fixed_charges": [wrong]}}) == details
    await create(client)
    assert await client.details("POST", "/plans/pro/fixed_charges", {"fixed_charge": wrong}) == details
    assert (await client.ok("GET", "/plans/pro"))["plan"]["fixed_charges"] == []


async def test_a_code_is_taken_once_in_a_plan(client: Client, seat: str, fixed: Any) -> None:
    taken = {"code": ["value_already_exist"]}
    both = {"plan": {**PLAN, "code": "other", "fixed_charges": [standard(seat), standard(seat)]}}
    assert await client.details("POST", "/plans", both) == taken
    assert await client.details("POST", "/plans/pro/fixed_charges", {"fixed_charge": standard(seat)}) == taken
    await client.ok("POST", "/plans/pro/fixed_charges", {"fixed_charge": standard(seat, code="other")})
    path = "/plans/pro/fixed_charges/other"
    assert await client.details("PUT", path, {"fixed_charge": {"code": "seats"}}) == taken
    metric = {"name": "M", "code": "seats", "aggregation_type": "count_agg"}
    made = await client.ok("POST", "/billable_metrics", {"billable_metric": metric})
    usage = {"billable_metric_id": made["billable_metric"]["lago_id"], "charge_model": "standard"}
    plan = (await client.ok("PUT", "/plans/pro", {"plan": {"charges": [usage]}}))["plan"]
    assert plan["charges"][0]["code"] == "seats", "usage charges have codes of their own"


async def test_what_is_missing(client: Client, seat: str, fixed: Any) -> None:
    await subscribe(client)
    body = {"fixed_charge": {"units": 1}}
    for method, path, sent in (
        ("GET", "/plans/pro/fixed_charges/x", None),
        ("PUT", "/plans/pro/fixed_charges/x", body),
        ("DELETE", "/plans/pro/fixed_charges/x", None),
        ("GET", "/subscriptions/s1/fixed_charges/x", None),
        ("PUT", "/subscriptions/s1/fixed_charges/x", body),
    ):
        assert (await client.refused(404, method, path, sent))["code"] == "fixed_charge_not_found", path
    for path in (
        "/subscriptions/s1/fixed_charges/seats?subscription_status=pending",
        "/subscriptions/s2/fixed_charges",
    ):
        assert (await client.refused(404, "GET", path))["code"] == "subscription_not_found"
    await add_on(client, code="gone")
    await client.ok("DELETE", "/add_ons/gone")
    for add_on_id in (None, "x", NOBODYS_ID, fixed["lago_id"]):
        plan = {"plan": {**PLAN, "code": "other", "fixed_charges": [standard(seat) | {"add_on_id": add_on_id}]}}
        assert (await client.refused(404, "POST", "/plans", plan))["code"] == "add_ons_not_found"
    for names in ({}, {"add_on_id": "x"}, {"add_on_id": NOBODYS_ID, "add_on_code": "seat"}, {"add_on_code": "gone"}):
        new = {"fixed_charge": {"charge_model": "standard", **names}}
        assert (await client.refused(404, "POST", "/plans/pro/fixed_charges", new))["code"] == "add_on_not_found"
    taxed = {"fixed_charge": {"tax_codes": ["none"]}}
    for place in ("/plans/pro", "/subscriptions/s1"):
        refused = await client.refused(404, "PUT", f"{place}/fixed_charges/seats", taxed)
        assert refused["code"] == "tax_not_found"


async def test_life_of_a_fixed_charge(client: Client, seat: str, fixed: Any) -> None:
    path = "/plans/pro/fixed_charges"
    body = {"add_on_code": "seat", "charge_model": "standard", "units": 4, "properties": {"amount": "1"}}
    made = (await client.ok("POST", path, {"fixed_charge": body}))["fixed_charge"]
    assert (made["code"], made["lago_add_on_id"], made["units"]) == ("seat", seat, 4)
    again = (await client.ok("POST", path, {"fixed_charge": body | {"code": ""}}))["fixed_charge"]
    assert again["code"] == "seat_2"
    assert (await client.ok("GET", f"{path}/seat"))["fixed_charge"] == made
    listed = await client.ok("GET", path, params={"per_page": 2})
    assert (listed["fixed_charges"], listed["meta"]["total_count"]) == ([again, made], 3), "the newest first"
    assert (await client.ok("GET", "/plans/pro"))["plan"]["fixed_charges"] == [fixed, made, again]
    changes = {"code": "eu/seat.1", "units": "5.5", "invoice_display_name": "Chair"}
    changed = (await client.ok("PUT", f"{path}/seat", {"fixed_charge": changes}))["fixed_charge"]
    assert changed == made | changes | {"units": 5.5}
    assert (await client.ok("PUT", f"{path}/eu/seat.1", {"fixed_charge": {"units": None}}))["fixed_charge"] == changed
    assert (await client.ok("DELETE", f"{path}/eu/seat.1"))["fixed_charge"] == changed
    assert (await client.ok("GET", path))["fixed_charges"] == [again, fixed]


async def test_taxes(client: Client, seat: str, fixed: Any) -> None:
    for code in ("a", "b"):
        await client.ok("POST", "/taxes", {"tax": {"name": code, "code": code, "rate": "5"}})
    await client.ok("PUT", "/add_ons/seat", {"add_on": {"tax_codes": ["a"]}})
    one, other = await change(client, {"id": fixed["lago_id"], "tax_codes": ["b", "a"]}, standard(seat, code="x"))
    assert [tax["code"] for tax in one["taxes"]] == ["b", "a"]
    assert other["taxes"] == [], "those of the add-on are its own"
    await client.ok("DELETE", "/taxes/b")
    shown = (await client.ok("GET", "/plans/pro/fixed_charges/seats"))["fixed_charge"]
    assert [tax["code"] for tax in shown["taxes"]] == ["a"]


async def test_units_of_one_subscription(client: Client, fixed: Any) -> None:
    begun = await subscribe(client)
    await subscribe(client, "s2")
    assert await in_force(client) == [fixed], "at first those of the plan"
    changed = await override(client, units="15", apply_units_immediately=True)
    assert changed == fixed | {"units": 15}
    assert await in_force(client) == [changed]
    assert (await client.ok("GET", "/subscriptions/s1/fixed_charges/seats"))["fixed_charge"] == changed
    assert await in_force(client, "s2") == [fixed]
    assert (await client.ok("GET", "/plans/pro"))["plan"]["fixed_charges"] == [fixed]
    assert await parent_id(client) is None, "units need no copy of the plan"
    await change(client, {"id": fixed["lago_id"], "units": 20})
    assert ((await in_force(client))[0]["units"], (await in_force(client, "s2"))[0]["units"]) == (15, 20)
    assert (await override(client, units=0, charge_model="standard"))["units"] == 0, (
        "the model that it has is no change"
    )
    nothings: list[dict[str, object]] = [{"units": None}, {"units": ""}, {"apply_units_immediately": True}]
    for nothing in nothings:
        assert (await override(client, **nothing))["units"] == 0
    assert (await subscribe(client))["lago_id"] == begun["lago_id"]


async def test_a_price_of_one_subscription(client: Client, fixed: Any) -> None:
    await subscribe(client)
    await subscribe(client, "s2")
    await client.ok("POST", "/taxes", {"tax": {"name": "VAT", "code": "vat", "rate": "5"}})
    commitment = {"amount_cents": 5000, "invoice_display_name": "Minimum", "tax_codes": ["vat"]}
    plan = (await client.ok("PUT", "/plans/pro", {"plan": {"minimum_commitment": commitment}}))["plan"]
    own = {"properties": {"amount": "3"}, "invoice_display_name": "Mine"}
    frozen = {"code": "x", "pay_in_advance": True, "prorated": True}
    changed = await override(client, **own, **frozen, tax_codes=["vat"])
    assert changed == fixed | own | {
        "lago_id": changed["lago_id"],
        "lago_parent_id": fixed["lago_id"],
        "taxes": plan["minimum_commitment"]["taxes"],
    }
    assert changed["lago_id"] != fixed["lago_id"]
    assert await in_force(client) == [changed]
    assert await in_force(client, "s2") == [fixed]
    of_copy = (await client.ok("GET", "/subscriptions/s1"))["subscription"]["plan"]
    assert of_copy["parent_id"] == plan["lago_id"]
    copied = of_copy["minimum_commitment"]
    assert copied == plan["minimum_commitment"] | {"lago_id": copied["lago_id"]}
    assert copied["lago_id"] != plan["minimum_commitment"]["lago_id"]
    again = await override(client, invoice_display_name="Ours")
    assert again == changed | {"invoice_display_name": "Ours"}, "the copy itself changes"


@pytest.mark.parametrize("first", ["units", "price", "both"])
async def test_units_and_a_price_of_one_subscription(client: Client, fixed: Any, first: str) -> None:
    await subscribe(client)
    price: dict[str, object] = {"properties": {"amount": "3"}}
    units: dict[str, object] = {"units": 15}
    orders = {"units": [units, price], "price": [price, units], "both": [price | units]}
    for body in orders[first]:
        shown = await override(client, **body)
    assert (shown["units"], shown["properties"]) == (15, {"amount": "3"})
    assert await in_force(client) == [shown]


async def test_what_cannot_be_overridden(client: Client, fixed: Any) -> None:
    await subscribe(client)
    path = "/subscriptions/s1/fixed_charges/seats"
    refused = await client.refused(403, "PUT", path, {"fixed_charge": {"charge_model": "volume", "units": 3}})
    assert refused["code"] == "cannot_override_charge_model"
    for body, details in (
        ({"properties": {"amount": "x"}, "units": 3}, {"properties": ["invalid_amount"]}),
        ({"units": -1}, {"units": ["value_is_out_of_range"]}),
        ({"units": "x", "invoice_display_name": []}, {
            "units": ["value_is_invalid"],
            "invoice_display_name": ["value_is_invalid"],
        }),
    ):  # fmt: skip
        assert await client.details("PUT", path, {"fixed_charge": body}) == details
    assert await in_force(client) == [fixed]
    assert await parent_id(client) is None


async def test_what_has_ended_keeps_its_units_and_prices(client: Client, fixed: Any) -> None:
    await subscribe(client)
    own = await override(client, invoice_display_name="Mine")
    await client.ok("DELETE", "/subscriptions/s1")
    path = "/subscriptions/s1/fixed_charges/seats?subscription_status=terminated"
    assert (await client.ok("GET", path))["fixed_charge"] == own
    for body in ({"units": 3}, {"invoice_display_name": "x"}):
        assert (await client.refused(405, "PUT", path, {"fixed_charge": body}))["code"] == "subscription_not_active"


async def test_copies_follow_if_told_so(client: Client, seat: str, fixed: Any) -> None:
    await subscribe(client)
    await override(client, invoice_display_name="Mine")
    path = "/plans/pro/fixed_charges/seats"
    for cascade, amount, units, own in (
        (False, "2", 11, ("2", 10)),
        (False, "2", 10, ("2", 10)),
        (True, "4", 12, ("4", 12)),
    ):
        body = {"properties": {"amount": amount}, "units": units, "cascade_updates": cascade}
        await client.ok("PUT", path, {"fixed_charge": body})
        shown = (await in_force(client))[0]
        assert (shown["properties"]["amount"], shown["units"]) == own
        assert shown["invoice_display_name"] == "Mine"
    await change(client, {"id": fixed["lago_id"], "units": 13}, standard(seat, code="new"), cascade=True)
    assert [(one["code"], one["units"]) for one in await in_force(client)] == [("new", 10), ("seats", 13)]
    await client.ok("DELETE", "/plans/pro/fixed_charges/new")
    assert len(await in_force(client)) == 2
    await client.ok(
        "POST", "/plans/pro/fixed_charges", {"fixed_charge": standard(seat, code="b", cascade_updates=True)}
    )
    await client.ok("DELETE", path, {"fixed_charge": {"cascade_updates": True}})
    assert [one["code"] for one in await in_force(client)] == ["b", "new"]


async def test_what_has_units_or_a_price_of_its_own_stays(client: Client, fixed: Any) -> None:
    await subscribe(client)
    await override(client, invoice_display_name="Mine")
    own = await override(client, units=15)
    body = {"properties": {"amount": "4"}, "cascade_updates": True}
    await client.ok("PUT", "/plans/pro/fixed_charges/seats", {"fixed_charge": body})
    assert await in_force(client) == [own], "other units: not the plan's any more"
    priced = await override(client, units=10, properties={"amount": "3"})
    body = {"properties": {"amount": "5"}, "units": 20, "cascade_updates": True}
    await client.ok("PUT", "/plans/pro/fixed_charges/seats", {"fixed_charge": body})
    assert await in_force(client) == [priced]


async def test_once_more_with_the_same_key(client: Client, seat: str, fixed: Any) -> None:
    await subscribe(client)

    async def twice(method: str, path: str, body: object, key: str = "first") -> Any:
        headers = {"Idempotency-Key": f"{method} {path} {key}"}
        first, second = [await client.ok(method, path, body, headers=headers) for _ in range(2)]
        assert first == second
        return first

    path = "/plans/pro/fixed_charges"
    await twice("POST", path, {"fixed_charge": standard(seat, code="b")})
    assert (await client.ok("GET", path))["meta"]["total_count"] == 2
    await twice("PUT", f"{path}/b", {"fixed_charge": {"units": 4}})
    await twice("DELETE", f"{path}/b", None)
    own = "/subscriptions/s1/fixed_charges/seats"
    await twice("PUT", own, {"fixed_charge": {"units": 4}}, "units")
    changed = await twice("PUT", own, {"fixed_charge": {"units": 5, "properties": {"amount": "9"}}}, "both")
    assert changed["fixed_charge"]["lago_parent_id"] == fixed["lago_id"]
    await twice("PUT", own, {"fixed_charge": {"invoice_display_name": "x"}}, "name")
