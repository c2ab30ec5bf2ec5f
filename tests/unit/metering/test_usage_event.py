"""metering-pricing G4, G7, G9."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.metering.usage_event import MAX_CHARACTERS, UsageEvent, in_order, number, numbers, text

D = Decimal
START = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "read", "why"),
    [
        ("12", D(12), "digits"),
        ("-0.5", D("-0.5"), "a minus and decimals"),
        ("007", D(7), "leading zeros"),
        (12, D(12), "a JSON number"),
        (0.1, D("0.1"), "a JSON number with decimals, as it was written"),
        (1.5e-7, D("0.00000015"), "a JSON number with an exponent"),
        (D("1.50"), D("1.50"), "a JSON number read exactly"),
        (0, D(0), "zero counts"),
        (1e-44, D("1e-44"), "a tiny JSON number"),
        ("0." + 43 * "0" + "1", D("1e-44"), "a tiny one"),
        (60 * "9", D(60 * "9"), "a huge one"),
        ("1e5", None, "a string with an exponent"),
        ("+5", None, "a plus"),
        (".5", None, "no digit before the point"),
        ("5.", None, "none after it"),
        (" 5", None, "a blank"),
        ("5\n", None, "a line break"),
        ("٣", None, "digits of another script"),
        ("", None, "empty"),
        ("foo", None, "a word"),
        (True, None, "a boolean"),
        (None, None, "null"),
        ([1], None, "a list"),
        ({"a": 1}, None, "an object"),
    ],
)
def test_number(value: Any, read: Decimal | None, why: str) -> None:
    assert number(value) == read, why


def test_a_number_that_no_one_can_compute_with_is_none() -> None:
    longest = MAX_CHARACTERS * "9"
    assert number(longest) == D(longest)
    assert number(f"-{longest}") is None


@pytest.mark.parametrize(
    ("value", "read", "why"),
    [
        ("europe", "europe", "a string as it is"),
        (1, "1", 'the same as "1"'),
        (1.5, "1.5", "no binary tail"),
        (1e21, "1000000000000000000000", "no exponent"),
        (True, "true", "as JSON writes it"),
        (False, "false", "as JSON writes it"),
        (None, None, "null is missing"),
        ("", "", "empty is not"),
        (["a", 1], '["a", 1]', "a list as JSON"),
    ],
)
def test_text(value: Any, read: str | None, why: str) -> None:
    assert text(value) == read, why


def event(minutes: int, sequence: int, **properties: Any) -> UsageEvent:
    return UsageEvent(
        transaction_id=f"{minutes}-{sequence}",
        code="c",
        external_subscription_id="s",
        timestamp=START + timedelta(minutes=minutes),
        sequence=sequence,
        properties=properties,
    )


def test_equal_times_are_ordered_by_arrival() -> None:
    events = [event(2, 1), event(1, 3), event(1, 2)]
    assert [one.transaction_id for one in in_order(events)] == ["1-2", "1-3", "2-1"]


def test_numbers_leaves_out_what_does_not_count() -> None:
    events = [event(2, 1, gb=3), event(1, 2, gb="x"), event(0, 3, gb="1.5"), event(3, 4, mb=9)]
    assert [(one.transaction_id, value) for one, value in numbers(events, "gb")] == [("0-3", D("1.5")), ("2-1", D(3))]
