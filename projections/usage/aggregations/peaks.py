"""How high usage paid in advance has risen: the fold of `domain/metering/high_water.py`, by arrays.

After each change, the running total and how far it is below the peak add up to the peak; the latter is a cumulative sum
of the changes' opposites that does not go below zero. Source: metering-pricing V6, V8, Q18.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.kernel.decimals import exact
from domain.metering.high_water import rise
from domain.metering.peak import Peak
from domain.metering.ports import UsageQuery
from projections.usage.shape import Shape
from projections.usage.sql import instant, quoted

_DAY = 86_400_000_000
_FAR_PAST = 1_000_000 * _DAY

NONE = "('0', '0', []::Array(Tuple(String, Int64, UInt64)))"
"""A `PeakRow` that was not asked for."""


class Rises(msgspec.Struct, array_like=True):
    """Events with the same `delta` and the same number of days left; `at` is when one of them was."""

    delta: Decimal
    at: int
    count: int


class PeakRow(msgspec.Struct, array_like=True, frozen=True):
    """As `Peak`; `rises` where the charge is prorated."""

    current: Decimal = Decimal(0)
    max: Decimal = Decimal(0)
    rises: tuple[Rises, ...] = ()


def expressions(shape: Shape, changes: str) -> dict[str, str]:
    """Names to SQL, each built on those before it; the last is `peak`, a `PeakRow`.

    Args:
        changes: an array of tuples in order, the first element an instant, the fourth what it changes.
    """
    steps = {
        "running": f"arrayCumSum({changes}.4)",
        "peaks": f"arrayMap((t, below) -> t + below, running, arrayCumSumNonNegative(arrayMap(c -> -c, {changes}.4)))",
        "rises": "[]::Array(Tuple(String, Int64, UInt64))",
    }
    if shape.zone is not None:
        zone = quoted(shape.zone)
        day = (
            f"intDiv(at + 1000000 * timezoneOffset(fromUnixTimestamp64Micro(at, {zone})) - {shape.turn} + {_FAR_PAST},"
            f" {_DAY})"
        )
        risen = "arrayFilter(r -> r.2 > 0, arrayMap((at, p, before) -> (at, p - before), {}, peaks, {}))"
        steps["risen"] = risen.format(f"{changes}.1", "arrayShiftRight(peaks, 1)")
        steps["keys"] = f"arrayMap((at, delta) -> ({day}, delta), risen.1, risen.2)"
        steps["counts"] = "arrayReduce('sumMap', [keys], [arrayMap(k -> 1, keys)])"
        steps["instants"] = "arrayReduce('minMap', [keys], [risen.1])"
        steps["rises"] = "arrayMap((k, at, c) -> (toString(k.2), at, toUInt64(c)), counts.1, instants.2, counts.2)"
    return steps | {"peak": "(toString(running[-1]), toString(peaks[-1]), rises)"}


@exact()
def peak(query: UsageQuery, row: PeakRow) -> Peak:
    """Each rise is rounded on its own (V8), equal ones once for all."""
    if query.prorated is None:
        return Peak(current=row.current, max=row.max, max_prorated=row.max)
    prorated = (
        rises.count * rise(Peak(), rises.delta, at=instant(rises.at), prorated=query.prorated).prorated_delta
        for rises in row.rises
    )
    return Peak(current=row.current, max=row.max, max_prorated=sum(prorated, Decimal(0)))
