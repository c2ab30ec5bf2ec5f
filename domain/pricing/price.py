"""What goes into a charge model and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from domain.metering.prorated_period import ProratedValue


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedUsage:
    """The usage of one period and one group, with what the models need beside the units.

    Attributes:
        units: aggregated and rounded (metering-pricing R1), prorated where the charge is; may be negative.
        events_count: how many events the units come from.
        full_units: units before proration; None where the charge is not prorated.
        running_totals: percentage with free allowances only: units after each of the first events, as far as the
            aggregation keeps them (metering-pricing A5, A8, A13), a `range` where each event counts one.
        values: percentage with bounds per transaction only: units of each event in the order of time.
        changes: prorated graduated only: every change of units in the order of time, what was carried over first.
        precise_total_amount: dynamic and custom only: sum of the amounts that the events carry or make, in major units.
    """

    units: Decimal
    events_count: int = 0
    full_units: Decimal | None = None
    running_totals: Sequence[Decimal] | range = ()
    values: Sequence[Decimal] = ()
    changes: Sequence[ProratedValue] | None = None
    precise_total_amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a charge model makes of a usage.

    Attributes:
        amount: major units, exact; negative where the usage is (`fee.settle` takes that to zero).
        unit_amount: major units per unit, flat parts included.
        amount_details: how the amount came about, in Lago's words and ready for JSON.
    """

    amount: Decimal
    unit_amount: Decimal
    amount_details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, amount: Decimal, usage: PricedUsage, amount_details: Mapping[str, Any] | None = None) -> Price:
        """The price whose unit amount is spread over the units before proration. Source: metering-pricing M8."""
        units = usage.units if usage.full_units is None else usage.full_units
        return cls(amount=amount, unit_amount=per_unit(amount, units), amount_details=amount_details or {})


def per_unit(amount: Decimal, units: Decimal) -> Decimal:
    """Major units per unit, zero where there are no units."""
    return amount / units if units else Decimal(0)
