"""Customers over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, Founder


async def upsert(client: Client, external_id: str = "c1", **body: object) -> Any:
    return (await client.ok("POST", "/customers", {"customer": {"external_id": external_id, **body}}))["customer"]


async def ids(client: Client, **filters: Any) -> list[str]:
    listed = await client.ok("GET", "/customers", params=filters)
    assert listed["meta"]["total_count"] == len(listed["customers"])
    return sorted(customer["external_id"] for customer in listed["customers"])


async def test_an_upsert_changes_only_what_it_names(client: Client) -> None:
    made = await upsert(
        client,
        name="Acme",
        email="a@acme.test,b@acme.test",
        country="fr",
        zipcode=75001,
        timezone="Europe/Paris",
        billing_configuration={"invoice_grace_period": "3", "document_locale": "fr"},
        shipping_address={"city": "Lyon"},
    )
    changed = await upsert(client, currency="EUR", name=None, billing_configuration={"invoice_grace_period": None})
    assert changed["lago_id"] == made["lago_id"]
    assert (changed["name"], changed["currency"], changed["country"], changed["zipcode"]) == (
        None,
        "EUR",
        "FR",
        "75001",
    )
    assert changed["billing_configuration"]["invoice_grace_period"] is None
    assert changed["billing_configuration"]["document_locale"] == "fr"
    assert changed["shipping_address"]["city"] == "Lyon"
    assert changed["applicable_timezone"] == "Europe/Paris"
    shown = (await client.ok("GET", "/customers/c1"))["customer"]
    assert shown == changed


async def test_numbers_and_slugs_follow_one_another(client: Client) -> None:
    await client.ok("PUT", "/organizations", {"organization": {"document_number_prefix": "acm"}})
    made = [await upsert(client, f"c{number}") for number in range(3)]
    assert [customer["sequential_id"] for customer in made] == [1, 2, 3]
    assert made[2]["slug"] == "ACM-003"


async def test_the_zone_of_the_organization_is_inherited_at_once(client: Client) -> None:
    assert (await upsert(client))["applicable_timezone"] == "UTC"
    await client.ok("PUT", "/organizations", {"organization": {"timezone": "Asia/Tokyo"}})
    assert (await client.ok("GET", "/customers/c1"))["customer"]["applicable_timezone"] == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"external_id": None}, {"external_id": ["value_is_mandatory"]}),
        ({"external_id": " "}, {"external_id": ["value_is_mandatory"]}),
        ({"external_id": {"a": 1}}, {"external_id": ["value_is_invalid"]}),
        ({"external_id": "x" * 256}, {"external_id": ["value_is_too_long"]}),
        ({"external_id": "a\0b"}, {"external_id": ["value_is_invalid"]}),
        ({"name": ["a"]}, {"name": ["value_is_invalid"]}),
        ({"metadata": [{"key": "\0", "value": "v"}]}, {"metadata": ["value_is_invalid"]}),
        ({"country": "XX"}, {"country": ["not_a_valid_country_code"]}),
        ({"shipping_address": {"country": "France"}}, {"country": ["not_a_valid_country_code"]}),
        ({"shipping_address": "Lyon"}, {"shipping_address": ["value_is_invalid"]}),
        ({"currency": "EURO"}, {"currency": ["value_is_invalid"]}),
        ({"currency": "eur"}, {"currency": ["value_is_invalid"]}),
        ({"timezone": "Paris"}, {"timezone": ["invalid_timezone"]}),
        ({"timezone": "../UTC"}, {"timezone": ["invalid_timezone"]}),
        ({"email": "acme"}, {"email": ["invalid_email_format"]}),
        ({"url": "acme.test"}, {"url": ["url_is_invalid"]}),
        ({"logo_url": "http://[acme"}, {"logo_url": ["url_is_invalid"]}),
        ({"net_payment_term": -1}, {"net_payment_term": ["value_is_out_of_range"]}),
        ({"net_payment_term": 1.5}, {"net_payment_term": ["value_is_invalid"]}),
        ({"net_payment_term": 10**30}, {"net_payment_term": ["value_is_invalid"]}),
        ({"customer_type": "person"}, {"customer_type": ["value_is_invalid"]}),
        ({"finalize_zero_amount_invoice": True}, {"finalize_zero_amount_invoice": ["invalid_value"]}),
        ({"billing_configuration": {"document_locale": "klingon"}}, {"document_locale": ["not_a_valid_language_code"]}),
        ({"billing_configuration": {"payment_provider": "bank"}}, {"payment_provider": ["value_is_invalid"]}),
        ({"metadata": [{"key": str(n), "value": "v"} for n in range(6)]}, {"metadata": ["invalid_count"]}),
        ({"metadata": [{"key": "k" * 21, "value": "v"}]}, {"metadata": ["value_is_too_long"]}),
        ({"metadata": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]}, {"metadata": ["value_already_exist"]}),
        ({"metadata": "k"}, {"metadata": ["value_is_invalid"]}),
        ({"integration_customers": [{"type": "x"}]}, {"integration_customers": ["feature_unavailable"]}),
        ({"name": 1, "email": "-", "url": "-"}, {"email": ["invalid_email_format"], "url": ["url_is_invalid"]}),
    ],
)  # fmt: skip
async def test_refused(client: Client, body: dict[str, Any], details: object) -> None:
    assert await client.details("POST", "/customers", {"customer": {"external_id": "c1", **body}}) == details
    assert await ids(client) == [], "nothing is written"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"tax_codes": ["vat"]}, 404, "tax_not_found"),
        ({"billing_entity_code": "other"}, 404, "billing_entity_not_found"),
        ({"account_type": "partner"}, 403, "feature_unavailable"),
    ],
)
async def test_what_is_not_there(client: Client, body: dict[str, Any], status: int, code: str) -> None:
    answer = await client.refused(status, "POST", "/customers", {"customer": {"external_id": "c1", **body}})
    assert answer["code"] == code
    assert await ids(client) == []


async def test_metadata_is_a_whole_list(client: Client) -> None:
    first = await upsert(client, metadata=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    _, b = first["metadata"]
    second = await upsert(
        client, metadata=[{"id": b["lago_id"], "value": "3", "display_in_invoice": True}, {"key": "c", "value": "4"}]
    )
    kept, new = second["metadata"]
    assert kept == {**b, "value": "3", "display_in_invoice": True}
    assert (new["key"], new["value"]) == ("c", "4")
    assert (await upsert(client, name="x"))["metadata"] == second["metadata"]
    assert (await upsert(client, metadata=[]))["metadata"] == []


async def test_filters(client: Client) -> None:
    await upsert(client, "a", name="Ann 100%", country="FR", currency="EUR", customer_type="individual")
    await upsert(client, "b", email="bob@b.test", country="DE", metadata=[{"key": "tier", "value": "gold"}])
    await upsert(client, "c", tax_identification_number="T1", state="CA", zipcode="94107")
    assert await ids(client) == ["a", "b", "c"]
    assert await ids(client, external_id="b") == ["b"]
    assert await ids(client, search_term="BOB@") == ["b"]
    assert await ids(client, search_term="100%") == ["a"]
    assert await ids(client, search_term="%") == ["a"]
    assert await ids(client, **{"countries[]": ["FR", "DE"]}) == ["a", "b"]
    assert await ids(client, **{"currencies[]": "EUR"}) == ["a"]
    assert await ids(client, **{"states[]": "CA", "zipcodes[]": "94107"}) == ["c"]
    assert await ids(client, customer_type="individual") == ["a"]
    assert await ids(client, has_customer_type="false") == ["b", "c"]
    assert await ids(client, has_tax_identification_number="true") == ["c"]
    assert await ids(client, **{"metadata[tier]": "gold"}) == ["b"]
    assert await ids(client, **{"metadata[tier]": ""}) == ["a", "c"]
    assert await ids(client, **{"account_type[]": "partner"}) == []
    assert await ids(client, countries="FR") == ["a", "b", "c"], "a list needs its brackets"
    assert await ids(client, external_id="\0") == []
    assert await ids(client, unknown="x") == ["a", "b", "c"]
    assert await ids(client, **{"billing_entity_codes[]": "default"}) == ["a", "b", "c"]
    refused = await client.refused(422, "GET", "/customers?currencies[]=X&customer_type=y")
    assert refused["error_details"] == {"currencies": ["value_is_invalid"], "customer_type": ["value_is_invalid"]}
    unknown = await client.refused(404, "GET", "/customers?billing_entity_codes[]=x")
    assert unknown["code"] == "billing_entity_not_found"


async def test_a_removed_customer_is_gone_and_frees_its_id(client: Client) -> None:
    made = await upsert(client, "c1", name="Old")
    removed = (await client.ok("DELETE", "/customers/c1"))["customer"]
    assert (removed["lago_id"], removed["name"]) == (made["lago_id"], "Old")
    for method in ("GET", "DELETE"):
        answer = await client.refused(404, method, "/customers/c1")
        assert answer == {"status": 404, "error": "Not Found", "code": "customer_not_found"}
    again = await upsert(client, "c1")
    assert again["lago_id"] != made["lago_id"]
    assert again["sequential_id"] == 2, "numbers are not used twice"


async def test_another_organization_sees_nothing(client: Client, found: Founder) -> None:
    await upsert(client, "c1")
    other = await found()
    assert (await other.refused(404, "GET", "/customers/c1"))["code"] == "customer_not_found"
    assert (await other.refused(404, "DELETE", "/customers/c1"))["code"] == "customer_not_found"
    assert await ids(other) == []
    assert (await upsert(other, "c1"))["sequential_id"] == 1
    assert await ids(client) == ["c1"]


async def test_the_currency_stays_once_there_is_a_subscription(client: Client) -> None:
    await upsert(client, "c1", currency="USD")
    assert (await upsert(client, "c1", currency="EUR"))["currency"] == "EUR"
    plan = {"name": "P", "code": "p", "interval": "monthly", "amount_cents": 1, "amount_currency": "EUR"}
    await client.ok("POST", "/plans", {"plan": plan})
    subscription = {"external_customer_id": "c1", "external_id": "s1", "plan_code": "p"}
    await client.ok("POST", "/subscriptions", {"subscription": subscription})
    body = {"customer": {"external_id": "c1", "currency": "USD"}}
    assert await client.details("POST", "/customers", body) == {"currency": ["currencies_does_not_match"]}
    assert (await upsert(client, "c1", currency="EUR", name="Acme"))["name"] == "Acme"
