"""Percentage: a share of the units and an amount per event, after free units and free events.

Source: metering-pricing 12.6.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import wire
from domain.pricing.price import Price, PricedUsage
from domain.pricing.properties import decimal, whole

DEFAULTS: Mapping[str, Any] = {"rate": "0"}
KEYS = frozenset(
    {
        "rate",
        "fixed_amount",
        "free_units_per_events",
        "free_units_per_total_aggregation",
        "per_transaction_min_amount",
        "per_transaction_max_amount",
    }
)
_OPTIONAL = {
    "fixed_amount": "invalid_fixed_amount",
    "free_units_per_events": "invalid_free_units_per_events",
    "free_units_per_total_aggregation": "invalid_free_units_per_total_aggregation",
    "per_transaction_min_amount": "invalid_amount",
    "per_transaction_max_amount": "invalid_amount",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentage:
    """
    Attributes:
        rate_percent: share of the units.
        fixed_amount: major units per paid event.
        free_events: how many of the first events are free; 0 for none.
        free_units: how many of the first units are free; 0 for none.
        min_amount, max_amount: bounds of what one event costs, in major units.
    """

    rate_percent: Decimal
    fixed_amount: Decimal
    free_events: int
    free_units: Decimal
    min_amount: Decimal | None
    max_amount: Decimal | None


def validate(properties: Mapping[str, Any]) -> list[str]:
    codes = ["invalid_rate"] if decimal(properties.get("rate")) is None else []
    given = {key: properties[key] for key in _OPTIONAL if properties.get(key) is not None}
    codes += [_OPTIONAL[key] for key, value in given.items() if not _is_valid(key, value)]
    low, high = (decimal(properties.get(f"per_transaction_{bound}_amount")) for bound in ("min", "max"))
    if low is not None and high is not None and high < low:
        codes.append("per_transaction_max_lower_than_per_transaction_min")
    return list(dict.fromkeys(codes))


def _is_valid(key: str, value: object) -> bool:
    return whole(value, at_least=1) if key == "free_units_per_events" else decimal(value) is not None


def parse(properties: Mapping[str, Any]) -> Percentage:
    def optional(key: str) -> Decimal | None:
        return None if properties.get(key) is None else Decimal(properties[key])

    return Percentage(
        rate_percent=Decimal(properties["rate"]),
        fixed_amount=optional("fixed_amount") or Decimal(0),
        free_events=properties.get("free_units_per_events") or 0,
        free_units=optional("free_units_per_total_aggregation") or Decimal(0),
        min_amount=optional("per_transaction_min_amount"),
        max_amount=optional("per_transaction_max_amount"),
    )


def price(usage: PricedUsage, terms: Percentage) -> Price:
    free_units, free_events = _free_units(usage, terms), _free_events(usage, terms)
    paid_units = max(usage.units - free_units, Decimal(0))
    paid_events = 0 if usage.units == 0 else max(usage.events_count - free_events, 0)
    share, fixed = paid_units * terms.rate_percent / 100, paid_events * terms.fixed_amount
    is_bounded = terms.min_amount is not None or terms.max_amount is not None
    amount = _event_by_event(usage, terms) if is_bounded else share + fixed
    details = {
        "units": wire(usage.units),
        "free_units": wire(free_units),
        "free_events": free_events,
        "paid_units": wire(paid_units),
        "paid_events": paid_events,
        "rate": wire(terms.rate_percent),
        "per_unit_total_amount": wire(share),
        "fixed_fee_unit_amount": wire(terms.fixed_amount if paid_events else Decimal(0)),
        "fixed_fee_total_amount": wire(fixed),
        "min_max_adjustment_total_amount": wire(amount - share - fixed),
    }
    return Price.of(amount, usage, details)


def _free_units(usage: PricedUsage, terms: Percentage) -> Decimal:
    totals = usage.running_totals
    is_any_free = terms.free_events > 0 or terms.free_units > 0
    if not is_any_free or not totals or totals[-1] == 0:
        return Decimal(0)
    if 0 < terms.free_events < len(totals):
        return Decimal(totals[terms.free_events - 1])
    if terms.free_units == 0 or totals[-1] <= terms.free_units:
        return Decimal(totals[-1])
    return terms.free_units


def _free_events(usage: PricedUsage, terms: Percentage) -> int:
    """Events exempt from the fixed amount. One that brings the units to exactly the free ones is not (Q9)."""
    totals = usage.running_totals
    if isinstance(totals, range):
        covered = bisect_left(totals, terms.free_units)
    else:
        covered = sum(total < terms.free_units for total in totals)
    return min((free for free in (terms.free_events, covered) if free), default=0)


def _event_by_event(usage: PricedUsage, terms: Percentage) -> Decimal:
    """The amount where each event has bounds. Free events cost nothing, not even the minimum."""
    events_left, units_left, owed = terms.free_events, terms.free_units, Decimal(0)
    for value in usage.values:
        paid = value
        if events_left > 0 or units_left > 0:
            events_left -= 1
            if units_left <= 0:
                continue
            if units_left > value:
                units_left -= value
                continue
            paid, events_left, units_left = value - units_left, 0, Decimal(0)
        owed += of_event(paid, terms)
    return owed


def of_event(paid_units: Decimal, terms: Percentage) -> Decimal:
    """What one paid event owes, within its bounds where it has any."""
    amount = paid_units * terms.rate_percent / 100 + terms.fixed_amount
    if terms.min_amount is not None:
        amount = max(amount, terms.min_amount)
    if terms.max_amount is not None:
        amount = min(amount, terms.max_amount)
    return amount
