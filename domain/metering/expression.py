"""The expressions of billable metrics: they compute a property of an event from the others when it arrives.

Those of a custom aggregation (`aggregations/custom.py`) are of the same language, with more variables.

A parser and an evaluator of their own, for an expression comes from outside: no `eval`, and limits on what one may
take. An expression compiles to a flat list of steps over a stack, so that evaluating one never recurses.

    round(event.properties.value * event.properties.units, 2)

Source: metering-pricing E16 to E19.
"""

from __future__ import annotations

import decimal
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from domain.kernel.decimals import exact
from domain.metering.rounding import round_at
from domain.metering.usage_event import text

MAX_LENGTH = 2_000
"""Characters of an expression."""
MAX_DEPTH = 30
"""Parentheses, calls and signs inside one another."""
MAX_MAGNITUDE = 40
"""Numbers stay below 10**40 and, but for zero, above 10**-40, which `decimals.PRECISION` has room for."""
MAX_TEXT = 10_000
"""Characters that `concat` may make."""

Value = Decimal | str
_NOTHING: Mapping[str, Value] = {}


class InvalidExpressionError(ValueError):
    """The text is not an expression."""


class EvaluationError(ValueError):
    """The expression cannot be computed of this event; the message says why, in Lago's words where it has some."""


@dataclass(frozen=True, slots=True)
class _Push:
    value: Value


@dataclass(frozen=True, slots=True)
class _Load:
    """`code`, `timestamp` or `properties.<name>`."""

    variable: str


@dataclass(frozen=True, slots=True)
class _Given:
    """`state.<name>` or `custom_properties.<name>`, of a custom aggregation."""

    variable: str


@dataclass(frozen=True, slots=True)
class _Apply:
    """Takes `arity` values from the stack and puts one there."""

    function: str
    arity: int


_Step = _Push | _Load | _Given | _Apply


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: steps over a stack, which hold one value in the end."""

    steps: tuple[_Step, ...]

    @property
    def event_properties(self) -> frozenset[str]:
        """The properties of the event that it names."""
        loaded = (step.variable for step in self.steps if isinstance(step, _Load))
        return frozenset(name.removeprefix("properties.") for name in loaded if name.startswith("properties."))

    @property
    def given(self) -> frozenset[str]:
        """The variables that it names beside those of the event."""
        return frozenset(step.variable for step in self.steps if isinstance(step, _Given))

    @exact()
    def evaluate(
        self, *, code: str, at: datetime, properties: Mapping[str, Any], given: Mapping[str, Value] = _NOTHING
    ) -> Value:
        """The expression's value for one event: text of `concat`, `event.code` or a property, else a number.

        Args:
            given: the other variables, by their whole names.

        Raises:
            EvaluationError: a variable is missing or has the wrong type, a division by zero, a number out of range.
        """
        stack: list[Value] = []
        for step in self.steps:
            match step:
                case _Push(value):
                    stack.append(value)
                case _Load(variable):
                    stack.append(_load(variable, code, at, properties))
                case _Given(variable):
                    if variable not in given:
                        raise _not_found(variable)
                    stack.append(given[variable])
                case _Apply(function, arity):
                    values = stack[-arity:]
                    del stack[-arity:]
                    stack.append(_apply(function, values))
        (result,) = stack
        return result


def parse(source: str, *, of_fold: bool = False) -> Expression:
    """
    Args:
        of_fold: whether it may name the variables of a custom aggregation.

    Raises:
        InvalidExpressionError: `source` is no expression, or exceeds the limits.
    """
    if len(source) > MAX_LENGTH:
        raise InvalidExpressionError(f"longer than {MAX_LENGTH} characters")
    parser = _Parser(source)
    parser.sum_()
    parser.expect("")
    expression = Expression(tuple(parser.steps))
    if expression.given and not of_fold:
        raise InvalidExpressionError("names a state")
    return expression


_TOKEN = re.compile(
    r" *(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|'(?P<text>[^']*)'"
    r"|event\.(?P<variable>code|timestamp|properties\.[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<given>state\.(?:total_units|amount)|custom_properties\.[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<name>[A-Za-z]+)|(?P<sign>[-+*/(),])|(?P<end>\Z))"
)


class _Parser:
    """Recursive descent: each method reads one rule of the grammar and appends its steps."""

    def __init__(self, source: str) -> None:
        self.steps: list[_Step] = []
        self._source, self._place, self._depth = source, 0, 0
        self._advance()

    def _advance(self) -> None:
        token = _TOKEN.match(self._source, self._place)
        if token is None:
            raise InvalidExpressionError(f"unexpected character at {self._place}")
        assert token.lastgroup is not None
        self._kind, self._token, self._place = token.lastgroup, token[token.lastgroup], token.end()

    def _take(self, *signs: str) -> str | None:
        if self._kind != "sign" or self._token not in signs:
            return None
        sign = self._token
        self._advance()
        return sign

    def expect(self, token: str) -> None:
        if self._kind not in ("sign", "end") or self._token != token:
            raise InvalidExpressionError(f"expected {token or 'the end'!r} before {self._place}")
        if token:
            self._advance()

    def sum_(self) -> None:
        self._product()
        while sign := self._take("+", "-"):
            self._product()
            self.steps.append(_Apply(sign, 2))

    def _product(self) -> None:
        self._term()
        while sign := self._take("*", "/"):
            self._term()
            self.steps.append(_Apply(sign, 2))

    def _term(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidExpressionError(f"nested deeper than {MAX_DEPTH}")
        if self._take("-"):
            self._term()
            self.steps.append(_Apply("negate", 1))
        elif self._take("("):
            self.sum_()
            self.expect(")")
        else:
            self._operand()
        self._depth -= 1

    def _operand(self) -> None:
        kind, token = self._kind, self._token
        if kind in ("sign", "end"):
            raise InvalidExpressionError(f"expected a value before {self._place}")
        self._advance()
        if kind == "number":
            self.steps.append(_Push(_in_range(Decimal(token), InvalidExpressionError)))
        elif kind == "text":
            self.steps.append(_Push(token))
        elif kind == "variable":
            self.steps.append(_Load(token))
        elif kind == "given":
            self.steps.append(_Given(token))
        else:
            self._call(token)

    def _call(self, name: str) -> None:
        function = name.lower()
        if function not in _ARITIES or name not in (function, function.upper(), function.capitalize()):
            raise InvalidExpressionError(f"unknown function {name}")
        self.expect("(")
        self.sum_()
        arity = 1
        while self._take(","):
            self.sum_()
            arity += 1
        self.expect(")")
        if arity not in _ARITIES[function]:
            raise InvalidExpressionError(f"{name} does not take {arity} values")
        self.steps.append(_Apply(function, arity))


_ARITIES: dict[str, range] = {
    **dict.fromkeys(("round", "ceil", "floor"), range(1, 3)),
    **dict.fromkeys(("least", "greatest", "concat"), range(1, MAX_LENGTH)),
}
_ROUNDING = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}
_ARITHMETIC: dict[str, Callable[..., Decimal]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "negate": lambda number: -number,
    "least": lambda *numbers: min(numbers),
    "greatest": lambda *numbers: max(numbers),
}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _load(variable: str, code: str, at: datetime, properties: Mapping[str, Any]) -> Value:
    if variable == "code":
        return code
    if variable == "timestamp":
        return Decimal((at - _EPOCH) // timedelta(seconds=1))
    name = variable.removeprefix("properties.")
    value = text(properties.get(name))
    if value is None:
        raise _not_found(name)
    return read(value)


def read(value: str) -> Value:
    """A text as expressions take it: a number if it is a decimal (E17). Raises EvaluationError: out of range."""
    return _in_range(Decimal(value), EvaluationError) if _NUMBER.fullmatch(value) else value


def _not_found(variable: str) -> EvaluationError:
    return EvaluationError(f"Variable: {variable} not found")


def _apply(function: str, values: list[Value]) -> Value:
    if function == "concat":
        joined = "".join(value if isinstance(value, str) else format(value, "f") for value in values)
        if len(joined) > MAX_TEXT:
            raise EvaluationError(f"Text longer than {MAX_TEXT} characters")
        return joined
    numbers = [_number(value) for value in values]
    try:
        if function in _ROUNDING:
            return _round(function, *numbers)
        return _in_range(_ARITHMETIC[function](*numbers), EvaluationError)
    except (decimal.DivisionByZero, decimal.InvalidOperation):  # the latter of zero by zero
        raise EvaluationError("Division by zero") from None


def _round(function: str, number: Decimal, digits: Decimal = Decimal(0)) -> Decimal:
    if digits != digits.to_integral_value() or abs(digits) > MAX_MAGNITUDE:
        raise EvaluationError("Expected a whole number of digits")
    return round_at(number, int(digits), _ROUNDING[function])


def _number(value: Value) -> Decimal:
    if isinstance(value, str):
        raise EvaluationError("Expected a decimal")
    return value


def _in_range(number: Decimal, error: type[ValueError]) -> Decimal:
    if number and abs(number.adjusted()) >= MAX_MAGNITUDE:
        raise error("Number out of range")
    return number
