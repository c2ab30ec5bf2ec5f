"""Usage in Lago's wire form.

Source: metering-pricing Y2, Y3; api-surface 3.6, Q19, Q49, D8.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from domain.invoicing.current_usage import CurrentUsage
from domain.invoicing.usage_fees import PricedBucket
from domain.kernel.decimals import wire as decimal_text
from projections.presenters import wire


def present_customer_usage(usage: CurrentUsage) -> dict[str, Any]:
    """The whole answer: totals, and a row per charge in the order of the metrics' names (K10)."""
    by_charge = [list(buckets) for _, buckets in groupby(usage.buckets, lambda bucket: bucket.charge.id)]
    amount = usage.amount_cents
    return {
        "from_datetime": wire.instant(usage.from_at.isoformat()),
        "to_datetime": wire.instant(usage.to_at.isoformat()),
        "issuing_date": usage.issuing_date.isoformat(),
        "lago_invoice_id": None,
        "currency": usage.currency,
        "amount_cents": amount,
        "taxes_amount_cents": 0,
        "total_amount_cents": amount,
        "charges_usage": [
            _charge(buckets, usage.currency)
            for buckets in sorted(by_charge, key=lambda buckets: buckets[0].metric.details.name)
        ],
    }


def _charge(buckets: Sequence[PricedBucket], currency: str) -> dict[str, Any]:
    charge, metric = buckets[0].charge, buckets[0].metric
    grouped = [bucket for bucket in buckets if bucket.grouped_by]
    return _sums(buckets) | {
        "amount_currency": currency,
        "pricing_unit_details": _pricing_unit(buckets),
        "charge": {
            "lago_id": str(charge.id),
            "charge_model": charge.charge_model,
            "invoice_display_name": charge.invoice_display_name,
            "code": charge.code,
        },
        "billable_metric": {
            "lago_id": str(metric.id),
            "name": metric.details.name,
            "code": metric.details.code,
            "aggregation_type": metric.details.aggregation_type,
        },
        "filters": _filters(buckets) if charge.filters else [],
        "grouped_usage": _groups(buckets) if grouped else [],
        "presentation_breakdowns": _breakdowns(
            bucket for bucket in buckets if bucket.filter is None and not bucket.grouped_by
        ),
    }


def _breakdowns(buckets: Iterable[PricedBucket]) -> list[dict[str, Any]]:
    """Units per tuple of values of the presentation keys, over all the buckets (metering-pricing R6)."""
    units: dict[tuple[tuple[str, str | None], ...], Decimal] = {}
    for bucket in buckets:
        for one in bucket.breakdowns:
            values = tuple(one.presentation_by.items())
            units[values] = units.get(values, Decimal(0)) + one.units
    return [
        {"presentation_by": {key: value or "" for key, value in values}, "units": decimal_text(total)}
        for values, total in units.items()
    ]


def _pricing_unit(buckets: Sequence[PricedBucket]) -> dict[str, Any] | None:
    """Figures in pricing units (metering-pricing X5)."""
    unit = buckets[0].charge.applied_pricing_unit
    if unit is None:
        return None
    return {
        "amount_cents": sum(bucket.pricing_unit.amount_cents for bucket in buckets if bucket.pricing_unit is not None),
        "short_name": unit.short_name,
        "conversion_rate": decimal_text(Decimal(unit.conversion_rate)),
    }


def _sums(buckets: Iterable[PricedBucket]) -> dict[str, Any]:
    fees = [bucket.fee for bucket in buckets]
    return {
        "units": decimal_text(sum((fee.units for fee in fees), Decimal(0))),
        "total_aggregated_units": decimal_text(sum((fee.total_aggregated_units for fee in fees), Decimal(0))),
        "events_count": sum(fee.events_count for fee in fees),
        "amount_cents": sum(fee.amount_cents for fee in fees),
    }


def _filters(buckets: Sequence[PricedBucket]) -> list[dict[str, Any]]:
    """A row per filter, the default bucket's with null values."""
    rows: dict[Any, list[PricedBucket]] = {}
    for bucket in buckets:
        rows.setdefault(None if bucket.filter is None else bucket.filter.id, []).append(bucket)
    return [
        _sums(members)
        | {
            "pricing_unit_details": _pricing_unit(members),
            "invoice_display_name": None if members[0].filter is None else members[0].filter.invoice_display_name,
            "values": None if members[0].filter is None else members[0].filter.values,
            "presentation_breakdowns": _breakdowns(members),
        }
        for members in rows.values()
    ]


def _groups(buckets: Sequence[PricedBucket]) -> list[dict[str, Any]]:
    """A row per distinct group over all buckets; those without grouping keys share one."""
    rows: dict[tuple[tuple[str, str | None], ...], list[PricedBucket]] = {}
    for bucket in buckets:
        rows.setdefault(tuple(bucket.grouped_by.items()), []).append(bucket)
    return [
        _sums(members)
        | {
            "pricing_unit_details": _pricing_unit(members),
            "grouped_by": dict(group),
            "filters": _filters(members) if members[0].charge.filters else [],
            "presentation_breakdowns": _breakdowns(bucket for bucket in members if bucket.filter is None),
        }
        for group, members in rows.items()
    ]
