"""Expressions of billable metrics, in memory for ingest.

Source: metering-pricing E6.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from api.ingest.expressions import ExpressionError
from domain.kernel import decimals
from domain.metering.expression import EvaluationError, Expression, parse
from projections.postgres import Database
from projections.views import billable_metrics

_TRUSTED_SECONDS = 1.0
"""How long another process may not see a new expression; this one sees its own at once (`forget`)."""


@dataclass(frozen=True, slots=True)
class MetricExpression:
    """Implements `api.ingest.expressions.Expression`."""

    field_name: str
    expression: Expression

    def evaluate(self, code: str, at: datetime, properties: Mapping[str, Any]) -> str:
        try:
            value = self.expression.evaluate(code=code, at=at, properties=properties)
        except EvaluationError as error:
            raise ExpressionError(str(error)) from error
        return decimals.wire(value) if isinstance(value, Decimal) else value


class MetricExpressions:
    """Implements `api.ingest.expressions.Expressions`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[UUID, tuple[float, Mapping[str, MetricExpression]]] = {}

    async def __call__(self, organization_id: UUID) -> Mapping[str, MetricExpression]:
        until, expressions = self._known.get(organization_id, (0.0, {}))
        if until < time.monotonic():
            rows = await billable_metrics.expressions(self._database, organization_id)
            expressions = {code: MetricExpression(field_name, parse(source)) for code, field_name, source in rows}
            self._known[organization_id] = time.monotonic() + _TRUSTED_SECONDS, expressions
        return expressions

    def forget(self, organization_id: UUID) -> None:
        """Read them again: a metric has changed."""
        self._known.pop(organization_id, None)
