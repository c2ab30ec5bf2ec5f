"""Custom: two expressions of the user's fold the events, in their order, into units and an amount of money.

    total_units: greatest(state.total_units, event.properties.seats)
    amount: event.properties.seats * custom_properties.price

Each event replaces the units and adds to the amount; both expressions see the state before it. An event that one of
them cannot be computed of counts for nothing, like one without a number in a sum (G4).

A recurring metric "starts from the last persisted state" (A20). Here nothing is persisted: the state before a window is
the fold of all that came before it, from the first event on, and the window owes for what its own events add. So the
amounts of windows that follow one another are those of their events, each once, and a late event changes the state as
it would have in time.

Source: metering-pricing A20, 12.9, Z1, Z3, E16, E17.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from domain.kernel.decimals import exact
from domain.metering.expression import EvaluationError, Expression, Value, parse, read
from domain.metering.ports import CustomAggregator, CustomProperties, Metric, Usage
from domain.metering.rounding import round_at
from domain.metering.usage_event import UsageEvent, in_order

DECIMALS = 20
"""What the expressions make of an event is rounded at this scale, which is part of the result."""
LARGEST_UNITS, LARGEST_AMOUNT = Decimal(10) ** 20, Decimal(10) ** 14
"""A state stays below these: an event that would bring it there counts for nothing. So, whatever the expressions are,
the cents of an amount fit into 64 bits in every currency, and an amount per unit into `decimals.PRECISION`."""

_CUSTOM = "custom_properties."


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """After some events: the units, and the sum of the amounts that they added, in major units."""

    total_units: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)


class Fold:
    """What events do under a metric's aggregator and the custom properties of a price."""

    def __init__(self, metric: Metric, custom_properties: CustomProperties) -> None:
        assert metric.custom_aggregator is not None, metric
        self._code, self._expressions = metric.code, parsed(metric.custom_aggregator)
        self._given = _numbers(custom_properties)

    @exact()
    def after(self, state: State, *, at: datetime, properties: Mapping[str, Any]) -> State | None:
        """The state after an event, None where the event counts for nothing."""
        given = {**self._given, "state.total_units": state.total_units, "state.amount": state.amount}
        try:
            total_units, added = (
                _decimal(expression.evaluate(code=self._code, at=at, properties=properties, given=given))
                for expression in self._expressions
            )
        except EvaluationError:
            return None
        amount = state.amount + added
        if abs(total_units) >= LARGEST_UNITS or abs(amount) >= LARGEST_AMOUNT:
            return None
        return State(total_units=total_units, amount=amount)

    def usage(self, events: Iterable[tuple[datetime, Mapping[str, Any]]], *, from_at: datetime) -> Usage:
        """Usage of instants with properties, in the order of events; `from_at` as of `aggregate`."""
        state = carried = State()
        events_count = 0
        for at, properties in events:
            after = self.after(state, at=at, properties=properties)
            if after is None:
                continue
            state = after
            if at < from_at:
                carried = after
            else:
                events_count += 1
        return Usage(
            units=state.total_units, events_count=events_count, amount=state.amount, carried_amount=carried.amount
        )


def aggregate(
    events: Iterable[UsageEvent], metric: Metric, custom_properties: CustomProperties = (), *, from_at: datetime
) -> Usage:
    """Usage of one bucket.

    Args:
        events: of the window, where the metric is recurring all up to its end.
        from_at: where the window begins: earlier events are not counted, and their amounts were owed earlier.
    """
    ordered = ((event.timestamp, event.properties) for event in in_order(events))
    return Fold(metric, custom_properties).usage(ordered, from_at=from_at)


@lru_cache(maxsize=1_000)
def parsed(aggregator: CustomAggregator) -> tuple[Expression, Expression]:
    """The expressions of the units and of the amount. Raises InvalidExpressionError."""
    return parse(aggregator.total_units, of_fold=True), parse(aggregator.amount, of_fold=True)


def event_properties(aggregator: CustomAggregator) -> tuple[str, ...]:
    """The properties of events that the expressions name, sorted."""
    units, amount = parsed(aggregator)
    return tuple(sorted(units.event_properties | amount.event_properties))


def is_served(aggregator: CustomAggregator, custom_properties: CustomProperties) -> bool:
    """Whether a price gives the expressions all numbers that they name; else no event would count."""
    units, amount = parsed(aggregator)
    named = {name for name in units.given | amount.given if name.startswith(_CUSTOM)}
    return named <= _numbers(custom_properties).keys()


def _numbers(custom_properties: CustomProperties) -> dict[str, Decimal]:
    """Those that are numbers. What expressions make of others is none either, so they are as good as missing."""
    read_ = {f"{_CUSTOM}{name}": _read(value) for name, value in custom_properties}
    return {name: value for name, value in read_.items() if isinstance(value, Decimal)}


def _read(value: str) -> Value | None:
    try:
        return read(value)
    except EvaluationError:
        return None


def _decimal(value: Value) -> Decimal:
    if isinstance(value, str):
        raise EvaluationError("Expected a decimal")
    return round_at(value, DECIMALS, ROUND_HALF_UP)
