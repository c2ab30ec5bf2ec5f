"""Clients that send usage whatever happens, and remember what became of each event."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import httpx

from tests.crash.tenant import Tenant

GIVE_UP = 0.1
"""How often a client does not ask again after a request that was not answered."""
LARGEST_BATCH = 10
PAUSE_SECONDS = 0.03


class Sender:
    """Sends events of one subscription, one request at a time.

    Attributes:
        acknowledged: transaction id -> calls.
        given_up: the same for each request that was never answered, and not sent again.
        cut, unavailable: how many tries ended without an answer, and with 503.
        found_taken: how many requests had been committed by a try that was not answered.
    """

    def __init__(
        self, tenant: Tenant, urls: Sequence[str], subscription: str, rng: random.Random, *, faithful: bool = False
    ) -> None:
        """`urls`: of the API, each try takes any. A faithful one asks until there is an answer."""
        self._tenant, self._urls, self._subscription = tenant, urls, subscription
        self._rng, self._give_up = rng, 0.0 if faithful else GIVE_UP
        self._name = f"{rng.getrandbits(64):016x}"
        self.acknowledged: dict[str, int] = {}
        self.given_up: list[dict[str, int]] = []
        self.cut = self.unavailable = self.found_taken = 0

    async def send_until(self, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            size = self._rng.randint(1, LARGEST_BATCH)
            await self.send({f"{self._name}-{number}-{i}": self._rng.randint(1, 9) for i in range(size)})
            await asyncio.sleep(self._rng.random() * PAUSE_SECONDS)

    async def send(self, calls: dict[str, int]) -> None:
        """One request, again and again until it is answered or given up."""
        committed_perhaps = False
        while (answer := await self.attempt(calls)) is None or answer.status_code == 503:
            if answer is None:
                self.cut += 1
            else:
                self.unavailable += 1
            committed_perhaps = True
            if self._rng.random() < self._give_up:
                self.given_up.append(calls)
                return
            await asyncio.sleep(0.05)
        if answer.status_code == 422 and committed_perhaps:
            taken = {"transaction_id": ["value_already_exist"]}
            details = answer.json()["error_details"]
            expected = taken if len(calls) == 1 else {str(index): taken for index in range(len(calls))}
            assert details == expected, f"part of a request was committed: {details}"
            self.found_taken += 1
        else:
            assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        self.acknowledged |= calls

    async def attempt(self, calls: dict[str, int]) -> httpx.Response | None:
        """The answer; None if the connection broke before there was one."""
        events = [
            {
                "transaction_id": name,
                "external_subscription_id": self._subscription,
                "code": "calls",
                "properties": {"n": n},
            }
            for name, n in calls.items()
        ]
        path, body = ("events", {"event": events[0]}) if len(events) == 1 else ("events/batch", {"events": events})
        try:
            return await self._tenant.http.post(f"{self._rng.choice(self._urls)}/api/v1/{path}", json=body)
        except httpx.TransportError:
            return None


async def check_usage(tenant: Tenant, subscription: str, senders: Sequence[Sender]) -> int:
    """What is stored is what was acknowledged, once each, and of what was given up whole requests or nothing.

    Returns:
        The calls of all events.
    """
    path = f"/events?external_subscription_id={subscription}&per_page=1000000"
    listed = (await tenant.call("GET", path))["events"]
    stored = {event["transaction_id"]: event["properties"]["n"] for event in listed}
    assert len(stored) == len(listed), Counter(event["transaction_id"] for event in listed).most_common(3)
    expected: dict[str, int] = {}
    for sender in senders:
        expected |= sender.acknowledged
        for calls in sender.given_up:
            if not stored.keys().isdisjoint(calls):
                expected |= calls
    assert stored == expected
    total = sum(expected.values())
    assert await tenant.usage(subscription) == (len(expected), Decimal(total))
    return total
