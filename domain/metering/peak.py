"""How high usage paid in advance has risen in a period.

Source: metering-pricing V6, V8, Z2.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """Where one bucket and group stands. A period begins at zero, also where units are carried into it.

    Attributes:
        current: units that the period's events brought, less those that they took away.
        max: the highest that `current` has been, >= 0: what the events of the period owed for.
        max_prorated: the same, each rise weighed by the days it had left; `max` where the charge is not prorated.
    """

    current: Decimal = Decimal(0)
    max: Decimal = Decimal(0)
    max_prorated: Decimal = Decimal(0)
