"""Organizations and the time of sandboxes."""

from __future__ import annotations

from tests.api.conftest import ADMIN, Client, Founder


async def test_admin_makes_an_organization(nobody: Client, found: Founder) -> None:
    client = await found(name="Café 24", timezone="Europe/Paris", default_currency="EUR", country="FR")
    assert client.organization["sandbox"] is False
    shown = (await client.ok("GET", "/organizations"))["organization"]
    assert shown["lago_id"] == client.organization["lago_id"]
    assert (shown["timezone"], shown["default_currency"], shown["country"]) == ("Europe/Paris", "EUR", "FR")
    assert shown["document_number_prefix"] == f"CAF-{shown['lago_id'][-4:]}".upper()


async def test_the_admin_key_is_needed(nobody: Client, client: Client) -> None:
    body = {"organization": {"name": "A"}}
    for headers in ({}, {"Authorization": "admin"}, {"Authorization": "Bearer x"}, client.headers):
        answer = await nobody.post("/admin/organizations", json=body, headers=headers)
        assert (answer.status_code, answer.json()) == (401, {"status": 401, "error": "Unauthorized"})
    assert (await nobody.post("/admin/organizations", json={}, headers=ADMIN)).status_code == 400


async def test_clock(found: Founder, client: Client) -> None:
    forbidden = {"status": 403, "error": "Forbidden", "code": "test_clock_not_available"}
    assert await client.refused(403, "GET", "/test_clock") == forbidden
    assert await client.refused(403, "PUT", "/test_clock", {"test_clock": {"now": "2024-01-01T00:00:00Z"}}) == forbidden
    sandbox = await found(sandbox=True)
    assert (await sandbox.ok("GET", "/test_clock"))["test_clock"]["status"] == "ready"
    past = {"test_clock": {"now": "2020-01-01T02:00:00+02:00"}}
    expected = {"test_clock": {"now": "2020-01-01T00:00:00Z", "status": "ready"}}
    assert await sandbox.ok("PUT", "/test_clock", past) == expected
    assert await sandbox.ok("PUT", "/test_clock", past) == expected, "where it is already"
    earlier = {"test_clock": {"now": "2019-12-31T00:00:00Z"}}
    assert await sandbox.details("PUT", "/test_clock", earlier) == {"now": ["value_is_out_of_range"]}
    for wrong in (
        "yesterday",
        "2024-01-01",
        "2024-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
    ):
        answer = await sandbox.details("PUT", "/test_clock", {"test_clock": {"now": wrong}})
        assert answer == {"now": ["invalid_date"]}, wrong
    assert await sandbox.ok("GET", "/test_clock") == expected


async def test_what_a_sandbox_makes_has_its_time(found: Founder) -> None:
    sandbox = await found(sandbox=True)
    await sandbox.ok("PUT", "/test_clock", {"test_clock": {"now": "2020-02-29T12:00:00Z"}})
    customer = (await sandbox.ok("POST", "/customers", {"customer": {"external_id": "c"}}))["customer"]
    assert customer["created_at"] == "2020-02-29T12:00:00Z"
