"""Rounding of units, as a billable metric asks for it. Source: metering-pricing R1, N8."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from domain.kernel.decimals import exact

_MODES = {"round": ROUND_HALF_UP, "ceil": ROUND_CEILING, "floor": ROUND_FLOOR}


@exact()
def round_units(units: Decimal, function: str, precision: int = 0) -> Decimal:
    """Units at `precision` decimals (negative: tens, hundreds).

    Args:
        units: of one group, after aggregation and proration. Events priced in advance are never rounded.
        function: `round` (half away from zero), `ceil` (toward +infinity) or `floor` (toward -infinity).
    """
    return round_at(units, precision, _MODES[function])


def round_at(number: Decimal, precision: int, mode: str) -> Decimal:
    """A number at `precision` decimals; one that has no more of them stays as it is."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), number
    if exponent >= -precision:
        return number
    return (number.scaleb(precision).to_integral_value(mode)).scaleb(-precision)
