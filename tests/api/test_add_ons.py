"""Add-ons over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, Founder

SEAT = {"name": "Seat", "code": "seat", "amount_cents": 1000, "amount_currency": "EUR"}
PLAN = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 100, "amount_currency": "EUR"}
VAT = {"name": "VAT", "code": "vat", "rate": "20"}


async def create(client: Client, **body: object) -> Any:
    return (await client.ok("POST", "/add_ons", {"add_on": {**SEAT, **body}}))["add_on"]


async def test_life_of_an_add_on(client: Client) -> None:
    made = await create(client, description="A place to sit", unknown=1)
    assert made == {
        **SEAT,
        "lago_id": made["lago_id"],
        "invoice_display_name": None,
        "description": "A place to sit",
        "created_at": made["created_at"],
        "taxes": [],
    }
    assert (await client.ok("GET", "/add_ons/seat"))["add_on"] == made
    changes = {"code": "eu/seat.1", "amount_cents": "0", "amount_currency": "USD", "invoice_display_name": "A seat"}
    changed = await client.ok("PUT", "/add_ons/seat", {"add_on": changes})
    assert changed["add_on"] == {**made, **changes, "amount_cents": 0}
    assert await client.ok("GET", "/add_ons/eu/seat.1") == changed
    assert (await client.refused(404, "GET", "/add_ons/seat"))["code"] == "add_on_not_found"
    assert await client.ok("DELETE", "/add_ons/eu%2Fseat.1") == changed
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"add_on": {"name": "x"}})):
        assert (await client.refused(404, method, "/add_ons/eu/seat.1", body))["code"] == "add_on_not_found"
    again = await create(client, code="eu/seat.1")
    assert again["lago_id"] != made["lago_id"], "its code is free"
    await create(client, code="desk")
    listed = await client.ok("GET", "/add_ons", params={"per_page": 1, "page": 2})
    assert (listed["add_ons"], listed["meta"]["total_count"]) == ([again], 2), "the newest first"


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (
            {"name": " ", "code": None, "amount_cents": "", "amount_currency": None},
            {name: ["value_is_mandatory"] for name in ("name", "code", "amount_cents", "amount_currency")},
        ),
        ({"amount_cents": -1}, {"amount_cents": ["value_is_out_of_range"]}),
        ({"amount_cents": 1.5}, {"amount_cents": ["value_is_invalid"]}),
        ({"amount_currency": "XXX"}, {"amount_currency": ["value_is_invalid"]}),
        ({"description": "x" * 10_001}, {"description": ["value_is_too_long"]}),
        ({"invoice_display_name": []}, {"invoice_display_name": ["value_is_invalid"]}),
        ({"tax_codes": "vat"}, {"tax_codes": ["value_is_invalid"]}),
    ],
)
async def test_refused(client: Client, body: dict[str, Any], details: object) -> None:
    assert await client.details("POST", "/add_ons", {"add_on": {**SEAT, **body}}) == details
    await create(client)
    assert await client.details("PUT", "/add_ons/seat", {"add_on": body}) == details


async def test_a_code_is_taken_once(client: Client, found: Founder) -> None:
    await create(client)
    taken = {"code": ["value_already_exist"]}
    assert await client.details("POST", "/add_ons", {"add_on": SEAT}) == taken
    await create(client, code="other")
    assert await client.details("PUT", "/add_ons/other", {"add_on": {"code": "seat"}}) == taken
    other = await found()
    assert (await other.refused(404, "GET", "/add_ons/seat"))["code"] == "add_on_not_found"
    await create(other)


async def test_taxes(client: Client) -> None:
    missing = await client.refused(404, "POST", "/add_ons", {"add_on": {**SEAT, "tax_codes": ["vat"]}})
    assert missing["code"] == "tax_not_found"
    await client.ok("POST", "/taxes", {"tax": VAT})
    made = await create(client, tax_codes=["vat", "vat"])
    assert [tax["code"] for tax in made["taxes"]] == ["vat"]
    kept = (await client.ok("PUT", "/add_ons/seat", {"add_on": {"name": "S"}}))["add_on"]
    assert kept["taxes"] == made["taxes"]
    await client.ok("DELETE", "/taxes/vat")
    assert (await client.ok("GET", "/add_ons"))["add_ons"] == [kept | {"taxes": []}], "a deleted tax is on nothing"


async def test_plans_keep_what_is_changed_or_deleted(client: Client) -> None:
    seat = await create(client)
    body = {"add_on_id": seat["lago_id"], "charge_model": "standard", "units": 2}
    plan = (await client.ok("POST", "/plans", {"plan": {**PLAN, "fixed_charges": [body]}}))["plan"]
    fixed = plan["fixed_charges"][0]
    assert (fixed["code"], fixed["add_on_code"], fixed["invoice_display_name"]) == ("seat", "seat", "Seat")
    await client.ok("PUT", "/add_ons/seat", {"add_on": {"code": "chair", "name": "Chair"}})
    shown = fixed | {"add_on_code": "chair", "invoice_display_name": "Chair"}
    assert (await client.ok("GET", "/plans/p"))["plan"]["fixed_charges"] == [shown]
    await client.ok("DELETE", "/add_ons/chair")
    assert (await client.ok("GET", "/plans/p"))["plan"]["fixed_charges"] == [shown]
    changed = (await client.ok("PUT", "/plans/p", {"plan": {"fixed_charges": [shown | {"id": shown["lago_id"]}]}}))[
        "plan"
    ]
    assert changed["fixed_charges"] == [shown], "what is there may be sent back"
    refused = await client.refused(404, "PUT", "/plans/p", {"plan": {"fixed_charges": [body]}})
    assert refused["code"] == "add_ons_not_found", "nothing new begins"


async def test_a_key_makes_one(client: Client) -> None:
    headers = {"Idempotency-Key": "k"}
    first = await client.ok("POST", "/add_ons", {"add_on": SEAT}, headers=headers)
    assert await client.ok("POST", "/add_ons", {"add_on": SEAT}, headers=headers) == first
    assert (await client.ok("GET", "/add_ons"))["meta"]["total_count"] == 1
