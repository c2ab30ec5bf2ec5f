"""Expressions of billable metrics as ingest asks for them: a property computed from the others when an event arrives.

Source: metering-pricing E6.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


class ExpressionError(ValueError):
    """The expression has no result for this event; the message says why ("Variable: b not found")."""


class Expression(Protocol):
    """The expression of one metric.

    Attributes:
        field_name: the property that its result overwrites.
    """

    field_name: str

    def evaluate(self, code: str, at: datetime, properties: Mapping[str, Any]) -> str:
        """The result as it is stored ("3.0"). Numbers in `properties` are int or Decimal. Raises `ExpressionError`."""
        ...


Expressions = Callable[[UUID], Awaitable[Mapping[str, Expression]]]
"""Organization -> expressions by the code of their metric. Called once per request: keep them in memory."""
