"""A billable metric: how usage events become units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.kernel.aggregate import Aggregate
from domain.metering.ports import AggregationType, CustomAggregator, Metric

RoundingFunction = Literal["round", "ceil", "floor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilter:
    """A property by which charges may tell usage apart, and the values that they may name."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillableMetricDetails:
    """Source: metering-pricing A1. `custom_aggregator` is Durabill's own: what Lago keeps out of its API (A20)."""

    name: str
    code: str
    aggregation_type: AggregationType
    description: str | None = None
    field_name: str | None = None
    recurring: bool = False
    weighted_interval: Literal["seconds"] | None = None
    rounding_function: RoundingFunction | None = None
    rounding_precision: int | None = None
    expression: str | None = None
    custom_aggregator: CustomAggregator | None = None
    filters: tuple[MetricFilter, ...] = ()


class BillableMetric(Aggregate):
    TOPIC = "billable_metric"

    class Created(Aggregate.Created):
        TOPIC = "billable_metric.created"
        organization_id: UUID
        details: BillableMetricDetails

    class Updated(Aggregate.Event):
        TOPIC = "billable_metric.updated"
        details: BillableMetricDetails

        def apply(self, metric: BillableMetric) -> None:
            metric.details = self.details

    class Deleted(Aggregate.Event):
        TOPIC = "billable_metric.deleted"

        def apply(self, metric: BillableMetric) -> None:
            metric.deleted_at = self.timestamp

    def __init__(self, organization_id: UUID, details: BillableMetricDetails) -> None:
        self.organization_id, self.details = organization_id, details
        self.deleted_at: datetime | None = None

    @property
    def aggregated(self) -> Metric:
        """What an aggregation needs to know."""
        details = self.details
        return Metric(
            code=details.code,
            aggregation_type=details.aggregation_type,
            field_name=details.field_name,
            recurring=details.recurring,
            custom_aggregator=details.custom_aggregator,
        )

    def update(self, details: BillableMetricDetails, *, at: datetime) -> None:
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

    def delete(self, *, at: datetime) -> None:
        if self.deleted_at is None:
            self.trigger_event(self.Deleted, timestamp=at)
