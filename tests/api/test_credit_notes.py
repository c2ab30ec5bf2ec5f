"""Credit notes over HTTP: made by a termination, read, listed, and used by the final invoice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from lago_python_client.models.credit_note import CreditNoteResponse
from psycopg.conninfo import make_conninfo

from domain.invoicing.billing import advance_subscription
from domain.kernel.ledger import Ledger
from domain.subscriptions.subscription import Subscription
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from tests.api.conftest import Client, Founder
from tests.builders import LedgerFees, MemoryUsage, instant
from tests.engines.postgres import Server

NOW = "2022-10-15T12:00:00Z"
PLAN = {
    "name": "Pro",
    "code": "pro",
    "interval": "monthly",
    "amount_cents": 3100,
    "amount_currency": "EUR",
    "pay_in_advance": True,
}


@dataclass
class Shop:
    """A sandbox at noon of 15 October 2022, where s1 of c1 and s2 of c2 begin: 17 days of 31 are 1700 and 20 % of tax.
    s2 has an order number.

    There are no workflows: `bill` does what that of a subscription would do now.
    """

    client: Client
    ledger: Ledger

    async def bill(self, external_id: str) -> None:
        organization_id = UUID(self.client.organization["lago_id"])
        [found] = await self.ledger.find_all(Subscription, organization_id, external_id=external_id)
        await advance_subscription(self.ledger, MemoryUsage(), LedgerFees(self.ledger), found.id, at=instant(NOW))

    async def end(self, external_id: str, mode: str = "credit", *, invoice: str = "generate") -> Any:
        wish = {"on_termination_credit_note": mode, "on_termination_invoice": invoice}
        return (await self.client.ok("DELETE", f"/subscriptions/{external_id}", params=wish))["subscription"]

    async def listed(self, path: str = "/credit_notes", **query: Any) -> list[Any]:
        found = await self.client.ok("GET", path, params=query)
        assert found["meta"]["total_count"] == len(found["credit_notes"])
        return list(found["credit_notes"])


@pytest_asyncio.fixture
async def shop(found: Founder, url: str, postgres_server: Server) -> AsyncIterator[Shop]:
    client = await found(sandbox=True)
    async with Database(make_conninfo(postgres_server.url, dbname="api")) as database:
        ledger = PostgresLedger(database)
        await client.ok("PUT", "/test_clock", {"test_clock": {"now": NOW}})
        tax = {"name": "VAT", "code": "vat", "rate": "20", "applied_to_organization": True}
        await client.ok("POST", "/taxes", {"tax": tax})
        await client.ok("POST", "/plans", {"plan": PLAN})
        for number in (1, 2):
            customer = {"external_id": f"c{number}", "name": f"Customer {number}", "currency": "EUR"}
            await client.ok("POST", "/customers", {"customer": customer})
            begun = {"external_customer_id": f"c{number}", "external_id": f"s{number}", "plan_code": "pro"}
            begun |= {"purchase_order_number": "PO-2"} if number == 2 else {}
            await client.ok("POST", "/subscriptions", {"subscription": begun})
        yield Shop(client, ledger)
        await ledger.close()


async def test_life_of_a_credit_note(shop: Shop) -> None:
    client = shop.client
    await shop.bill("s1")
    [invoice] = (await client.ok("GET", "/invoices"))["invoices"]
    assert invoice["total_amount_cents"] == 2040
    ended = await shop.end("s1")
    assert (ended["status"], ended["on_termination_credit_note"]) == ("terminated", "credit")
    [note] = await shop.listed()
    expected = {
        "number": f"{invoice['number']}-CN001",
        "sequential_id": 1,
        "lago_invoice_id": invoice["lago_id"],
        "invoice_number": invoice["number"],
        "issuing_date": "2022-10-15",
        "credit_status": "available",
        "refund_status": None,
        "reason": "order_cancellation",
        "currency": "EUR",
        "sub_total_excluding_taxes_amount_cents": 1600,
        "taxes_amount_cents": 320,
        "taxes_rate": 20.0,
        "total_amount_cents": 1920,
        "credit_amount_cents": 1920,
        "balance_amount_cents": 1920,
        "refund_amount_cents": 0,
        "offset_amount_cents": 0,
        "coupons_adjustment_amount_cents": 0,
        "precise_total_amount_cents": "1920.0",
        "precise_taxes_amount_cents": "320.0",
    }
    assert {key: note[key] for key in expected} == expected
    assert note["customer"]["external_id"] == "c1"
    [item] = note["items"]
    assert (item["amount_cents"], item["precise_amount_cents"], item["amount_currency"]) == (1600, "1600.0", "EUR")
    assert (item["fee"]["lago_invoice_id"], item["fee"]["amount_cents"]) == (invoice["lago_id"], 1700)
    [applied] = note["applied_taxes"]
    assert (applied["tax_code"], applied["base_amount_cents"], applied["amount_cents"]) == ("vat", 1600, 320)
    assert (await client.ok("GET", f"/credit_notes/{note['lago_id']}"))["credit_note"] == note
    assert CreditNoteResponse.parse_obj(note).balance_amount_cents == 1920

    begun = {"external_customer_id": "c1", "external_id": "s3", "plan_code": "pro"}
    await client.ok("POST", "/subscriptions", {"subscription": begun})
    await shop.bill("s3")
    paid = next(
        one for one in (await client.ok("GET", "/invoices"))["invoices"] if one["credit_notes_amount_cents"] > 0
    )
    whole = (await client.ok("GET", f"/invoices/{paid['lago_id']}"))["invoice"]
    assert (whole["total_amount_cents"], whole["total_due_amount_cents"], whole["payment_status"]) == (
        120,
        120,
        "pending",
    )
    [credit] = whole["credits"]
    assert (credit["amount_cents"], credit["before_taxes"]) == (1920, False)
    assert {key: credit["item"][key] for key in ("type", "code", "name")} == {
        "type": "credit_note",
        "code": note["number"],
        "name": invoice["number"],
    }
    assert credit["invoice"] == {"lago_id": paid["lago_id"], "payment_status": "pending"}
    [spent] = await shop.listed(credit_status="consumed")
    assert (spent["balance_amount_cents"], spent["credit_amount_cents"]) == (0, 1920)


async def test_an_offset_lowers_what_is_due(shop: Shop) -> None:
    await shop.bill("s1")
    await shop.end("s1", "offset", invoice="skip")
    [invoice] = (await shop.client.ok("GET", "/invoices"))["invoices"]
    assert {key: invoice[key] for key in ("total_amount_cents", "payment_status")} == {
        "total_amount_cents": 2040,
        "payment_status": "pending",
    }
    assert (invoice["total_offsetted_credit_note_amount_cents"], invoice["total_due_amount_cents"]) == (1920, 120)


@pytest.mark.parametrize(
    ("query", "customers", "why"),
    [
        ({}, ["c2", "c1"], "the newest first"),
        ({"external_customer_id": "c1"}, ["c1"], ""),
        ({"external_customer_id": "nobody"}, [], "no error (Q37)"),
        ({"currency": "eur"}, ["c2", "c1"], ""),
        ({"currency": "USD"}, [], ""),
        ({"reason": "order_cancellation"}, ["c2", "c1"], ""),
        ({"reason": "other"}, [], ""),
        ({"reason": "whim"}, ["c2", "c1"], "an unknown value is no filter"),
        ({"credit_status": "available"}, ["c1"], "an offset gives no credit"),
        ({"credit_status[]": ["consumed", "voided"]}, [], ""),
        ({"refund_status": "pending"}, [], ""),
        ({"types[]": ["offset"]}, ["c2"], ""),
        ({"types[]": ["offset", "credit"]}, ["c2", "c1"], "either"),
        ({"types[]": ["refund"]}, [], ""),
        ({"types[]": ["whim"]}, ["c2", "c1"], ""),
        ({"types": "offset"}, ["c2", "c1"], "a list has brackets"),
        ({"invoice_number": "none"}, [], ""),
        ({"issuing_date_from": "2022-10-15", "issuing_date_to": "2022-10-15"}, ["c2", "c1"], "both ends are in"),
        ({"issuing_date_from": "2022-10-16"}, [], ""),
        ({"issuing_date_to": "2022-10-14"}, [], ""),
        ({"amount_from": "1920", "amount_to": "1920"}, ["c2", "c1"], "both ends are in"),
        ({"amount_from": "1921"}, [], ""),
        ({"amount_to": "1919"}, [], ""),
        ({"search_term": "-cn001"}, ["c2", "c1"], "of the number"),
        ({"search_term": "Customer 2"}, ["c2"], "of the customer"),
        ({"search_term": "%"}, [], "taken literally"),
        ({"self_billed": "true"}, [], "none is"),
        ({"self_billed": "false"}, ["c2", "c1"], ""),
        ({"purchase_order_number": "PO-1"}, [], ""),
        ({"purchase_order_number": "PO-2"}, ["c2"], "that of its invoice"),
        ({"billing_entity_codes[]": ["default"]}, ["c2", "c1"], ""),
    ],
)
async def test_filters(shop: Shop, query: dict[str, Any], customers: list[str], why: str) -> None:
    for external_id, mode in (("s1", "credit"), ("s2", "offset")):
        await shop.bill(external_id)
        await shop.end(external_id, mode, invoice="skip")
    found = [note["customer"]["external_id"] for note in await shop.listed(**query)]
    if "external_customer_id" not in query:
        found.sort(reverse=True)  # both were made at one instant
    assert found == customers, why
    of_one = await shop.listed("/customers/c1/credit_notes", **query)
    assert [note["customer"]["external_id"] for note in of_one] == [one for one in customers if one == "c1"]


async def test_filters_that_are_refused(client: Client) -> None:
    for query, code in ((("issuing_date_to", "soon"), "invalid_date"), (("amount_from", "much"), "invalid_value")):
        answer = await client.refused(422, "GET", "/credit_notes", params=[query])
        assert answer["error_details"] == {query[0]: [code]}
    answer = await client.refused(404, "GET", "/credit_notes?billing_entity_codes[]=other")
    assert answer["code"] == "billing_entity_not_found"


@pytest.mark.parametrize(
    ("query", "customers", "why"),
    [
        ({}, ["c1", "c2"], ""),
        ({"purchase_order_number": "PO-2"}, ["c2"], "that of its subscription"),
        ({"purchase_order_number": "PO"}, [], "as a whole"),
        ({"billing_entity_codes[]": ["default"]}, ["c1", "c2"], ""),
        ({"metadata[k]": "v"}, [], "no invoice has any"),
        ({"metadata[k]": ""}, ["c1", "c2"], "those without the key"),
        ({"search_term": "customer 2"}, ["c2"], ""),
    ],
)
async def test_filters_of_invoices(shop: Shop, query: dict[str, Any], customers: list[str], why: str) -> None:
    for external_id in ("s1", "s2"):
        await shop.bill(external_id)
    for path, wanted in (("", customers), ("/customers/c1", [one for one in customers if one == "c1"])):
        found = await shop.client.ok("GET", f"{path}/invoices", params=query)
        assert sorted(invoice["customer"]["external_id"] for invoice in found["invoices"]) == wanted, why
        assert found["meta"]["total_count"] == len(wanted)


async def test_the_order_number_of_a_subscription_is_on_its_papers(shop: Shop) -> None:
    await shop.bill("s2")
    await shop.end("s2")
    [invoice] = (await shop.client.ok("GET", "/invoices"))["invoices"]
    assert invoice["purchase_order_number"] == "PO-2"
    assert invoice["customer"]["integration_customers"] == []
    whole = (await shop.client.ok("GET", f"/invoices/{invoice['lago_id']}"))["invoice"]
    assert whole["purchase_order_number"] == "PO-2"
    assert [note["purchase_order_number"] for note in await shop.listed()] == ["PO-2"]
    change = {"subscription": {"purchase_order_number": "PO-3"}}
    refused = await shop.client.refused(405, "PUT", "/subscriptions/s2?status=terminated", change)
    assert refused["code"] == "purchase_order_number_not_editable"


async def test_subscriptions_of_a_customer(shop: Shop) -> None:
    for path, wanted in (
        ("/customers/c2/subscriptions", ["s2"]),
        ("/customers/c2/subscriptions?status[]=terminated", []),
        ("/customers/c2/subscriptions?billing_entity_codes[]=default", ["s2"]),
        ("/subscriptions?external_customer_id=c1", ["s1"]),
    ):
        found = await shop.client.ok("GET", path)
        assert [one["external_id"] for one in found["subscriptions"]] == wanted, path
    for path in ("/subscriptions", "/customers/c2/subscriptions", "/invoices", "/customers/c2/invoices"):
        unknown = await shop.client.refused(404, "GET", f"{path}?billing_entity_codes[]=other")
        assert unknown["code"] == "billing_entity_not_found"
