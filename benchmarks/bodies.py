"""What clients send, over and over, each time under another number."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Final, Literal, get_args

Kind = Literal["event", "batch", "customer"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
BATCH: Final = 100
PATHS: Final[dict[Kind, str]] = {
    "event": "/api/v1/events",
    "batch": "/api/v1/events/batch",
    "customer": "/api/v1/customers",
}


def maker(kind: Kind, client: str) -> Callable[[], bytes]:
    """A function that makes the next body of one client, by whose name its numbers differ from all others'.

    Every second customer is the one before under another name: half of these requests create, half change.
    """
    numbers = itertools.count()
    if kind == "customer":
        template = json.dumps({"customer": _customer(client)}).encode()
        return lambda: template % ((number := next(numbers)) // 2, number)
    times = 1 if kind == "event" else BATCH
    content = {"event": _event(client)} if kind == "event" else {"events": [_event(client)] * BATCH}
    template = json.dumps(content).encode()
    return lambda: template % tuple(itertools.islice(numbers, times))


def _event(client: str) -> dict[str, object]:
    return {
        "transaction_id": f"{client}-%012d",
        "external_subscription_id": "sub_0123456789",
        "code": "gb",
        "properties": {"gb": "0.5", "region": "eu-west-1", "path": "/v1/objects"},
    }


def _customer(client: str) -> dict[str, object]:
    return {
        "external_id": f"{client}-%012d",
        "name": "Customer %012d",
        "email": "billing@example.com",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "country": "DE",
        "city": "Berlin",
        "metadata": [{"key": "segment", "value": "enterprise", "display_in_invoice": False}],
    }
