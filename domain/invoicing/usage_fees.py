"""Usage priced: from the charges of a plan and a window of time to amounts, the same for invoices and current usage.

Source: metering-pricing 14 (K), 16 (X), F3-F5, R1-R6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import AppliedPricingUnit, Charge, ChargeFilter
from domain.kernel.errors import AmountOutOfRangeError
from domain.kernel.money import major_units
from domain.metering.aggregations import count
from domain.metering.current_peak import current_prorated_units, current_units
from domain.metering.matching import filter_buckets
from domain.metering.peak import Peak
from domain.metering.ports import Allowance, Bucket, CustomProperties, Usage, UsageQuery, UsageReader, Values
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.proration import full_units, rounded_up
from domain.metering.rounding import round_units
from domain.pricing import grouping
from domain.pricing.charge_models import custom, percentage
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import PricedUsage
from domain.pricing.pricing_unit import SETTLES_AS, PricingUnitUsage, convert
from domain.pricing.registry import ChargeModel, price

_COUNTING = ("count_agg", "unique_count_agg")
"""Aggregations whose events count one unit each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindow:
    """Whose usage is priced, and of which time (both ends inclusive).

    Attributes:
        period: what prorated and weighted units are measured by.
        shown: the period that fees of charges in advance are shown for: the one ahead (metering-pricing K9, V11).
        currency: of the plan.
        is_handed_over: whether `to_at` is the start of another subscription with this external id: what happens in
            that very millisecond is the other's, whose window begins with it (metering-pricing G1, G2).
    """

    organization_id: UUID
    external_subscription_id: str
    from_at: datetime
    to_at: datetime
    period: ProratedPeriod
    shown: tuple[datetime, datetime]
    currency: str
    is_handed_over: bool = False

    @property
    def until_at(self) -> datetime:
        """The last instant whose events count."""
        if not self.is_handed_over:
            return self.to_at
        return self.to_at - timedelta(microseconds=self.to_at.microsecond % 1000 + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageOptions:
    """How usage is asked for; the default is what an invoice bills.

    Attributes:
        current: charges in advance show what their events owed so far; otherwise (when they are renewed) all units.
        within: only events with these values count, and their keys group nothing.
        skip_grouping: every bucket is priced as one group.
        presentation: only these presentation keys; None for all.
    """

    current: bool = False
    within: Values = ()
    skip_grouping: bool = False
    presentation: frozenset[str] | None = None


INVOICED = UsageOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageInputs:
    """What a fee follows from: enough to aggregate and price it again, years later.

    Attributes:
        usage: as read, before the metric's rounding.
        rounding: the metric's rounding function and precision, if any (metering-pricing R1).
        pricing_unit: where the price is not in money.
    """

    query: UsageQuery
    charge_model: ChargeModel
    properties: Mapping[str, Any]
    usage: Usage
    rounding: tuple[str, int] | None = None
    pricing_unit: AppliedPricingUnit | None = None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Units of one tuple of values of the presentation keys; they do not change the price (metering-pricing R6)."""

    presentation_by: Mapping[str, str | None]
    units: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedBucket:
    """The usage of one group of one bucket of a charge, and what it costs.

    Attributes:
        filter: None for the default bucket, whose price is the charge's own.
        grouped_by: grouping key -> value, empty where usage is not grouped.
        pricing_unit: the figures in pricing units, where the price is in them.
    """

    charge: Charge
    metric: BillableMetric
    filter: ChargeFilter | None
    grouped_by: Mapping[str, str | None]
    inputs: UsageInputs
    fee: PricedFee
    pricing_unit: PricingUnitUsage | None = None
    breakdowns: tuple[Breakdown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    charge: Charge
    metric: BillableMetric
    filter: ChargeFilter | None
    properties: Mapping[str, Any]
    query: UsageQuery
    currency: str
    presentation: tuple[str, ...] = field(default=())

    @property
    def queries(self) -> list[UsageQuery]:
        """The usage to price, and where it is presented by keys the units of each of their tuples."""
        if not self.presentation:
            return [self.query]
        presented = replace(self.query, group_by=(*self.query.group_by, *self.presentation))
        return [self.query, replace(presented, allowance=None, each_event=False, in_advance=False)]


async def price_usage(
    reader: UsageReader,
    watermark: int,
    windows: Sequence[tuple[UsageWindow, Sequence[Charge]]],
    metrics: Mapping[UUID, BillableMetric],
    options: UsageOptions = INVOICED,
) -> list[list[PricedBucket]]:
    """The usage of each window under its charges, in the order of the charges; all by one call to the reader.

    Buckets without usage are there too, at what their model asks for nothing (metering-pricing M9, R3).

    Raises:
        AmountOutOfRangeError: of a charge whose usage comes to more than money can be.
        UnavailableError: usage is not known now.
    """
    asked = [[*_ask(window, charges, metrics, options)] for window, charges in windows]
    queries = [query for row in asked for one in row for query in one.queries]
    answers = iter(await reader.aggregate(queries, watermark))
    return [[bucket for one in row for bucket in _price(one, [next(answers) for _ in one.queries])] for row in asked]


def _ask(
    window: UsageWindow, charges: Sequence[Charge], metrics: Mapping[UUID, BillableMetric], options: UsageOptions
) -> Iterator[_Asked]:
    for charge in charges:
        metric = metrics[charge.billable_metric_id]
        presented = tuple(
            key
            for key in grouping.presentation_keys(charge.properties)
            if options.presentation is None or key in options.presentation
        )
        for filter_, bucket in filter_buckets(charge.filters, metric.details.filters):
            properties = charge.properties if filter_ is None else filter_.properties
            yield _Asked(
                charge=charge,
                metric=metric,
                filter=filter_,
                properties=properties,
                query=_query(window, charge, metric, properties, bucket, options),
                currency=window.currency,
                presentation=presented,
            )


def _query(
    window: UsageWindow,
    charge: Charge,
    metric: BillableMetric,
    properties: Mapping[str, Any],
    bucket: Bucket,
    options: UsageOptions,
) -> UsageQuery:
    kind = metric.details.aggregation_type
    within = {key for key, _ in options.within}
    keys = () if options.skip_grouping else tuple(properties.get("pricing_group_keys") or ())
    in_advance = options.current and charge.pay_in_advance and kind in ("sum_agg", "unique_count_agg")
    renewed = charge.pay_in_advance and not options.current  # billed in full for the period ahead (A25)
    prorated = charge.prorated and not renewed
    allowance, bounded = None, False
    if charge.charge_model == "percentage":
        terms = percentage.parse(properties)
        bounded = terms.min_amount is not None or terms.max_amount is not None
        if (terms.free_events or terms.free_units) and kind == "sum_agg":
            allowance = Allowance(free_events=terms.free_events, free_units=terms.free_units)
    return UsageQuery(
        organization_id=window.organization_id,
        external_subscription_id=window.external_subscription_id,
        metric=metric.aggregated,
        from_at=window.from_at,
        to_at=window.until_at,
        bucket=replace(bucket, matching=tuple(sorted((*bucket.matching, *options.within)))),
        group_by=tuple(key for key in keys if key not in within),
        duration_days=window.period.duration_days if kind == "weighted_sum_agg" else None,
        prorated=window.period if prorated else None,
        allowance=allowance,
        each_event=(bounded and kind not in _COUNTING) or (prorated and charge.charge_model == "graduated"),
        in_advance=in_advance,
        custom_properties=custom_properties(charge, properties),
    )


def custom_properties(charge: Charge, properties: Mapping[str, Any]) -> CustomProperties:
    """What a price gives the charge's aggregation: nothing but to a custom one."""
    return custom.parse(properties) if charge.charge_model == "custom" else ()


def _price(asked: _Asked, answers: Sequence[Sequence[Usage]]) -> Iterator[PricedBucket]:
    keys = asked.query.group_by
    nothing = Usage(units=Decimal(0), events_count=0, group=(None,) * len(keys))
    presented = answers[1] if asked.presentation else ()
    for usage in answers[0] or (nothing,):
        inputs = UsageInputs(
            query=asked.query,
            charge_model=asked.charge.charge_model,
            properties=asked.properties,
            usage=usage,
            rounding=_rounding(asked.metric),
            pricing_unit=asked.charge.applied_pricing_unit,
        )
        try:
            fee, pricing_unit = price_inputs(inputs, asked.currency)
        except AmountOutOfRangeError:
            raise AmountOutOfRangeError(asked.charge.code) from None
        yield PricedBucket(
            charge=asked.charge,
            metric=asked.metric,
            filter=asked.filter,
            grouped_by=dict(zip(keys, usage.group, strict=True)),
            inputs=inputs,
            fee=fee,
            pricing_unit=pricing_unit,
            breakdowns=tuple(
                Breakdown(dict(zip(asked.presentation, one.group[len(keys) :], strict=True)), one.units)
                for one in presented
                if one.group[: len(keys)] == usage.group
            ),
        )


def _rounding(metric: BillableMetric) -> tuple[str, int] | None:
    function = metric.details.rounding_function
    return None if function is None else (function, metric.details.rounding_precision or 0)


def price_inputs(inputs: UsageInputs, currency: str) -> tuple[PricedFee, PricingUnitUsage | None]:
    """From usage as it was read to a settled fee: what an invoice does, and what its replay does again.

    Args:
        currency: of the plan.
    """
    in_units = inputs.pricing_unit
    settles_as = currency if in_units is None else SETTLES_AS
    usage, shown = _priced_usage(inputs, settles_as)
    fee = settle(
        price(inputs.charge_model, inputs.properties, usage),
        units=shown,
        events_count=usage.events_count,
        currency=settles_as,
        total_aggregated_units=inputs.usage.level,
    )
    return (fee, None) if in_units is None else convert(fee, Decimal(in_units.conversion_rate), currency)


def _priced_usage(inputs: UsageInputs, currency: str) -> tuple[PricedUsage, Decimal]:
    """What the charge model prices, and the units that the fee shows (metering-pricing K3, R1, A26, V13, V14).

    Rounding changes the units, and not how many events of one unit each there were (A5, A13).
    """
    query, usage = inputs.query, inputs.usage
    total = usage.units if usage.changes is None else full_units(usage.changes)
    billed, shown = usage.units, total
    if query.in_advance:
        peak = usage.peak or Peak()
        if query.prorated is None:
            current = current_units(total, peak)
        else:
            current = current_prorated_units(total, peak, query.prorated)
        billed, shown = current.billed, current.shown
    units, shown = _rounded(billed, inputs), _rounded(shown, inputs)
    counting = query.metric.aggregation_type in _COUNTING
    of_percentage = inputs.charge_model == "percentage"
    changes = usage.changes if inputs.charge_model == "graduated" and query.prorated is not None else None
    if changes is not None and query.metric.aggregation_type == "unique_count_agg":
        changes = tuple(rounded_up(changes))
    priced = PricedUsage(
        units=units,
        events_count=usage.events_count,
        full_units=None if query.prorated is None else shown,
        running_totals=count.running_totals(billed) if counting and of_percentage else usage.running_totals,
        values=(Decimal(1),) * int(billed) if counting and of_percentage else usage.values,
        changes=changes,
        precise_total_amount=_own_amount(inputs, currency),
    )
    return priced, shown


def _own_amount(inputs: UsageInputs, currency: str) -> Decimal:
    """What the events of the window carry or make themselves, in major units."""
    usage = inputs.usage
    if inputs.charge_model == "custom":
        return usage.amount - usage.carried_amount
    return major_units(usage.precise_total_amount_cents, currency)


def _rounded(units: Decimal, inputs: UsageInputs) -> Decimal:
    return units if inputs.rounding is None else round_units(units, *inputs.rounding)
