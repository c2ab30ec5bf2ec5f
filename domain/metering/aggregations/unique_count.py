"""Unique count: how many distinct values are there, after additions and removals.

Source: metering-pricing A11 to A14, G6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.metering.ports import Usage
from domain.metering.usage_event import UsageEvent, in_order, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A value comes (`adds`) or goes at an instant."""

    value: str
    adds: bool
    at: datetime


def aggregate(events: Sequence[UsageEvent], field_name: str) -> Usage:
    """Usage of one bucket; a recurring metric passes every event up to the end of the period, not only its own.

    The count of events is that of the units (Q23).
    """
    units = sum(1 if operation.adds else -1 for operation in effective(operations(events, field_name)))
    return Usage(units=Decimal(units), events_count=units)


def operations(events: Sequence[UsageEvent], field_name: str) -> Iterator[Operation]:
    """What each event does, in order. Events without a value do nothing (Q5), nor do unknown operations (Q19)."""
    for event in in_order(events):
        value = text(event.properties.get(field_name))
        kind = text(event.properties.get("operation_type")) or "add"
        if value and kind in ("add", "remove"):
            yield Operation(value=value, adds=kind == "add", at=event.timestamp)


def effective(walked: Iterable[Operation]) -> Iterator[Operation]:
    """The operations that change something: of each value an addition, a removal, an addition and so on."""
    present: set[str] = set()
    for operation in walked:
        if operation.adds != (operation.value in present):
            (present.add if operation.adds else present.discard)(operation.value)
            yield operation
