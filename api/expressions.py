"""Expressions of billable metrics, kept in memory for ingest.

Source: metering-pricing E6.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from uuid import UUID

from api.ingest.expressions import Computed
from domain.metering.expression import parse
from projections.postgres import Database
from projections.views import billable_metrics

_TRUSTED_SECONDS = 1.0
"""How long another process may not see a new expression; this one sees its own at once (`forget`)."""


class MetricExpressions:
    """Implements `api.ingest.expressions.Expressions`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[UUID, tuple[float, Mapping[str, Computed]]] = {}

    async def __call__(self, organization_id: UUID) -> Mapping[str, Computed]:
        until, expressions = self._known.get(organization_id, (0.0, {}))
        if until < time.monotonic():
            rows = await billable_metrics.expressions(self._database, organization_id)
            expressions = {code: Computed(field_name, parse(source)) for code, field_name, source in rows}
            self._known[organization_id] = time.monotonic() + _TRUSTED_SECONDS, expressions
        return expressions

    def forget(self, organization_id: UUID) -> None:
        """Read them again: a metric has changed."""
        self._known.pop(organization_id, None)
