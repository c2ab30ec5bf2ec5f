"""metering-pricing E16 to E19."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.metering.expression import (
    MAX_DEPTH,
    MAX_LENGTH,
    EvaluationError,
    InvalidExpressionError,
    Value,
    parse,
)

D = Decimal
PROPERTIES = {
    "left": "1",
    "right": "2.5",
    "n": 3,
    "f": 0.1,
    "neg": "-4",
    "exp": "1e3",
    "word": "abc",
    "blank": "",
    "yes": True,
    "nothing": None,
    "huge": "9" * 39,
    "beyond": "1e40",
    "long": "x" * 6_000,
    "not_quite": "1_000",
}


def evaluate(source: str) -> Value:
    at = datetime(2024, 3, 1, 0, 0, 0, 900_000, tzinfo=UTC)
    return parse(source).evaluate(code="work", at=at, properties=PROPERTIES)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("12", D(12)),
        ("1.5", D("1.5")),
        ("'it''", None),
        ("round(12.34,-1)", D(10)),
        ("round(12.5)", D(13)),
        ("round(-12.5)", D(-13)),
        ("round(12.345,2)", D("12.35")),
        ("ceil(12.351,1)", D("12.4")),
        ("floor(12.351,1)", D("12.3")),
        ("ROUND(1.5) + Ceil(1.2) + floor(1.9)", D(5)),
        ("concat(1.23,'test')", "1.23test"),
        ("concat(event.code, '-', event.properties.n)", "work-3"),
        ("(123-1.23)/10", D("12.177")),
        ("1 + 2 * 3", D(7)),
        ("(1 + 2) * 3", D(9)),
        ("10 - 4 - 3", D(3)),
        ("100 / 10 / 5", D(2)),
        ("-2 * -3", D(6)),
        ("2 - - 2", D(4)),
        ("-(1 + 2)", D(-3)),
        ("least(3, 1, 2) + greatest(3, 1, 2)", D(4)),
        ("least(event.properties.n) - greatest(1)", D(2)),
        ("event.properties.left + event.properties.right", D("3.5")),
        ("event.properties.n * event.properties.f", D("0.3")),
        ("event.properties.neg", D(-4)),
        ("event.properties.exp", D(1000)),
        ("event.properties.word", "abc"),
        ("event.properties.not_quite", "1_000"),
        ("event.properties.blank", ""),
        ("event.properties.yes", "true"),
        ("event.code", "work"),
        ("event.timestamp", D(1709251200)),
        ("  1  +  1  ", D(2)),
        ("round(10 / 3, 30)", D("3." + "3" * 30)),
        ("round(event.properties.huge * 1, 2)", D("9" * 39)),
    ],
)
def test_value(source: str, value: Value | None) -> None:
    if value is None:
        with pytest.raises(InvalidExpressionError):
            parse(source)
    else:
        assert evaluate(source) == value


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("", "nothing"),
        ("1 +", "no right side"),
        ("* 2", "no left side"),
        ("+1", "there is no unary plus"),
        ("(1", "not closed"),
        ("1)", "not opened"),
        ("1 2", "no operator"),
        ("12abc", "a number and a name"),
        ("'a", "not closed"),
        ('"a"', "double quotes"),
        ("event", "a variable without a name"),
        ("event.foo", "not a variable"),
        ("event.codex", "not a variable"),
        ("event.properties.1a", "does not begin with a letter"),
        ("event.properties.a.b", "no nested properties"),
        ("event.properties['a']", "no brackets"),
        ("__import__('os')", "not a function of ours"),
        ("foo(1)", "not a function"),
        ("rOUND(1)", "neither lower, upper nor capitalized"),
        ("round", "without its values"),
        ("round()", "no value"),
        ("round(1, 2, 3)", "too many values"),
        ("1\t+ 1", "a tab"),
        ("1\n", "a line break"),
        ("1e5", "no exponents"),
        (".5", "no digit before the point"),
        ("2 ** 3", "no powers"),
        ("9" * 41, "a number beyond the limit"),
        ("(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1), "nested too deep"),
        ("-" * (MAX_DEPTH + 1) + "1", "nested too deep"),
        ("1+" * MAX_LENGTH + "1", "too long"),
        ("state.amount", "there is no state but in a fold"),
        ("1 + custom_properties.a", "nor a price"),
    ],
)
def test_invalid(source: str, why: str) -> None:
    with pytest.raises(InvalidExpressionError):
        pytest.fail(f"{why}: {parse(source)}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("event.properties.b + 1", "Variable: b not found"),
        ("event.properties.nothing", "Variable: nothing not found"),
        ("event.properties.word + 1", "Expected a decimal"),
        ("-event.code", "Expected a decimal"),
        ("round('1.5')", "Expected a decimal"),
        ("least(1, event.properties.blank)", "Expected a decimal"),
        ("1 / 0", "Division by zero"),
        ("0 / 0", "Division by zero"),
        ("round(1.5, 0.5)", "Expected a whole number of digits"),
        ("round(1.5, 1000000000)", "Expected a whole number of digits"),
        ("event.properties.beyond", "Number out of range"),
        ("event.properties.huge * event.properties.huge", "Number out of range"),
        ("1 / event.properties.huge / 1000", "Number out of range"),
        ("concat(event.properties.long, event.properties.long)", "Text longer than 10000 characters"),
    ],
)
def test_failure(source: str, message: str) -> None:
    with pytest.raises(EvaluationError, match=f"^{message}$"):
        evaluate(source)


GIVEN = {"state.total_units": D(3), "state.amount": D("0.5"), "custom_properties.a_1": D(2)}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("state.total_units + state.amount", D("3.5")),
        ("-custom_properties.a_1 * event.properties.n", D(-6)),
        ("custom_properties.b", "Variable: custom_properties.b not found"),
        ("state.amounts", None),
        ("state.other", None),
        ("state", None),
        ("custom_properties", None),
        ("custom_properties.1a", None),
        ("custom_properties.a.b", None),
    ],
)
def test_variables_of_a_fold(source: str, value: Value | None) -> None:
    """A value, a failure's words, or None for no expression."""
    if value is None:
        with pytest.raises(InvalidExpressionError):
            parse(source, of_fold=True)
        return
    expression, at = parse(source, of_fold=True), datetime(2024, 3, 1, tzinfo=UTC)
    if isinstance(value, str):
        with pytest.raises(EvaluationError, match=f"^{value}$"):
            expression.evaluate(code="work", at=at, properties=PROPERTIES, given=GIVEN)
    else:
        assert expression.evaluate(code="work", at=at, properties=PROPERTIES, given=GIVEN) == value


def test_the_longest_expressions_are_no_trouble() -> None:
    ones = MAX_LENGTH // 2
    assert evaluate("+".join("1" * ones)) == D(ones)
    assert evaluate("(" * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1)) == D(1)
