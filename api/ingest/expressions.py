"""Properties that are computed from the others when an event arrives.

Source: metering-pricing E6.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from api.ingest.properties import Properties, decimals
from domain.kernel.decimals import wire
from domain.metering.expression import Expression


@dataclass(frozen=True, slots=True)
class Computed:
    """The expression of a billable metric, and the property (`field_name`) that its result overwrites."""

    field_name: str
    expression: Expression

    def add_to(self, properties: Properties, *, code: str, at: datetime) -> Properties:
        """The properties with the result, numbers as decimal strings ("3.0").

        Raises:
            EvaluationError, NumberRangeError
        """
        result = self.expression.evaluate(code=code, at=at, properties=decimals(properties))
        return {**properties, self.field_name: wire(result) if isinstance(result, Decimal) else result}


Expressions = Callable[[UUID], Awaitable[Mapping[str, Computed]]]
"""Organization -> what is computed, by the metric's code. Asked for every request, so the answer is kept in memory."""
