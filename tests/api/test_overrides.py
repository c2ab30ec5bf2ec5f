"""`plan_overrides` as they are asked for and answered. Their billing is `tests/billing/test_overrides.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from tests.api.conftest import Client

NOBODYS_ID = "01a1ff4c-f5cd-75a0-8e3e-4fff252b8743"
EU, US = {"region": ["eu"]}, {"region": ["us"]}


@dataclass(frozen=True)
class Catalog:
    """Plans `pro` (2000) and `large` (3000), each with a usage charge `calls` and a fixed charge `seats`."""

    client: Client
    plans: dict[str, Any]

    def charge(self, plan: str = "pro") -> Any:
        return self.plans[plan]["charges"][0]

    def fixed(self, plan: str = "pro") -> Any:
        return self.plans[plan]["fixed_charges"][0]

    async def begin(self, own: object = None, plan: str = "pro", **more: object) -> Any:
        body = {"external_customer_id": "c1", "external_id": "s1", "plan_code": plan, **more}
        return await self._send("POST", "/subscriptions", body, own)

    async def change(self, own: object, query: str = "", **more: object) -> Any:
        return await self._send("PUT", f"/subscriptions/s1{query}", more, own)

    async def get(self, **query: str) -> Any:
        return (await self.client.ok("GET", "/subscriptions/s1", params=query))["subscription"]

    async def _send(self, method: str, path: str, body: dict[str, object], own: object) -> Any:
        overrides = {} if own is None else {"plan_overrides": own}
        return (await self.client.ok(method, path, {"subscription": body | overrides}))["subscription"]

    async def charges(self, subscription: str = "s1") -> list[Any]:
        return list((await self.client.ok("GET", f"/subscriptions/{subscription}/charges"))["charges"])

    async def fixed_charges(self, query: str = "") -> list[Any]:
        return list((await self.client.ok("GET", f"/subscriptions/s1/fixed_charges{query}"))["fixed_charges"])

    async def listed(self, **query: str) -> list[str]:
        found = await self.client.ok("GET", "/subscriptions", params=query)
        return sorted(one["external_id"] for one in found["subscriptions"])


@pytest_asyncio.fixture
async def catalog(metered: Client) -> Catalog:
    """At noon of 16 March 2024."""
    filters = [{"key": "region", "values": ["eu", "us"]}]
    metric = {"name": "Calls", "code": "calls", "aggregation_type": "count_agg", "filters": filters}
    calls = (await metered.ok("POST", "/billable_metrics", {"billable_metric": metric}))["billable_metric"]
    seat = {"name": "Seat", "code": "seats", "amount_cents": 500, "amount_currency": "EUR"}
    add_on = (await metered.ok("POST", "/add_ons", {"add_on": seat}))["add_on"]
    await metered.ok("POST", "/taxes", {"tax": {"name": "VAT", "code": "vat", "rate": "20"}})
    charge = {
        "billable_metric_id": calls["lago_id"],
        "charge_model": "standard",
        "properties": {"amount": "1"},
        "filters": [{"values": EU, "properties": {"amount": "2"}}],
    }
    fixed = {"add_on_id": add_on["lago_id"], "charge_model": "standard", "properties": {"amount": "2"}, "units": 10}
    plans = {}
    for code, amount in (("pro", 2000), ("large", 3000)):
        plan = {"name": code, "code": code, "interval": "monthly", "amount_cents": amount, "amount_currency": "EUR"}
        body = {"plan": {**plan, "charges": [charge], "fixed_charges": [fixed]}}
        plans[code] = (await metered.ok("POST", "/plans", body))["plan"]
    return Catalog(metered, plans)


async def test_a_plan_of_its_own_from_the_start(catalog: Catalog) -> None:
    of_plan, charge, fixed = catalog.plans["pro"], catalog.charge(), catalog.fixed()
    own = {
        "amount_cents": 900,
        "amount_currency": "USD",
        "name": "Mine",
        "description": "For Acme",
        "invoice_display_name": "Acme",
        "trial_period": 5,
        "tax_codes": ["vat"],
        "metadata": {"deal": "1"},
        "minimum_commitment": {"amount_cents": 5000, "invoice_display_name": "At least", "tax_codes": ["vat"]},
        "charges": [
            {
                "id": charge["lago_id"],
                "properties": {"amount": "7"},
                "filters": [{"values": US, "properties": {"amount": "8"}}],
                "invoice_display_name": "My calls",
                "min_amount_cents": 100,
                "tax_codes": ["vat"],
            }
        ],
        "fixed_charges": [{"id": fixed["lago_id"], "properties": {"amount": "3"}, "units": "4.5"}],
    }
    begun = await catalog.begin(own)
    assert (begun["plan_code"], begun["plan_amount_cents"], begun["plan_amount_currency"]) == ("pro", 900, "USD")
    plan = begun["plan"]
    said = ("amount_cents", "amount_currency", "name", "description", "invoice_display_name", "trial_period")
    assert {name: plan[name] for name in (*said, "metadata")} == {name: own[name] for name in (*said, "metadata")}
    assert (plan["code"], plan["interval"], plan["parent_id"]) == ("pro", "monthly", of_plan["lago_id"])
    assert plan["lago_id"] != of_plan["lago_id"]
    assert [tax["code"] for tax in plan["taxes"]] == ["vat"]
    commitment = plan["minimum_commitment"]
    assert (commitment["amount_cents"], commitment["invoice_display_name"]) == (5000, "At least")
    [own_charge] = await catalog.charges()
    assert plan["charges"] == [own_charge]
    assert (own_charge["lago_parent_id"], own_charge["code"]) == (charge["lago_id"], "calls")
    assert (own_charge["properties"], own_charge["min_amount_cents"]) == ({"amount": "7"}, 100)
    assert [(one["values"], one["properties"]) for one in own_charge["filters"]] == [(US, {"amount": "8"})]
    assert own_charge["lago_id"] != charge["lago_id"]
    [own_fixed] = await catalog.fixed_charges()
    assert (own_fixed["lago_parent_id"], own_fixed["units"]) == (fixed["lago_id"], 4.5)
    assert own_fixed["properties"] == {"amount": "3"}
    kept = (await catalog.client.ok("GET", "/plans/pro"))["plan"]
    counts = {"active_subscriptions_count": 1, "customers_count": 1}
    assert kept == of_plan | counts, "the catalog's plan is as it was"
    assert (await catalog.client.ok("GET", "/plans"))["meta"]["total_count"] == 2
    customer = (await catalog.client.ok("GET", "/customers/c1"))["customer"]
    assert customer["currency"] == "USD", "that of what is bought"


@pytest.mark.parametrize(
    ("own", "overridden", "why"),
    [
        ({}, False, "nothing"),
        ({"charges": [], "fixed_charges": []}, False, "no charge"),
        (
            {"interval": "yearly", "pay_in_advance": True, "code": "x", "unknown": 1},
            False,
            "not what may be overridden",
        ),
        ({"amount_cents": 2000}, True, "the plan's amount, but kept when the plan's changes"),
        ({"trial_period": 0}, True, "the same"),
        ({"minimum_commitment": {}}, True, "none, whatever the plan will have"),
        ({"minimum_commitment": None}, False, "said by the Go client where it says nothing"),
        ({"charges": [{"id": "charge"}]}, True, "the charge as it is now"),
        ({"fixed_charges": [{"id": "fixed", "units": 3}]}, False, "units alone"),
        ({"fixed_charges": [{"id": "fixed", "units": 3, "apply_units_immediately": True}]}, False, "units alone"),
        ({"fixed_charges": [{"id": "fixed", "units": 3, "invoice_display_name": "x"}]}, True, "more than units"),
        ({"fixed_charges": [{"id": "fixed", "units": 3}], "name": "x"}, True, "more than a fixed charge"),
    ],
)
@pytest.mark.parametrize("when", ["at the start", "later"])
async def test_when_a_plan_is_copied(
    catalog: Catalog, own: dict[str, Any], overridden: bool, why: str, when: str
) -> None:
    ids = {"charge": catalog.charge()["lago_id"], "fixed": catalog.fixed()["lago_id"]}
    lists = {
        name: [{**entry, "id": ids[entry["id"]]} for entry in own[name]]
        for name in ("charges", "fixed_charges")
        if name in own
    }
    if when == "at the start":
        shown = await catalog.begin(own | lists)
    else:
        await catalog.begin()
        shown = await catalog.change(own | lists)
    assert (shown["plan"]["parent_id"] is not None) == overridden, why
    assert await catalog.listed(overridden="true") == (["s1"] if overridden else [])
    assert await catalog.listed(overridden="false") == ([] if overridden else ["s1"])
    named = any("units" in entry for entry in lists.get("fixed_charges", []))
    assert [one["units"] for one in await catalog.fixed_charges()] == [3 if named else 10]
    assert shown["plan"]["interval"] == "monthly"


async def test_what_the_go_client_sends_for_what_is_not_set(catalog: Catalog) -> None:
    """It has no way to leave these out: a null says nothing, a zero is a zero."""
    committed = {"plan": {"trial_period": 7, "minimum_commitment": {"amount_cents": 5000}}}
    await catalog.client.ok("PUT", "/plans/pro", committed)
    unset = {"amount_cents": 0, "trial_period": 0, "minimum_commitment": None}
    begun = await catalog.begin({**unset, "charges": [{"id": catalog.charge()["lago_id"], "properties": None}]})
    plan = begun["plan"]
    assert (plan["amount_cents"], plan["trial_period"], plan["minimum_commitment"]["amount_cents"]) == (0, 0, 5000)
    assert plan["charges"][0]["properties"] == {"amount": "1"}
    assert (await catalog.change(unset))["plan"]["minimum_commitment"] == plan["minimum_commitment"]
    assert "minimum_commitment" not in (await catalog.change({"minimum_commitment": {}}))["plan"]


async def test_the_first_change_copies_the_plan_and_later_ones_change_the_copy(catalog: Catalog) -> None:
    charge, fixed = catalog.charge(), catalog.fixed()
    begun = await catalog.begin()
    await catalog.begin(external_id="s2")
    body = {"amount_cents": 900, "charges": [{"id": charge["lago_id"], "properties": {"amount": "7"}}]}
    first = await catalog.change(body, name="Named")
    assert (first["lago_id"], first["name"], first["plan_amount_cents"]) == (begun["lago_id"], "Named", 900)
    assert first["plan"]["parent_id"] == begun["plan"]["lago_id"]
    assert first["plan"]["charges"][0]["filters"][0]["properties"] == {"amount": "2"}, "what is not said stays"
    assert await catalog.change(body) == first, "a body that is sent again, with ids of the plan, changes nothing"
    own_id, fixed_id = first["plan"]["charges"][0]["lago_id"], (await catalog.fixed_charges())[0]["lago_id"]
    assert fixed_id != fixed["lago_id"]
    fixed_charges = [{"id": fixed_id, "properties": {"amount": "9"}, "units": 2}]
    again = await catalog.change(
        {"description": "x", "charges": [{"id": own_id, "filters": []}], "fixed_charges": fixed_charges}
    )
    assert again["plan"]["lago_id"] == first["plan"]["lago_id"]
    assert (again["plan_amount_cents"], again["plan"]["description"]) == (900, "x")
    [own_charge] = again["plan"]["charges"]
    assert (own_charge["lago_id"], own_charge["properties"], own_charge["filters"]) == (own_id, {"amount": "7"}, [])
    [own_fixed] = await catalog.fixed_charges()
    assert (own_fixed["lago_id"], own_fixed["properties"], own_fixed["units"]) == (fixed_id, {"amount": "9"}, 2)
    assert await catalog.charges("s2") == [charge]
    assert await catalog.get() == again


async def test_the_same_plan_again_changes_nothing(catalog: Catalog) -> None:
    begun = await catalog.begin({"amount_cents": 900})
    assert await catalog.begin({"amount_cents": 100}) == begun
    assert await catalog.begin() == begun, "it is still on its plan"


@pytest.mark.parametrize(
    ("current", "plan", "own", "active", "next_plan", "why"),
    [
        (None, "large", {"amount_cents": 1999}, 2000, "large", "a dearer plan, sold cheaper, waits"),
        (None, "large", {"amount_cents": 2000}, 2000, None, "as much is an upgrade"),
        (3500, "large", {"amount_cents": 3600}, 3600, None, "against the own amount of the current one"),
        (3500, "large", {"name": "x"}, 3500, "large", "no amount of its own, the plan's is less"),
        (3500, "large", None, 3500, "large", "no terms of its own"),
        (100, "large", None, 3000, None, "dearer than what it pays"),
    ],
)
async def test_the_own_amount_says_which_way_a_change_of_plan_goes(
    catalog: Catalog, current: int | None, plan: str, own: object, active: int, next_plan: str | None, why: str
) -> None:
    await catalog.begin(None if current is None else {"amount_cents": current})
    answered = await catalog.begin(own, plan)
    assert (answered["plan_amount_cents"], answered["next_plan_code"]) == (active, next_plan), why
    new = await catalog.get(status="active" if next_plan is None else "pending")
    assert (new["plan_code"], new["previous_plan_code"]) == ("large", "pro")
    assert new["plan"]["parent_id"] == (None if own is None else catalog.plans["large"]["lago_id"])


@pytest.mark.parametrize(("amount", "status"), [(100, "pending"), (9000, "active")])
async def test_a_next_one_has_units_of_its_own(catalog: Catalog, amount: int, status: str) -> None:
    await catalog.begin({"amount_cents": 5000})
    fixed_charges = [{"id": catalog.fixed("large")["lago_id"], "units": 3}]
    await catalog.begin({"amount_cents": amount, "fixed_charges": fixed_charges}, "large")
    [own] = await catalog.fixed_charges(f"?subscription_status={status}")
    assert (own["lago_parent_id"], own["units"]) == (catalog.fixed("large")["lago_id"], 3)


async def test_one_that_is_still_to_begin(catalog: Catalog) -> None:
    begun = await catalog.begin({"amount_cents": 900, "amount_currency": "USD"}, subscription_at="2024-05-01")
    assert (begun["status"], begun["plan_amount_currency"]) == ("pending", "USD")
    free = {"amount_currency": "EUR", "trial_period": 9}
    changed = await catalog.change(free, "?status=pending")
    assert (changed["plan_amount_currency"], changed["plan"]["trial_period"]) == ("EUR", 9), "nothing is billed yet"
    fixed_charges = [{"id": catalog.fixed("large")["lago_id"], "units": 3}]
    swapped = await catalog.begin({"amount_cents": 1, "fixed_charges": fixed_charges}, "large")
    assert (swapped["lago_id"], swapped["status"], swapped["plan_code"]) == (begun["lago_id"], "pending", "large")
    assert (swapped["plan_amount_cents"], swapped["plan"]["trial_period"]) == (1, 0)
    assert swapped["plan"]["parent_id"] == catalog.plans["large"]["lago_id"]
    assert [one["units"] for one in await catalog.fixed_charges("?subscription_status=pending")] == [3]
    today = await catalog.change({"amount_cents": 2}, "?status=pending", subscription_at="2024-03-16")
    assert (today["status"], today["plan_amount_cents"]) == ("active", 2)


@pytest.mark.parametrize(
    ("own", "details"),
    [
        ([], {"plan_overrides": ["value_is_invalid"]}),
        ("x", {"plan_overrides": ["value_is_invalid"]}),
        ({"amount_cents": -1}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"amount_cents": None}, {"amount_cents": ["value_is_mandatory"]}),
        ({"amount_currency": "XXX"}, {"amount_currency": ["value_is_invalid"]}),
        ({"name": " "}, {"name": ["value_is_mandatory"]}),
        ({"trial_period": -1}, {"trial_period": ["value_is_out_of_range"]}),
        ({"minimum_commitment": {"amount_cents": 0}}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"minimum_commitment": {"invoice_display_name": "x"}}, {"amount_cents": ["value_is_mandatory"]}),
        ({"usage_thresholds": [{"amount_cents": 1}]}, {"usage_thresholds": ["feature_unavailable"]}),
        ({"charges": "x"}, {"charges": ["value_is_invalid"]}),
        ({"charges": [{"properties": {"amount": "1"}}]}, {"id": ["value_is_mandatory"]}),
        ({"charges": [{"id": "x"}]}, {"id": ["value_is_invalid"]}),
        ({"fixed_charges": [{"units": 1}]}, {"id": ["value_is_mandatory"]}),
        ({"charges": [{"id": "charge", "properties": {"amount": "x"}}], "amount_cents": "x"}, {
            "properties": ["invalid_amount"],
            "amount_cents": ["value_is_invalid"],
        }),
        (
            {"charges": [{"id": "charge", "filters": [{"values": {"region": ["x"]}, "properties": {"amount": "1"}}]}]},
            {"values": ["value_is_invalid"]},
        ),
        ({"fixed_charges": [{"id": "fixed", "units": -1}]}, {"units": ["value_is_out_of_range"]}),
        ({"fixed_charges": [{"id": "fixed", "properties": {"amount": 1}}]}, {"properties": ["invalid_amount"]}),
    ],
)  # fmt: skip
async def test_what_is_refused(catalog: Catalog, own: Any, details: object) -> None:
    for place in ("charges", "fixed_charges"):
        for entry in own.get(place, []) if isinstance(own, dict) else []:
            if isinstance(entry, dict):
                known = {"charge": catalog.charge(), "fixed": catalog.fixed()}.get(entry.get("id", ""))
                entry["id"] = known["lago_id"] if known else entry.get("id")
    body = {"subscription": {"external_customer_id": "c1", "external_id": "s1", "plan_code": "pro"}}
    of_new: Any = {"subscription": {**body["subscription"], "plan_overrides": own}}
    assert await catalog.client.details("POST", "/subscriptions", of_new) == details
    assert await catalog.listed() == []
    begun = await catalog.begin()
    assert (
        await catalog.client.details("PUT", "/subscriptions/s1", {"subscription": {"plan_overrides": own}}) == details
    )
    assert await catalog.get() == begun


@pytest.mark.parametrize(
    ("own", "status", "code"),
    [
        ({"charges": [{"id": NOBODYS_ID}]}, 404, "charge_not_found"),
        ({"fixed_charges": [{"id": NOBODYS_ID, "units": 1}]}, 404, "fixed_charge_not_found"),
        ({"charges": [{"id": "other"}]}, 404, "charge_not_found"),
        ({"tax_codes": ["none"]}, 404, "tax_not_found"),
        ({"charges": [{"id": "charge", "tax_codes": ["none"]}]}, 404, "tax_not_found"),
        ({"minimum_commitment": {"amount_cents": 1, "tax_codes": ["none"]}}, 404, "tax_not_found"),
        ({"charges": [{"id": "charge", "charge_model": "volume"}]}, 403, "cannot_override_charge_model"),
        ({"fixed_charges": [{"id": "fixed", "charge_model": "volume"}]}, 403, "cannot_override_charge_model"),
    ],
)
async def test_what_is_not_there(catalog: Catalog, own: dict[str, Any], status: int, code: str) -> None:
    ids = {"charge": catalog.charge(), "fixed": catalog.fixed(), "other": catalog.charge("large")}
    for place in ("charges", "fixed_charges"):
        for entry in own.get(place, []):
            entry["id"] = ids[entry["id"]]["lago_id"] if entry["id"] in ids else entry["id"]
    body = {"external_customer_id": "c1", "external_id": "s1", "plan_code": "pro", "plan_overrides": own}
    refused = await catalog.client.refused(status, "POST", "/subscriptions", {"subscription": body})
    assert refused["code"] == code
    unknown = {"subscription": {**body, "plan_code": "none", "plan_overrides": {"amount_cents": 1}}}
    assert (await catalog.client.refused(404, "POST", "/subscriptions", unknown))["code"] == "plan_not_found"
    await catalog.begin()
    change = {"subscription": {"plan_overrides": own}}
    assert (await catalog.client.refused(status, "PUT", "/subscriptions/s1", change))["code"] == code
    assert await catalog.listed(overridden="true") == []


async def test_once_begun_the_currency_stays_and_a_trial_that_is_over(catalog: Catalog) -> None:
    await catalog.begin()
    own = {"amount_currency": "USD", "trial_period": 9, "amount_cents": 1}
    assert await catalog.client.details("PUT", "/subscriptions/s1", {"subscription": {"plan_overrides": own}}) == {
        "amount_currency": ["currencies_does_not_match"],
        "trial_period": ["value_is_out_of_range"],
    }
    same = await catalog.change({"amount_currency": "EUR", "trial_period": "0.0", "amount_cents": 1})
    assert same["plan_amount_cents"] == 1, "what is the same is no change"


async def test_of_a_pricing_unit_the_rate(catalog: Catalog) -> None:
    for code in ("tok", "kop"):
        await catalog.client.ok(
            "POST", "/pricing_units", {"pricing_unit": {"name": code, "code": code, "short_name": "U"}}
        )
    applied = {"code": "tok", "conversion_rate": "0.5"}
    priced = {"billable_metric_id": catalog.charge()["lago_billable_metric_id"], "charge_model": "standard"}
    body = {"charge": {**priced, "code": "own", "applied_pricing_unit": applied}}
    made = (await catalog.client.ok("POST", "/plans/pro/charges", body))["charge"]
    await catalog.begin()
    for given, rate in (
        ({"conversion_rate": "0.25"}, "0.25"),
        ({"code": "kop", "conversion_rate": "3"}, "3.0"),
        (None, "3.0"),
    ):
        own = {"charges": [{"id": made["lago_id"], "applied_pricing_unit": given}]}
        [_, charge] = (await catalog.change(own))["plan"]["charges"]
        unit = charge["applied_pricing_unit"]
        assert (unit["code"], unit["conversion_rate"]) == ("tok", rate)
    of_money = {"charges": [{"id": catalog.charge()["lago_id"], "applied_pricing_unit": applied}]}
    [charge, _] = (await catalog.change(of_money))["plan"]["charges"]
    assert charge["applied_pricing_unit"] is None, "it only applies where there is one"


async def test_what_has_ended_keeps_its_terms(catalog: Catalog) -> None:
    await catalog.begin({"amount_cents": 900})
    await catalog.client.ok("DELETE", "/subscriptions/s1")
    for own in ({"amount_cents": 1}, {"fixed_charges": [{"id": catalog.fixed()["lago_id"], "units": 1}]}):
        body = {"subscription": {"plan_overrides": own}}
        refused = await catalog.client.refused(405, "PUT", "/subscriptions/s1?status=terminated", body)
        assert refused["code"] == "subscription_not_active"
    assert (await catalog.begin())["plan"]["parent_id"] is None, "another one begins on the plan"


async def test_once_more_with_the_same_key(catalog: Catalog) -> None:
    new = {"external_customer_id": "c1", "external_id": "s1", "plan_code": "pro"}
    for method, path, body in (
        ("POST", "/subscriptions", new | {"plan_overrides": {"amount_cents": 900}}),
        ("PUT", "/subscriptions/s1", {"plan_overrides": {"amount_cents": 800}}),
        ("POST", "/subscriptions", new | {"plan_code": "large", "plan_overrides": {"amount_cents": 100}}),
    ):
        headers = {"Idempotency-Key": f"{method} {body}"}
        first, second = [
            await catalog.client.ok(method, path, {"subscription": body}, headers=headers) for _ in range(2)
        ]
        assert first == second
