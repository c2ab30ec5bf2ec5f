"""What each type of aggregation asks ClickHouse for, over the rows of one group, and how its answer is read.

They equal the plain functions in `domain/metering/aggregations/` (tests/properties/test_usage_sql.py). A further type
is a further entry of `AGGREGATIONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from domain.kernel.decimals import exact
from domain.metering.ports import AggregationType

_NUMBER: Final = r"^-?[0-9]+(\\.[0-9]+)?$"
"""Source: metering-pricing G4."""

_SHORT: Final = 28
"""Characters of numbers that ClickHouse adds: a Decimal256 of 38 decimals holds the sum of 10^10 such. Longer ones are
added here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregation:
    """One type. SQL is over a row `e` of the table, and `value`: the text of the property that is aggregated.

    Attributes:
        condition: which rows count.
        columns: aggregate expressions, each a string or an array of strings.
        units: what the columns' values amount to.
        whole_history: whether a recurring metric counts all events up to the end of the period.
    """

    condition: Callable[[str], str]
    columns: Callable[[str], Sequence[str]]
    units: Callable[[Sequence[str | Sequence[str]]], Decimal]
    whole_history: bool


@exact()
def _sum(values: Sequence[str | Sequence[str]]) -> Decimal:
    total, others = values
    assert isinstance(total, str)
    return sum((Decimal(other) for other in others), Decimal(total))


def _number(values: Sequence[str | Sequence[str]]) -> Decimal:
    (number,) = values
    assert isinstance(number, str)
    return Decimal(number)


AGGREGATIONS: Final[Mapping[AggregationType, Aggregation]] = {
    "count_agg": Aggregation(  # metering-pricing A4, G5
        condition=lambda value: "1",
        columns=lambda value: ("toString(count())",),
        units=_number,
        whole_history=False,
    ),
    "sum_agg": Aggregation(  # metering-pricing A6, A7, G4
        condition=lambda value: f"match({value}, '{_NUMBER}')",
        columns=lambda value: (
            f"toString(sum(toDecimal256OrZero(if(length({value}) <= {_SHORT}, {value}, '0'), 38)))",
            f"groupArrayIf({value}, length({value}) > {_SHORT})",
        ),
        units=_sum,
        whole_history=True,
    ),
}
