"""Taxes over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.conftest import Client, Founder

VAT = {"name": "VAT", "code": "vat", "rate": "20.0"}
COUNTS = ("add_ons_count", "customers_count", "plans_count", "charges_count", "commitments_count")
PLAN = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 100, "amount_currency": "EUR"}


async def create(client: Client, **body: object) -> Any:
    return (await client.ok("POST", "/taxes", {"tax": {**VAT, **body}}))["tax"]


def codes(taxed: Any) -> list[str]:
    return [tax["code"] for tax in taxed["taxes"]]


async def test_life_of_a_tax(client: Client) -> None:
    made = await create(client, description="as in France")
    assert isinstance(made["rate"], float)
    assert {key: made[key] for key in (*VAT, "description", "applied_to_organization", *COUNTS)} == {
        **VAT,
        "rate": 20.0,
        "description": "as in France",
        "applied_to_organization": False,
        **dict.fromkeys(COUNTS, 0),
    }
    assert made["applied_to_billing_entities_codes"] == []
    assert (await client.ok("GET", "/taxes/vat"))["tax"] == made
    changed = await client.ok("PUT", "/taxes/vat", {"tax": {"code": "eu/vat.20", "rate": 5.5}})
    assert changed["tax"] == {**made, "code": "eu/vat.20", "rate": 5.5}
    assert (await client.ok("GET", "/taxes/eu/vat.20")) == changed
    assert (await client.refused(404, "GET", "/taxes/vat"))["code"] == "tax_not_found"
    assert await client.ok("DELETE", "/taxes/eu%2Fvat.20") == changed
    assert (await client.refused(404, "DELETE", "/taxes/eu/vat.20"))["code"] == "tax_not_found"
    assert (await create(client, code="eu/vat.20"))["lago_id"] != made["lago_id"], "its code is free"
    listed = await client.ok("GET", "/taxes")
    assert ([tax["code"] for tax in listed["taxes"]], listed["meta"]["total_count"]) == (["eu/vat.20"], 1)


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"name": "", "code": None}, {"name": ["value_is_mandatory"], "code": ["value_is_mandatory"]}),
        ({"rate": None}, {"rate": ["value_is_mandatory"]}),
        ({"rate": ""}, {"rate": ["value_is_mandatory"]}),
        ({"rate": "many"}, {"rate": ["value_is_invalid"]}),
        ({"rate": True}, {"rate": ["value_is_invalid"]}),
        ({"rate": "NaN"}, {"rate": ["value_is_invalid"]}),
        ({"rate": "-0.1"}, {"rate": ["value_is_out_of_range"]}),
        ({"rate": 100.1}, {"rate": ["value_is_out_of_range"]}),
        ({"applied_to_organization": "perhaps"}, {"applied_to_organization": ["value_is_invalid"]}),
        ({"description": "x" * 10_001}, {"description": ["value_is_too_long"]}),
        ({"code": "a\0"}, {"code": ["value_is_invalid"]}),
    ],
)
async def test_refused(client: Client, body: dict[str, Any], details: object) -> None:
    assert await client.details("POST", "/taxes", {"tax": {**VAT, **body}}) == details
    await create(client)
    assert await client.details("PUT", "/taxes/vat", {"tax": body}) == details


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0, 0.0), ("100", 100.0), (8.875, 8.875), ("0.1234567890123456789", 0.12345678901234568), ("1e-7", 1e-07)],
)
async def test_rates_are_numbers(client: Client, given: object, shown: float) -> None:
    assert (await create(client, rate=given))["rate"] == shown


async def test_a_code_is_taken_once(client: Client, found: Founder) -> None:
    await create(client)
    taken = {"code": ["value_already_exist"]}
    assert await client.details("POST", "/taxes", {"tax": VAT}) == taken
    await create(client, code="other")
    assert await client.details("PUT", "/taxes/other", {"tax": {"code": "vat"}}) == taken
    await create(await found())


async def test_defaults(client: Client) -> None:
    made = await create(client, applied_to_organization=True)
    assert (made["applied_to_organization"], made["applied_to_billing_entities_codes"]) == (True, ["default"])
    await create(client, code="other")
    listed = await client.ok("GET", "/taxes")
    assert [tax["applied_to_organization"] for tax in listed["taxes"]] == [False, True]
    changed = await client.ok("PUT", "/organizations", {"organization": {"city": "Lyon"}})
    assert codes(changed["organization"]) == ["vat"]
    assert "taxes" not in (await client.ok("GET", "/organizations"))["organization"], "Q23"
    await client.ok("PUT", "/taxes/other", {"tax": {"applied_to_organization": True}})
    await client.ok("PUT", "/taxes/vat", {"tax": {"applied_to_organization": False, "rate": 1}})
    changed = await client.ok("PUT", "/organizations", {"organization": {"city": "Nice"}})
    assert codes(changed["organization"]) == ["other"]
    await client.ok("DELETE", "/taxes/other")
    changed = await client.ok("PUT", "/organizations", {"organization": {"city": "Paris"}})
    assert codes(changed["organization"]) == []


async def test_defaults_that_come_at_once_all_stay(client: Client) -> None:
    bodies = [{"tax": {**VAT, "code": f"vat{number}", "applied_to_organization": True}} for number in range(3)]
    await asyncio.gather(*(client.ok("POST", "/taxes", body) for body in bodies))
    listed = await client.ok("GET", "/taxes")
    assert [tax["applied_to_organization"] for tax in listed["taxes"]] == [True] * 3


async def test_what_names_taxes_shows_them(client: Client) -> None:
    for code in ("a", "b"):
        await create(client, code=code)
    customer = (
        await client.ok("POST", "/customers", {"customer": {"external_id": "c", "tax_codes": ["b", "a", "b"]}})
    )["customer"]
    assert codes(customer) == ["b", "a"]
    assert "applied_to_billing_entities_codes" not in customer["taxes"][0]
    metric = {"name": "M", "code": "m", "aggregation_type": "count_agg"}
    metric_id = (await client.ok("POST", "/billable_metrics", {"billable_metric": metric}))["billable_metric"][
        "lago_id"
    ]
    charge = {"billable_metric_id": metric_id, "charge_model": "standard", "properties": {"amount": "1"}}
    charges = [{**charge, "tax_codes": ["b"]}, charge]
    plan = (await client.ok("POST", "/plans", {"plan": {**PLAN, "tax_codes": ["a"], "charges": charges}}))["plan"]
    assert (codes(plan), [codes(one) for one in plan["charges"]]) == (["a"], [["b"], []])
    subscription = {"external_customer_id": "c", "plan_code": "p", "external_id": "s"}
    begun = (await client.ok("POST", "/subscriptions", {"subscription": subscription}))["subscription"]
    assert begun["plan"]["taxes"] == plan["taxes"]

    await client.ok("PUT", "/taxes/a", {"tax": {"code": "renamed"}})
    assert codes((await client.ok("GET", "/customers/c"))["customer"]) == ["b", "renamed"]
    await client.ok("DELETE", "/taxes/b")
    await create(client, code="b")
    assert codes((await client.ok("GET", "/customers"))["customers"][0]) == ["renamed"], "another b was meant"
    listed = (await client.ok("GET", "/plans"))["plans"][0]
    assert (codes(listed), [codes(one) for one in listed["charges"]]) == (["renamed"], [[], []])


async def test_taxes_stay_until_they_are_named_anew(client: Client) -> None:
    await create(client)
    await client.ok("POST", "/customers", {"customer": {"external_id": "c", "tax_codes": ["vat"]}})
    kept = await client.ok("POST", "/customers", {"customer": {"external_id": "c", "name": "C"}})
    assert codes(kept["customer"]) == ["vat"]
    nothings: list[dict[str, Any]] = [{"tax_codes": []}, {"tax_codes": None}]
    for nothing in nothings:
        await client.ok("POST", "/customers", {"customer": {"external_id": "c", "tax_codes": ["vat"]}})
        gone = await client.ok("POST", "/customers", {"customer": {"external_id": "c", **nothing}})
        assert codes(gone["customer"]) == []
    await client.ok("POST", "/plans", {"plan": {**PLAN, "tax_codes": ["vat"]}})
    assert codes((await client.ok("PUT", "/plans/p", {"plan": {"name": "Q"}}))["plan"]) == ["vat"]
    assert codes((await client.ok("PUT", "/plans/p", {"plan": {"tax_codes": []}}))["plan"]) == []


async def test_unknown_and_misshapen_codes(client: Client, found: Founder) -> None:
    await create(await found())
    for path, wrapper, body in (
        ("/customers", "customer", {"external_id": "c"}),
        ("/plans", "plan", PLAN),
    ):
        refused = await client.refused(404, "POST", path, {wrapper: {**body, "tax_codes": ["vat"]}})
        assert refused["code"] == "tax_not_found", "another organization's"
        assert await client.details("POST", path, {wrapper: {**body, "tax_codes": "vat"}}) == {
            "tax_codes": ["value_is_invalid"]
        }


async def test_a_key_makes_one_tax(client: Client) -> None:
    body, headers = {"tax": {**VAT, "applied_to_organization": True}}, {"Idempotency-Key": "k"}
    first = await client.ok("POST", "/taxes", body, headers=headers)
    assert await client.ok("POST", "/taxes", body, headers=headers) == first
