"""A usage event, and how its properties are read.

Source: metering-pricing G4, G6 to G9, Z1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

MAX_CHARACTERS = 32_768
"""Of a number. It is longer than any JSON number of the ingest log, and far from the exponents that decimals end at."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageEvent:
    """Something used once, as a client reported it.

    Attributes:
        transaction_id: with the organization and `external_subscription_id` the identity of the event.
        timestamp: when it happened, aware, to the microsecond.
        sequence: its place in the order of arrival; decides between equal timestamps.
        properties: as sent, JSON values.
        precise_total_amount_cents: its own amount, for dynamic prices.
    """

    transaction_id: str
    code: str
    external_subscription_id: str
    timestamp: datetime
    sequence: int = 0
    properties: Mapping[str, Any] = field(default_factory=dict)
    precise_total_amount_cents: Decimal | None = None


def in_order(events: Iterable[UsageEvent]) -> list[UsageEvent]:
    """By time, equal times by arrival."""
    return sorted(events, key=lambda event: (event.timestamp, event.sequence))


def text(value: object) -> str | None:
    """A property as filters, groups and unique counts compare it: 1 and "1" are one, 1.5E3 is "1500".

    None where there is none (null or not sent).
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, default=str)
    return format(Decimal(str(value)), "f")


def number(value: object) -> Decimal | None:
    """A property as numeric aggregations read it, or None if it is not a number and the event does not count.

    A string counts if it is an optional minus, digits and optional decimals: not "1e5", "+5", ".5", " 5" or "". Nor
    one of more than `MAX_CHARACTERS`, which could not be computed with.
    """
    if isinstance(value, bool):
        return None
    digits = text(value)
    if digits is None or len(digits) > MAX_CHARACTERS or not _NUMBER.fullmatch(digits):
        return None
    return Decimal(digits)


def numbers(events: Iterable[UsageEvent], field_name: str) -> list[tuple[UsageEvent, Decimal]]:
    """The events whose `field_name` is a number, in their order, with it."""
    read = ((event, number(event.properties.get(field_name))) for event in in_order(events))
    return [(event, value) for event, value in read if value is not None]
