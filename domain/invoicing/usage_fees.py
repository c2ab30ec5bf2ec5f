"""Usage priced: from the charges of a plan and a window of time to amounts, the same for invoices and current usage.

Source: metering-pricing 14 (K), F3-F5, R1-R4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import Charge, ChargeFilter
from domain.metering.matching import filter_buckets
from domain.metering.ports import Bucket, Usage, UsageQuery, UsageReader
from domain.metering.rounding import round_units
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import PricedUsage
from domain.pricing.registry import ChargeModel, price


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """Whose usage is priced, and of which time (both ends inclusive)."""

    organization_id: UUID
    external_subscription_id: str
    from_at: datetime
    to_at: datetime
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBucket:
    """The usage of one group of one bucket of a charge, and what it costs.

    Attributes:
        filter: None for the default bucket, whose price is the charge's own.
        grouped_by: grouping key -> value, empty where usage is not grouped.
        aggregated: as read, before the metric's rounding.
    """

    charge: Charge
    metric: BillableMetric
    filter: ChargeFilter | None
    grouped_by: Mapping[str, str | None]
    properties: Mapping[str, Any]
    query: UsageQuery
    aggregated: Usage
    fee: PricedFee


@dataclass(frozen=True, slots=True)
class _Asked:
    charge: Charge
    metric: BillableMetric
    filter: ChargeFilter | None
    properties: Mapping[str, Any]
    query: UsageQuery
    currency: str


async def price_usage(
    reader: UsageReader,
    watermark: int,
    windows: Sequence[tuple[UsageWindow, Sequence[Charge]]],
    metrics: Mapping[UUID, BillableMetric],
) -> list[list[PricedBucket]]:
    """The usage of each window under its charges, in the order of the charges; all by one call to the reader.

    Buckets without usage are there too, at what their model asks for nothing (metering-pricing M9, R3).

    Raises:
        UnavailableError: usage is not known now.
    """
    asked = [[*_ask(window, charges, metrics)] for window, charges in windows]
    answers = iter(await reader.aggregate([one.query for row in asked for one in row], watermark))
    return [[bucket for one in row for bucket in _price(one, next(answers))] for row in asked]


def _ask(window: UsageWindow, charges: Sequence[Charge], metrics: Mapping[UUID, BillableMetric]) -> Iterator[_Asked]:
    for charge in charges:
        metric = metrics[charge.billable_metric_id]
        for filter_, bucket in filter_buckets(charge.filters, metric.details.filters):
            properties = charge.properties if filter_ is None else filter_.properties
            yield _Asked(
                charge=charge,
                metric=metric,
                filter=filter_,
                properties=properties,
                currency=window.currency,
                query=_query(window, metric, bucket, tuple(properties.get("pricing_group_keys") or ())),
            )


def _query(window: UsageWindow, metric: BillableMetric, bucket: Bucket, group_by: tuple[str, ...]) -> UsageQuery:
    return UsageQuery(
        organization_id=window.organization_id,
        external_subscription_id=window.external_subscription_id,
        metric=metric.aggregated,
        from_at=window.from_at,
        to_at=window.to_at,
        bucket=bucket,
        group_by=group_by,
    )


def _price(asked: _Asked, usages: Sequence[Usage]) -> Iterator[PricedBucket]:
    keys = asked.query.group_by
    nothing = Usage(units=Decimal(0), events_count=0, group=(None,) * len(keys))
    for usage in usages or (nothing,):
        yield PricedBucket(
            charge=asked.charge,
            metric=asked.metric,
            filter=asked.filter,
            grouped_by=dict(zip(keys, usage.group, strict=True)),
            properties=asked.properties,
            query=asked.query,
            aggregated=usage,
            fee=price_units(
                asked.charge.charge_model,
                asked.properties,
                usage.units,
                usage.events_count,
                rounding=rounding_of(asked.metric),
                currency=asked.currency,
            ),
        )


def rounding_of(metric: BillableMetric) -> tuple[str, int] | None:
    """The metric's rounding function and precision, None without one (metering-pricing R1)."""
    function = metric.details.rounding_function
    return None if function is None else (function, metric.details.rounding_precision or 0)


def price_units(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    aggregated: Decimal,
    events_count: int,
    *,
    rounding: tuple[str, int] | None,
    currency: str,
) -> PricedFee:
    """From aggregated units to a settled fee: what an invoice does, and what its replay does again."""
    units = aggregated if rounding is None else round_units(aggregated, *rounding)
    priced = price(charge_model, properties, PricedUsage(units=units, events_count=events_count))
    return settle(priced, units=units, events_count=events_count, currency=currency)
