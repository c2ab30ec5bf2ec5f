"""Ranges of units, as graduated, graduated percentage and volume prices have them.

Source: metering-pricing 12.2, 12.4, 12.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from domain.kernel.decimals import wire
from domain.pricing.properties import bound, decimal

ADJACENT_OR_NEXT = (0, 1)
NEXT_OR_HOLE = (1, 2)
"""How far a range may begin above the end of the one before: "0-10, 10-20", "0-10, 11-20" or "0-10, 12-20"."""


class Range(Protocol):
    @property
    def from_value(self) -> Decimal: ...

    @property
    def to_value(self) -> Decimal | None: ...


R = TypeVar("R", bound=Range)


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedRange:
    """A range of graduated and volume prices.

    Attributes:
        to_value: the last unit inside it, None for the last range.
        per_unit_amount, flat_amount: major units.
    """

    from_value: Decimal
    to_value: Decimal | None
    per_unit_amount: Decimal
    flat_amount: Decimal

    @classmethod
    def parse(cls, tier: Mapping[str, Any]) -> PricedRange:
        return cls(
            from_value=lower_bound(tier),
            to_value=upper_bound(tier),
            per_unit_amount=Decimal(tier["per_unit_amount"]),
            flat_amount=Decimal(tier["flat_amount"]),
        )


PRICED_RANGE_AMOUNTS: Mapping[str, str] = {"per_unit_amount": "invalid_amount", "flat_amount": "invalid_amount"}
PRICED_RANGE_DEFAULT: Mapping[str, Any] = {
    "from_value": 0,
    "to_value": None,
    "per_unit_amount": "0",
    "flat_amount": "0",
}


def fill(units: Decimal, ranges: Sequence[R]) -> Iterator[tuple[R, Decimal]]:
    """The ranges that `units` reach, each with the units inside it. The first one is always reached.

    A range begins where the one before ends, whatever its own lower bound says: "0-10, 11-20" and "0-10, 10-20"
    mean the same, and the half unit of 10.5 lies in the second range. Upper bounds belong to their range.
    """
    lower = Decimal(0)
    for tier in ranges:
        upper = units if tier.to_value is None else min(units, tier.to_value)
        yield tier, upper - lower
        if upper == units:
            return
        lower = upper
    raise AssertionError("the last range is unbounded")


def validate(ranges: object, name: str, amounts: Mapping[str, str], *, steps: Sequence[int]) -> list[str]:
    """Codes of what is wrong with `ranges`, each once.

    Args:
        ranges: the wire form, a list of objects.
        name: the property ("graduated_ranges"), part of two of the codes.
        amounts: decimal of each range -> the code if it is not a decimal.
        steps: how far the lower bound of a range may lie above the upper one before it.
    """
    if not isinstance(ranges, list | tuple) or not ranges:
        return [f"missing_{name}"]
    if not all(isinstance(tier, Mapping) for tier in ranges):
        return [f"invalid_{name}"]
    codes = [code for tier in ranges for key, code in amounts.items() if decimal(tier.get(key)) is None]
    if not _contiguous(ranges, steps):
        codes.append(f"invalid_{name}")
    return list(dict.fromkeys(codes))


def _contiguous(ranges: Sequence[Mapping[str, Any]], steps: Sequence[int]) -> bool:
    """Whether the ranges begin at 0 or 1, ascend by `steps` and only the last one is open."""
    bounds = [(bound(tier.get("from_value")), bound(tier.get("to_value"))) for tier in ranges]
    lowers, uppers = [lower for lower, _ in bounds], [upper for _, upper in bounds]
    return (
        lowers[0] in (0, 1)
        and ranges[-1].get("to_value") is None
        and all(lower is not None and upper is not None and upper > lower for lower, upper in bounds[:-1])
        and all(
            following[0] is not None and this[1] is not None and following[0] - this[1] in steps
            for this, following in pairwise(bounds)
        )
        and None not in lowers
        and None not in uppers[:-1]
    )


def lower_bound(tier: Mapping[str, Any]) -> Decimal:
    """`from_value` of a range that was validated."""
    value = bound(tier["from_value"])
    assert value is not None, tier
    return value


def upper_bound(tier: Mapping[str, Any]) -> Decimal | None:
    """`to_value` of a range that was validated; None for the last one."""
    return bound(tier.get("to_value"))


def present(tier: Range) -> dict[str, Any]:
    """The bounds as `amount_details` show them: whole ones as JSON numbers."""
    bounds = {"from_value": tier.from_value, "to_value": tier.to_value}
    return {key: _number(value) for key, value in bounds.items()}


def _number(value: Decimal | None) -> int | str | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else wire(value)
