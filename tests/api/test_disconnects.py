"""Clients that go away while they ask for something."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.conftest import Client

PLAN = {"name": "Pro", "code": "pro", "interval": "monthly", "amount_cents": 1000, "amount_currency": "EUR"}
SUBSCRIPTION = {"external_customer_id": "c1", "external_id": "s1", "plan_code": "pro"}


@pytest.mark.parametrize("sent", [b"", b'{"on_termination_invoice":'], ids=["nothing", "a part"])
async def test_a_command_of_which_only_a_part_came_is_not_done(client: Client, sent: bytes) -> None:
    """Without its body a DELETE is another command: it would bill what the client said should not be billed."""
    await client.ok("POST", "/plans", {"plan": PLAN})
    await client.ok("POST", "/subscriptions", {"subscription": SUBSCRIPTION})
    url = client.base_url
    _, writer = await asyncio.open_connection(url.host, url.port)
    head = f"DELETE /api/v1/subscriptions/s1 HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 40\r\n"
    writer.write(f"{head}Authorization: {client.headers['authorization']}\r\n\r\n".encode() + sent)
    await writer.drain()
    await asyncio.sleep(0.1)  # the operation waits for the rest
    writer.close()
    await writer.wait_closed()
    for _ in range(10):
        await asyncio.sleep(0.02)
        assert (await client.ok("GET", "/subscriptions/s1"))["subscription"]["status"] == "active"
