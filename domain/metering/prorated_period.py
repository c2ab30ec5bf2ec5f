"""The period that prorated units are measured by.

Source: metering-pricing N5, A22, A23.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from domain.kernel.decimals import exact
from domain.kernel.zones import local_date
from domain.metering.rounding import round_at

RATIO_DECIMALS = 20
"""A share of days is rounded at this scale before it weighs anything, so that 3 units for 20 of 30 days come to
2.00001: Lago's figures show it. Source: metering-pricing N5, Q1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProratedPeriod:
    """The window that is billed and the period that it is measured by.

    Attributes:
        from_at, to_at: the window, both ends inclusive; a part of the period after a start or before an end.
        days: of the window, as the subscription counts them (metering-pricing T4).
        duration_days: of the whole period (metering-pricing P10).
        timezone: the customer's, whose days are counted.
    """

    from_at: datetime
    to_at: datetime
    days: int
    duration_days: int
    timezone: str

    @exact()
    def ratio(self, first: date, last: date) -> Decimal:
        """The share of the period's days from `first` to `last`, both counted."""
        days = (last - first).days + 1
        return round_at(Decimal(days) / self.duration_days, RATIO_DECIMALS, ROUND_HALF_UP)

    def date(self, at: datetime) -> date:
        return local_date(at, self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProratedValue:
    """A change of units.

    Attributes:
        full: units that come, or go where it is negative.
        prorated: the same, weighed by the part of the period that it lasts.
    """

    full: Decimal
    prorated: Decimal
