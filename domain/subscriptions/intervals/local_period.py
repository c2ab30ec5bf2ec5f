"""A billing period on the customer's calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class LocalPeriod:
    """Whole local days, both ends included, as Lago writes its periods."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1
