"""Usage priced and settled into fees, by one process and without any store."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from benchmarks import stack
from benchmarks.results import Reach, Row
from benchmarks.sizes import Sizes
from cli.up import Stack
from domain.pricing.fee import settle
from domain.pricing.registry import ChargeModel, PricedUsage, price

_RANGES: Final = [
    {"from_value": 0, "to_value": 100, "per_unit_amount": "0.05", "flat_amount": "1"},
    {"from_value": 101, "to_value": 1_000, "per_unit_amount": "0.03", "flat_amount": "0"},
    {"from_value": 1_001, "to_value": None, "per_unit_amount": "0.01", "flat_amount": "0"},
]
_MODELS: Final[Mapping[ChargeModel, Mapping[str, Any]]] = {
    "standard": {"amount": "0.025"},
    "graduated": {"graduated_ranges": _RANGES},
    "package": {"amount": "5", "package_size": 100, "free_units": 100},
    "percentage": {"rate": "1.5", "fixed_amount": "0.1"},
    "volume": {"volume_ranges": _RANGES},
}
_REACHES: Final[Mapping[ChargeModel, Reach]] = {"standard": Reach("value", ">=", 100_000)}
_USAGES: Final = tuple(PricedUsage(units=Decimal(number) * 15 / 10, events_count=number) for number in range(1, 1_001))
"""Each range is reached by some."""


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    with stack.paused(on, "api", "loader", "worker", "dispatcher"):
        return [
            Row(
                work=f"{model} fees priced and settled by one process",
                value=statistics.median([_rate(model, properties, sizes.fees) for _ in range(sizes.rounds)]),
                unit="fees/s",
                reach=_REACHES.get(model),
            )
            for model, properties in _MODELS.items()
        ]


def _rate(model: ChargeModel, properties: Mapping[str, Any], fees: int) -> float:
    usages: Sequence[PricedUsage] = [_USAGES[number % len(_USAGES)] for number in range(fees)]
    began = time.perf_counter()
    for usage in usages:
        fee = settle(price(model, properties, usage), usage.units, usage.events_count, "USD")
    rate = fees / (time.perf_counter() - began)
    assert fee.amount_cents >= 0
    return rate
