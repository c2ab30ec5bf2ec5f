"""Units that current usage prices and shows where they are paid in advance.

What was paid is not given back within a period, so the price stands at the peak; what is shown is what is there.

Source: metering-pricing V13, V14.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from domain.kernel.decimals import exact
from domain.metering.peak import Peak
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.proration import round_up


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentUnits:
    """
    Attributes:
        billed: what is priced, >= 0.
        shown: what the usage and its fee show, >= 0.
    """

    billed: Decimal
    shown: Decimal


@exact()
def current_units(total: Decimal, peak: Peak) -> CurrentUnits:
    """Units of a sum or unique count that is not prorated.

    Args:
        total: aggregated usage, with what is carried over where the metric is recurring.
        peak: of the period so far; that of no events leaves the total.
    """
    zero = Decimal(0)
    return CurrentUnits(billed=max(total - peak.current + peak.max, zero), shown=max(total, zero))


@exact()
def current_prorated_units(total: Decimal, peak: Peak, period: ProratedPeriod) -> CurrentUnits:
    """Units of a prorated charge: what is carried over counts for the days of the window, the rest as it was paid.

    Args:
        total: aggregated usage with what is carried over, not prorated.
        peak: of the period so far, prorated.
    """
    zero = Decimal(0)
    carried = max(total - max(peak.current, zero), zero)
    if period.days < period.duration_days:
        carried = round_up(carried * period.days / period.duration_days)
    return CurrentUnits(billed=carried + peak.max_prorated, shown=max(total, zero))
