"""Numbers in ClickHouse: exact where a Decimal256 holds them, as text where none does.

A column `value` has the text of the property, `number` what it is, or zero where it does not fit (`fits`). What does
not fit comes as it is and is computed here: rare, however it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from domain.metering.ports import UsageQuery
from domain.metering.usage_event import MAX_CHARACTERS, UsageEvent
from projections.usage.sql import instant

Sequenced = list[tuple[int, str]]
"""Instants in microseconds, with texts."""

_NUMBER: Final = r"^-?[0-9]+(\\.[0-9]+)?$"
"""Source: metering-pricing G4."""


def is_number(value: str) -> str:
    """The condition of all numeric aggregations."""
    return f"length({value}) <= {MAX_CHARACTERS} and match({value}, '{_NUMBER}')"


def columns(integer_digits: int, decimals: int) -> Mapping[str, str]:
    """`number` and `fits`.

    Args:
        integer_digits, decimals: how many at most. A Decimal256 has 76, of which the number of events takes 10.
    """
    fits = rf"match(value, '^-?[0-9]{{1,{integer_digits}}}(\\.[0-9]{{1,{decimals}}})?$')"
    return {"fits": fits, "number": f"toDecimal256OrZero(if({fits}, value, '0'), {decimals})"}


def ordered(*columns: str) -> str:
    """An array of (`at`, `seq`, `n`, *columns) in that order, which is that of events (metering-pricing Z1)."""
    return f"arraySort(groupArray((at, seq, n, {', '.join(columns)})))"


def events(query: UsageQuery, sequence: Sequence[tuple[int, str]]) -> list[UsageEvent]:
    """As the plain functions take them, from values in their order."""
    assert query.metric.field_name is not None
    return [
        UsageEvent(
            transaction_id=str(place),
            code=query.metric.code,
            external_subscription_id=query.external_subscription_id,
            timestamp=instant(at),
            sequence=place,
            properties={query.metric.field_name: text},
        )
        for place, (at, text) in enumerate(sequence)
    ]


def decimals(sequence: Sequence[tuple[int, str]]) -> list[Decimal]:
    return [Decimal(text) for _, text in sequence]
