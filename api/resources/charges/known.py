"""What the charges of a body may name: metrics, pricing units and taxes, looked up before it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from api.fields import Fields
from api.resources.taxes.named import named_taxes
from api.tenant import Tenant
from domain.catalog.billable_metric import BillableMetricDetails
from domain.catalog.charge import Charge
from domain.catalog.pricing_unit import PricingUnit
from domain.kernel.errors import ConflictError, NotFoundError
from projections.views import billable_metrics


@dataclass(frozen=True, slots=True)
class Known:
    """Metrics by id, pricing units and ids of taxes by code; none is deleted."""

    metrics: Mapping[UUID, BillableMetricDetails]
    pricing_units: Mapping[str, PricingUnit]
    taxes: Mapping[str, UUID]

    def metric(self, charge: Charge) -> BillableMetricDetails:
        """Raises ConflictError: the plan has moved on since its metrics were read, or the metric has gone."""
        if charge.billable_metric_id not in self.metrics:
            raise ConflictError
        return self.metrics[charge.billable_metric_id]


async def look_up(
    tenant: Tenant,
    entries: Sequence[Fields],
    charged: Sequence[UUID] = (),
    *,
    taxed: Sequence[Fields] = (),
    metric: str = "billable_metric",
) -> Known:
    """What the entries name, and the metrics that are `charged` already.

    Args:
        taxed: what may name taxes beside the entries.
        metric: how a missing one is called.

    Raises:
        NotFoundError: of a metric, for what is no id too; `pricing_unit_not_found`, `tax_not_found`.
    """
    named = {entry.uuid("billable_metric_id") for entry in entries}
    if any("billable_metric_id" in entry.errors for entry in entries):
        raise NotFoundError(metric)
    wanted = {metric_id for metric_id in named if metric_id is not None}
    found = await billable_metrics.of_ids(tenant.database, tenant.organization_id, wanted.union(charged), deleted=False)
    if not found.keys() >= wanted:
        raise NotFoundError(metric)
    metrics = {metric_id: _details(doc) for metric_id, doc in found.items()}
    return Known(metrics, await _pricing_units(tenant, entries), await named_taxes(tenant, [*taxed, *entries]))


async def _pricing_units(tenant: Tenant, entries: Sequence[Fields]) -> dict[str, PricingUnit]:
    units: dict[str, PricingUnit] = {}
    for entry in entries:
        applied = entry.values.get("applied_pricing_unit")
        code = Fields(applied).text("code") if isinstance(applied, dict) else None
        if code is not None and code not in units:
            unit = await tenant.ledger.find(PricingUnit, tenant.organization_id, code=code)
            if unit is None:
                raise NotFoundError("pricing_unit")
            units[code] = unit
    return units


def _details(doc: dict[str, Any]) -> BillableMetricDetails:
    return msgspec.convert(doc["details"], BillableMetricDetails)
