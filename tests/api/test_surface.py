"""Every operation keeps the conventions: generated from a table, without any data.

Source: api-surface 3.1 to 3.5, 9, 10.2.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from fastapi.routing import APIRoute

from api.main import RESOURCES
from api.routing import Resource
from tests.api.conftest import ADMIN, Client

UNAUTHORIZED = {"status": 401, "error": "Unauthorized"}
NO_ROUTE = {"status": 404, "error": "Not Found", "code": "resource_not_found"}
NO_META = {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}
UNKNOWN_ID = "01a1ff4c-f5cd-75a0-8e3e-4fff252b8743"


@dataclass(frozen=True)
class Operation:
    """`missing` is the resource that is not found, `wrapper` the key of the body, `listed` that of the list."""

    method: str
    path: str
    missing: str | None = None
    wrapper: str | None = None
    listed: str | None = None

    @property
    def with_nobodys_id(self) -> str:
        return "/".join(UNKNOWN_ID if part.startswith("{") else part for part in self.path.split("/"))


OPERATIONS = [
    Operation("GET", "/organizations"),
    Operation("PUT", "/organizations", wrapper="organization"),
    Operation("GET", "/test_clock"),
    Operation("PUT", "/test_clock"),
    Operation("POST", "/taxes", wrapper="tax"),
    Operation("GET", "/taxes", listed="taxes"),
    Operation("GET", "/taxes/{code}", missing="tax"),
    Operation("PUT", "/taxes/{code}", missing="tax", wrapper="tax"),
    Operation("DELETE", "/taxes/{code}", missing="tax"),
    Operation("POST", "/customers", wrapper="customer"),
    Operation("GET", "/customers", listed="customers"),
    Operation("GET", "/customers/{external_customer_id}", missing="customer"),
    Operation("DELETE", "/customers/{external_customer_id}", missing="customer"),
    Operation("GET", "/customers/{external_customer_id}/current_usage"),
    Operation("GET", "/customers/{external_customer_id}/projected_usage"),
    Operation("GET", "/customers/{external_customer_id}/past_usage"),
    Operation("POST", "/billable_metrics", wrapper="billable_metric"),
    Operation("POST", "/billable_metrics/evaluate_expression"),
    Operation("GET", "/billable_metrics", listed="billable_metrics"),
    Operation("GET", "/billable_metrics/{code}", missing="billable_metric"),
    Operation("PUT", "/billable_metrics/{code}", missing="billable_metric", wrapper="billable_metric"),
    Operation("DELETE", "/billable_metrics/{code}", missing="billable_metric"),
    Operation("POST", "/add_ons", wrapper="add_on"),
    Operation("GET", "/add_ons", listed="add_ons"),
    Operation("GET", "/add_ons/{code}", missing="add_on"),
    Operation("PUT", "/add_ons/{code}", missing="add_on", wrapper="add_on"),
    Operation("DELETE", "/add_ons/{code}", missing="add_on"),
    Operation("POST", "/plans", wrapper="plan"),
    Operation("GET", "/plans", listed="plans"),
    Operation("GET", "/plans/{code}", missing="plan"),
    Operation("PUT", "/plans/{code}", missing="plan", wrapper="plan"),
    Operation("DELETE", "/plans/{code}", missing="plan"),
    Operation("GET", "/plans/{code}/charges", missing="plan"),
    Operation("POST", "/plans/{code}/charges", missing="plan", wrapper="charge"),
    Operation("GET", "/plans/{code}/charges/{charge_code}", missing="plan"),
    Operation("PUT", "/plans/{code}/charges/{charge_code}", missing="plan", wrapper="charge"),
    Operation("DELETE", "/plans/{code}/charges/{charge_code}", missing="plan"),
    Operation("GET", "/plans/{code}/charges/{charge_code}/filters", missing="plan"),
    Operation("POST", "/plans/{code}/charges/{charge_code}/filters", missing="plan", wrapper="filter"),
    Operation("GET", "/plans/{code}/charges/{charge_code}/filters/{filter_id}", missing="plan"),
    Operation("PUT", "/plans/{code}/charges/{charge_code}/filters/{filter_id}", missing="plan", wrapper="filter"),
    Operation("DELETE", "/plans/{code}/charges/{charge_code}/filters/{filter_id}", missing="plan"),
    Operation("GET", "/plans/{code}/fixed_charges", missing="plan"),
    Operation("POST", "/plans/{code}/fixed_charges", missing="plan", wrapper="fixed_charge"),
    Operation("GET", "/plans/{code}/fixed_charges/{fixed_charge_code}", missing="plan"),
    Operation("PUT", "/plans/{code}/fixed_charges/{fixed_charge_code}", missing="plan", wrapper="fixed_charge"),
    Operation("DELETE", "/plans/{code}/fixed_charges/{fixed_charge_code}", missing="plan"),
    Operation("GET", "/pricing_units", listed="pricing_units"),
    Operation("POST", "/pricing_units", wrapper="pricing_unit"),
    Operation("GET", "/pricing_units/{code}", missing="pricing_unit"),
    Operation("POST", "/subscriptions", wrapper="subscription"),
    Operation("GET", "/subscriptions", listed="subscriptions"),
    Operation("GET", "/subscriptions/{external_id}", missing="subscription"),
    Operation("PUT", "/subscriptions/{external_id}", missing="subscription", wrapper="subscription"),
    Operation("DELETE", "/subscriptions/{external_id}", missing="subscription"),
    Operation("GET", "/subscriptions/{external_id}/charges", missing="subscription"),
    Operation("GET", "/subscriptions/{external_id}/charges/{charge_code}", missing="subscription"),
    Operation("PUT", "/subscriptions/{external_id}/charges/{charge_code}", missing="subscription", wrapper="charge"),
    Operation("GET", "/subscriptions/{external_id}/charges/{charge_code}/filters", missing="subscription"),
    Operation(
        "POST",
        "/subscriptions/{external_id}/charges/{charge_code}/filters",
        missing="subscription",
        wrapper="filter",
    ),
    Operation("GET", "/subscriptions/{external_id}/charges/{charge_code}/filters/{filter_id}", missing="subscription"),
    Operation(
        "PUT",
        "/subscriptions/{external_id}/charges/{charge_code}/filters/{filter_id}",
        missing="subscription",
        wrapper="filter",
    ),
    Operation(
        "DELETE", "/subscriptions/{external_id}/charges/{charge_code}/filters/{filter_id}", missing="subscription"
    ),
    Operation("GET", "/subscriptions/{external_id}/fixed_charges", missing="subscription"),
    Operation("GET", "/subscriptions/{external_id}/fixed_charges/{fixed_charge_code}", missing="subscription"),
    Operation(
        "PUT",
        "/subscriptions/{external_id}/fixed_charges/{fixed_charge_code}",
        missing="subscription",
        wrapper="fixed_charge",
    ),
    Operation("GET", "/invoices", listed="invoices"),
    Operation("GET", "/invoices/{lago_id}", missing="invoice"),
    Operation("POST", "/invoices/{lago_id}/download", missing="invoice"),
    Operation("GET", "/credit_notes", listed="credit_notes"),
    Operation("GET", "/credit_notes/{lago_id}", missing="credit_note"),
    Operation("GET", "/customers/{external_customer_id}/credit_notes", missing="customer"),
    Operation("GET", "/customers/{external_customer_id}/invoices", missing="customer"),
    Operation("GET", "/customers/{external_customer_id}/subscriptions", missing="customer"),
    Operation("POST", "/events/estimate_fees", wrapper="event"),
    Operation("POST", "/events/estimate_instant_fees", wrapper="event"),
    Operation("POST", "/events/batch_estimate_instant_fees"),
    Operation("GET", "/fees", listed="fees"),
    Operation("GET", "/fees/{lago_id}", missing="fee"),
    Operation("PUT", "/fees/{lago_id}", wrapper="fee"),
    Operation("DELETE", "/fees/{lago_id}", missing="fee"),
]
each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda it: f"{it.method} {it.path}")


def test_the_table_names_what_is_routed() -> None:
    routed = {
        (method, route.path.replace(":path", "").removeprefix("/api/v1"))
        for resource in RESOURCES
        if isinstance(resource, Resource) and resource.prefix == "/api/v1"
        for route in resource.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    known = {(operation.method, operation.path) for operation in OPERATIONS}
    assert known <= routed
    assert {path for _, path in routed - known} <= {"/events", "/events/{transaction_id}"}, "add them to the table"


@each
async def test_nobody_gets_in_without_a_key(nobody: Client, operation: Operation) -> None:
    path = f"/api/v1{operation.with_nobodys_id}"
    for headers in ({}, {"Authorization": UNKNOWN_ID}, {"Authorization": f"Bearer {UNKNOWN_ID}"}, ADMIN):
        answer = await nobody.request(operation.method, path, headers=headers, content=b"{not json")
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED)


@each
async def test_other_verbs_and_longer_paths_are_not_there(nobody: Client, operation: Operation) -> None:
    known = {other.method for other in OPERATIONS if other.path == operation.path}
    known |= {"PATCH"} if "PUT" in known else set()
    path = f"/api/v1{operation.with_nobodys_id}"
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - known:
        answer = await nobody.request(method, path)
        assert (answer.status_code, answer.json()) == (404, NO_ROUTE), method
    may_hold_slashes = "{code}" in operation.path or "charges" in operation.path
    if f"{operation.path}/{{code}}" not in {other.path for other in OPERATIONS} and not may_hold_slashes:
        answer = await nobody.request(operation.method, f"{path}/more/parts")
        assert (answer.status_code, answer.json()) == (404, NO_ROUTE)


@pytest.mark.parametrize("operation", [it for it in OPERATIONS if it.wrapper and not it.missing], ids=str)
async def test_the_wrapper_is_needed(client: Client, operation: Operation) -> None:
    error = f"BadRequest: param is missing or the value is empty or invalid: {operation.wrapper}"
    values: tuple[object, ...] = ({}, None, [], "x", 1, [{"name": "x"}])
    bodies = (b"", b"{}", b"[]", b"null", b'"x"', *(
        json.dumps({operation.wrapper: value}).encode() for value in values
    ))  # fmt: skip
    for body in bodies:
        answer = await client.request(operation.method, operation.path, content=body)
        assert (answer.status_code, answer.json()) == (400, {"status": 400, "error": error}), body


@each
async def test_what_is_no_json_is_refused(client: Client, operation: Operation) -> None:
    for body in (b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'"\\ud800"', b"9" * 5000):
        answer = await client.request(operation.method, operation.with_nobodys_id, content=body)
        assert (answer.status_code, answer.json()) == (400, {"status": 400, "error": "Bad Request"}), body[:10]


@pytest.mark.parametrize("operation", [it for it in OPERATIONS if it.missing], ids=str)
@pytest.mark.parametrize("identifier", [UNKNOWN_ID, "nobody", "%00", "%FF", "a%2Fb", "x" * 3000])
async def test_what_is_missing_is_named(client: Client, operation: Operation, identifier: str) -> None:
    path = operation.with_nobodys_id.replace(UNKNOWN_ID, identifier)
    body = {operation.wrapper: {"name": "x"}} if operation.wrapper else None
    answer = await client.refused(404, operation.method, path, body)
    assert answer == {"status": 404, "error": "Not Found", "code": f"{operation.missing}_not_found"}


@pytest.mark.parametrize("operation", [it for it in OPERATIONS if it.listed], ids=str)
async def test_an_empty_list(client: Client, operation: Operation) -> None:
    queries = (
        "",
        "?page=7&per_page=3",
        "?page=x&per_page=-1",
        f"?page={10**40}&per_page={10**40}",
        "?page[]=1&page[a]=2",
    )
    for query in queries:
        answer = await client.ok("GET", f"{operation.path}{query}")
        assert answer == {operation.listed: [], "meta": NO_META}, query


@pytest.mark.parametrize("operation", [it for it in OPERATIONS if it.wrapper], ids=str)
async def test_large_bodies_are_not_read(client: Client, operation: Operation) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * (1 << 20)

    contents: tuple[bytes | AsyncIterator[bytes], ...] = (b" " * (3 << 20), chunks())
    for content in contents:
        answer = await client.request(operation.method, operation.with_nobodys_id, content=content)
        assert (answer.status_code, answer.json()) == (413, {"status": 413, "error": "Content Too Large"})


async def test_paths_that_are_nowhere(nobody: Client) -> None:
    for path in (
        "/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v1/nothing",
        "/api/v2/plans",
        "//",
        "/admin",
        "/favicon.ico",
    ):
        answer = await nobody.get(path)
        assert (answer.status_code, answer.json()) == (404, NO_ROUTE), path


async def test_a_slash_at_the_end_is_no_redirect(client: Client) -> None:
    assert (await client.ok("GET", "/plans/"))["plans"] == []


async def test_every_answer_has_an_id_and_is_json(client: Client, nobody: Client) -> None:
    answers = [await client.get("/plans"), await client.get("/plans/x"), await nobody.get("/x")]
    answers += [await client.post("/plans", content=b"{")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == len(answers)
    assert all(answer.headers["content-type"].startswith("application/json") for answer in answers)


async def test_patch_is_put(client: Client) -> None:
    answer = await client.ok("PATCH", "/organizations", {"organization": {"city": "Lyon"}})
    assert answer["organization"]["city"] == "Lyon"


async def test_query_and_body_are_one(client: Client) -> None:
    await client.ok("POST", "/customers", {"customer": {"external_id": "a"}})
    await client.ok("POST", "/customers", {"customer": {"external_id": "b"}})
    in_body = await client.ok("GET", "/customers", {"external_id": "a"}, params={"external_id": "b"})
    assert [customer["external_id"] for customer in in_body["customers"]] == ["a"], "the body wins"
    in_query = await client.ok("POST", "/customers", params={"customer[external_id]": "c", "customer[name]": "C"})
    assert in_query["customer"]["name"] == "C"


async def test_an_empty_body_of_json_is_none(client: Client) -> None:
    answer = await client.get("/plans", headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


async def test_pages(client: Client) -> None:
    for number in range(5):
        await client.ok("POST", "/customers", {"customer": {"external_id": f"c{number}"}})

    async def page(**query: object) -> tuple[list[str], dict[str, object]]:
        answer = await client.ok("GET", "/customers", params=query)
        return [customer["external_id"] for customer in answer["customers"]], answer["meta"]

    meta = {"current_page": 1, "next_page": 2, "prev_page": None, "total_pages": 3, "total_count": 5}
    assert await page(per_page=2) == (["c4", "c3"], meta)
    assert await page(per_page=2, page=2) == (["c2", "c1"], {**meta, "current_page": 2, "next_page": 3, "prev_page": 1})
    assert await page(per_page=2, page=3) == (["c0"], {**meta, "current_page": 3, "next_page": None, "prev_page": 2})
    assert await page(per_page=2, page=9) == ([], {**meta, "current_page": 9, "next_page": None, "prev_page": 8})
    whole = {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 1, "total_count": 5}
    for query in ({}, {"page": "x", "per_page": "y"}, {"page": "0", "per_page": "0"}, {"page": "-3"}, {"page": "1.5"}):
        assert (await page(**query))[1] == whole, query


async def test_the_document_describes_it(nobody: Client) -> None:
    document = (await nobody.get("/openapi.json")).json()
    for operation in OPERATIONS:
        described = document["paths"][f"/api/v1{operation.path}"][operation.method.lower()]
        named = {parameter["name"] for parameter in described.get("parameters", ())}
        assert named == {part[1:-1] for part in operation.path.split("/") if part.startswith("{")}


async def test_health(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as http:
        alive, ready = await http.get("/health"), await http.get("/ready")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
    assert ready.json()["dependencies"] == {"postgres": "ok", "clickhouse": "ConnectError"}
