"""Usage in Lago's wire form: of the running period, as it may go on, and of periods that were billed.

Source: metering-pricing Y2 to Y4, Y7, R6; api-surface 3.6, Q19, Q49, D8, 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.catalog.charge import Charge
from domain.invoicing.current_usage import CurrentUsage
from domain.invoicing.invoice import Fee
from domain.kernel.decimals import wire as decimal_text
from domain.pricing.fee import PricedFee
from projections.presenters import wire
from projections.presenters.usage_rows import UsageRow, of_bucket, of_fee
from projections.views.reading import Doc


def present_customer_usage(usage: CurrentUsage) -> dict[str, Any]:
    """Totals, and a row per charge in the order of the metrics' names (K10)."""
    return _totals(usage) | {
        "lago_invoice_id": None,
        "charges_usage": _charges([of_bucket(bucket) for bucket in usage.buckets], usage.currency),
    }


def present_projected_usage(usage: CurrentUsage, projections: Sequence[PricedFee]) -> dict[str, Any]:
    """Likewise, with what the period comes to if it goes on so: a fee for each bucket of the usage."""
    rows = [of_bucket(bucket, projected) for bucket, projected in zip(usage.buckets, projections, strict=True)]
    return _totals(usage) | {
        "projected_amount_cents": sum(projected.amount_cents for projected in projections),
        "charges_usage": _charges(rows, usage.currency),
    }


def present_past_usage(
    invoice: Doc, period: Doc, fees: Sequence[Fee], asked: Iterable[Fee], charges: Mapping[UUID, Charge]
) -> dict[str, Any]:
    """A billed period of a subscription.

    Args:
        period: the invoice's row of the subscription.
        fees: all of the invoice; `asked` those that are shown one by one.
        charges: of its plan, by id, as they are now.
    """
    content = invoice["content"]
    amount, taxes = content["totals"]["fees_amount_cents"], sum(fee.taxes_amount_cents for fee in fees)
    rows = (of_fee(fee, charges.get(fee.charge_id) if fee.charge_id is not None else None) for fee in asked)
    return {
        "from_datetime": wire.instant(period["charges_from_at"]),
        "to_datetime": wire.instant(period["charges_to_at"]),
        "issuing_date": content["issuing_date"],
        "lago_invoice_id": invoice["id"],
        "currency": content["currency"],
        "amount_cents": amount,
        "taxes_amount_cents": taxes,
        "total_amount_cents": amount + taxes,
        "charges_usage": _charges([row for row in rows if row is not None], content["currency"]),
    }


def _totals(usage: CurrentUsage) -> dict[str, Any]:
    amount = usage.amount_cents
    return {
        "from_datetime": wire.instant(usage.from_at.isoformat()),
        "to_datetime": wire.instant(usage.to_at.isoformat()),
        "issuing_date": usage.issuing_date.isoformat(),
        "currency": usage.currency,
        "amount_cents": amount,
        "taxes_amount_cents": usage.taxes_amount_cents,
        "total_amount_cents": amount + usage.taxes_amount_cents,
    }


def _charges(rows: Iterable[UsageRow], currency: str) -> list[dict[str, Any]]:
    by_charge: dict[str, list[UsageRow]] = {}
    for row in rows:
        by_charge.setdefault(row.charge_id, []).append(row)
    return [_charge(of_one, currency) for of_one in sorted(by_charge.values(), key=lambda rows: rows[0].metric_name)]


def _charge(rows: Sequence[UsageRow], currency: str) -> dict[str, Any]:
    first = rows[0]
    return _sums(rows) | {
        "amount_currency": currency,
        "charge": {
            "lago_id": first.charge_id,
            "charge_model": first.charge_model,
            "invoice_display_name": first.charge_name,
            "code": first.charge_code,
        },
        "billable_metric": {
            "lago_id": first.metric_id,
            "name": first.metric_name,
            "code": first.metric_code,
            "aggregation_type": first.aggregation_type,
        },
        "filters": _filters(rows),
        "grouped_usage": _groups(rows) if any(row.grouped_by for row in rows) else [],
        "presentation_breakdowns": _breakdowns(row for row in rows if row.filter_id is None and not row.grouped_by),
    }


def _filters(rows: Sequence[UsageRow]) -> list[dict[str, Any]]:
    """A row per filter; none where the charge has none. The default bucket's values are null.

    In projected usage they are {}: Lago sends null there too, which its Python client refuses.
    """
    if not any(row.has_filters for row in rows):
        return []
    by_filter: dict[str | None, list[UsageRow]] = {}
    for row in rows:
        by_filter.setdefault(row.filter_id, []).append(row)
    return [
        _sums(members)
        | {
            "invoice_display_name": members[0].filter_name,
            "values": {} if values is None and members[0].projected is not None else values,
            "presentation_breakdowns": _breakdowns(members),
        }
        for members in by_filter.values()
        for values in [members[0].filter_values]
    ]


def _groups(rows: Sequence[UsageRow]) -> list[dict[str, Any]]:
    """A row per distinct group over all buckets; those without grouping keys share one."""
    by_group: dict[tuple[tuple[str, str | None], ...], list[UsageRow]] = {}
    for row in rows:
        by_group.setdefault(tuple(row.grouped_by.items()), []).append(row)
    return [
        _sums(members)
        | {
            "grouped_by": dict(group),
            "filters": _filters(members),
            "presentation_breakdowns": _breakdowns(row for row in members if row.filter_id is None),
        }
        for group, members in by_group.items()
    ]


def _sums(rows: Sequence[UsageRow]) -> dict[str, Any]:
    sums = {
        "units": decimal_text(sum((row.units for row in rows), Decimal(0))),
        "total_aggregated_units": decimal_text(sum((row.total_aggregated_units for row in rows), Decimal(0))),
        "events_count": sum(row.events_count for row in rows),
        "amount_cents": sum(row.amount_cents for row in rows),
        "pricing_unit_details": _pricing_unit(rows),
    }
    projected = [row.projected for row in rows if row.projected is not None]
    if projected:
        sums["projected_units"] = decimal_text(sum((fee.units for fee in projected), Decimal(0)))
        sums["projected_amount_cents"] = sum(fee.amount_cents for fee in projected)
    return sums


def _pricing_unit(rows: Sequence[UsageRow]) -> dict[str, Any] | None:
    """Figures in pricing units (metering-pricing X5)."""
    unit = rows[0].pricing_unit
    if unit is None:
        return None
    return {
        "amount_cents": sum(row.pricing_unit_cents for row in rows),
        "short_name": unit.short_name,
        "conversion_rate": decimal_text(Decimal(unit.conversion_rate)),
    }


def _breakdowns(rows: Iterable[UsageRow]) -> list[dict[str, Any]]:
    """Units per tuple of values of the presentation keys, over all the rows (metering-pricing R6)."""
    units: dict[tuple[tuple[str, str | None], ...], Decimal] = {}
    for row in rows:
        for one in row.breakdowns:
            values = tuple(one.presentation_by.items())
            units[values] = units.get(values, Decimal(0)) + one.units
    return [
        {"presentation_by": {key: value or "" for key, value in values}, "units": decimal_text(total)}
        for values, total in units.items()
    ]
