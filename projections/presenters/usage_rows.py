"""One line of usage, whatever it comes from: priced just now, or a fee of an invoice.

Source: metering-pricing Y2, Y7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from domain.catalog.charge import AppliedPricingUnit, Charge
from domain.invoicing.invoice import Fee
from domain.invoicing.usage_fees import Breakdown, PricedBucket
from domain.pricing.fee import PricedFee


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """The usage of one group of one bucket of a charge.

    Attributes:
        charge_code: None where the plan has the charge no more.
        charge_name, filter_name: as they are displayed, if they have names of their own.
        filter_id: None for the default bucket, whose `filter_values` are None too.
        grouped_by: grouping key -> value, empty where usage is not grouped.
        amount_cents: minor units.
        pricing_unit, pricing_unit_cents: where the price is in pricing units, and how many hundredths of them.
        projected: the fee that the period comes to if it goes on so; None where that is not asked for.
    """

    charge_id: str
    charge_code: str | None
    charge_model: str
    charge_name: str | None
    has_filters: bool
    metric_id: str
    metric_code: str
    metric_name: str
    aggregation_type: str
    filter_id: str | None
    filter_name: str | None
    filter_values: Mapping[str, Sequence[str]] | None
    grouped_by: Mapping[str, str | None]
    units: Decimal
    total_aggregated_units: Decimal
    events_count: int
    amount_cents: int
    pricing_unit: AppliedPricingUnit | None
    pricing_unit_cents: int
    breakdowns: Sequence[Breakdown]
    projected: PricedFee | None = None


def of_bucket(bucket: PricedBucket, projected: PricedFee | None = None) -> UsageRow:
    charge, metric, filter_, fee = bucket.charge, bucket.metric, bucket.filter, bucket.fee
    return UsageRow(
        charge_id=str(charge.id),
        charge_code=charge.code,
        charge_model=charge.charge_model,
        charge_name=charge.invoice_display_name,
        has_filters=bool(charge.filters),
        metric_id=str(metric.id),
        metric_code=metric.details.code,
        metric_name=metric.details.name,
        aggregation_type=metric.details.aggregation_type,
        filter_id=None if filter_ is None else str(filter_.id),
        filter_name=None if filter_ is None else filter_.invoice_display_name,
        filter_values=None if filter_ is None else filter_.values,
        grouped_by=bucket.grouped_by,
        units=fee.units,
        total_aggregated_units=fee.total_aggregated_units,
        events_count=fee.events_count,
        amount_cents=fee.amount_cents,
        pricing_unit=charge.applied_pricing_unit,
        pricing_unit_cents=0 if bucket.pricing_unit is None else bucket.pricing_unit.amount_cents,
        breakdowns=bucket.breakdowns,
        projected=projected,
    )


def of_fee(fee: Fee, charge: Charge | None) -> UsageRow | None:
    """The row of a charge's fee; None of one that fills a minimum up, for nothing was used for it (U3).

    Args:
        charge: as the plan has it now; None where it is gone.
    """
    inputs = fee.usage or fee.event
    if inputs is None:
        return None
    item = fee.item
    return UsageRow(
        charge_id=str(fee.charge_id),
        charge_code=None if charge is None else charge.code,
        charge_model=inputs.charge_model,
        charge_name=item.invoice_display_name,
        has_filters=item.filters is not None or (charge is not None and bool(charge.filters)),
        metric_id=str(item.lago_item_id),
        metric_code=item.code,
        metric_name=item.name,
        aggregation_type=inputs.query.metric.aggregation_type,
        filter_id=None if fee.charge_filter_id is None else str(fee.charge_filter_id),
        filter_name=item.filter_invoice_display_name,
        filter_values=item.filters,
        grouped_by=item.grouped_by,
        units=fee.units,
        total_aggregated_units=fee.total_aggregated_units,
        events_count=fee.events_count or 0,
        amount_cents=fee.amount_cents,
        pricing_unit=inputs.pricing_unit,
        pricing_unit_cents=0 if fee.pricing_unit is None else fee.pricing_unit.amount_cents,
        breakdowns=fee.breakdowns,
    )
