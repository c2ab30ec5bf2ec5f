"""Where an event that is paid in advance stands: its bucket, its group, and the usage before it.

Source: metering-pricing V4 to V6, V9, F6, G3, G8.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import Charge, ChargeFilter
from domain.invoicing.usage_fees import UsageWindow, custom_properties
from domain.kernel.money import major_units
from domain.metering.matching import choose_filter, filter_buckets
from domain.metering.peak import Peak
from domain.metering.ports import Allowance, EventPosition, Usage, UsageQuery, UsageReader
from domain.metering.proration import full_units
from domain.metering.usage_event import UsageEvent, text
from domain.pricing.charge_models import percentage
from domain.pricing.charge_models.percentage import Percentage
from domain.pricing.pay_in_advance import UsageBefore
from domain.pricing.price import PricedUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStanding:
    """
    Attributes:
        filter: whose price the event has; None for the charge's own.
        properties: that price.
        grouped_by: the event's values of the grouping keys.
        query: the usage of that bucket and group before the event.
        usage: what it was answered.
        before: the same, as `pay_in_advance.price_event` takes it.
    """

    filter: ChargeFilter | None
    properties: Mapping[str, Any]
    grouped_by: Mapping[str, str | None]
    query: UsageQuery
    usage: Usage
    before: UsageBefore


async def usage_before(
    reader: UsageReader,
    watermark: int,
    window: UsageWindow,
    charge: Charge,
    metric: BillableMetric,
    event: UsageEvent,
    position: EventPosition | None,
) -> EventStanding:
    """What stands before `event` in the period that it lies in; one call to the reader.

    Args:
        window: that whole period, up to its end.
        position: of the event; None for one that is not stored, after all that have happened by its time.

    Raises:
        UnavailableError: usage is not known now.
    """
    filter_ = choose_filter(charge.filters, metric.details.filters, event.properties)
    properties = charge.properties if filter_ is None else filter_.properties
    keys = properties.get("pricing_group_keys") or ()
    grouped_by = {key: text(event.properties.get(key)) or None for key in keys}
    terms = percentage.parse(properties) if charge.charge_model == "percentage" else None
    query = _query(window, charge, metric, filter_, grouped_by, terms, event, position)
    of_value, of_free = _of_value(query, event), _of_free(query, terms)
    more = [one for one in (of_value, of_free) if one is not None]  # one at most: counts have no allowance to read
    usage, *others = (answer[0] for answer in await reader.aggregate([query, *more], watermark))
    free = usage if of_free is None else others[0]
    is_present = of_value is not None and others[0].units > 0
    before = UsageBefore(
        usage=PricedUsage(
            units=usage.units if usage.changes is None else full_units(usage.changes),
            events_count=usage.events_count,
            running_totals=usage.running_totals,
            values=tuple(_differences(free.running_totals)) if _is_bounded(terms) else (),
            precise_total_amount=(
                usage.amount
                if charge.charge_model == "custom"
                else major_units(usage.precise_total_amount_cents, window.currency)
            ),
        ),
        peak=usage.peak or Peak(),
        present=frozenset({_value(query, event)} if is_present else ()),
    )
    return EventStanding(
        filter=filter_, properties=properties, grouped_by=grouped_by, query=query, usage=usage, before=before
    )


def _query(
    window: UsageWindow,
    charge: Charge,
    metric: BillableMetric,
    filter_: ChargeFilter | None,
    grouped_by: Mapping[str, str | None],
    terms: Percentage | None,
    event: UsageEvent,
    position: EventPosition | None,
) -> UsageQuery:
    buckets = filter_buckets(charge.filters, metric.details.filters)
    bucket = next(bucket for one, bucket in buckets if one is filter_)
    group = tuple((key, (value or "",)) for key, value in grouped_by.items())
    kind = metric.details.aggregation_type
    allowance = None
    if kind == "sum_agg" and terms is not None and (terms.free_events or terms.free_units):
        allowance = Allowance(free_events=terms.free_events, free_units=terms.free_units)
    return UsageQuery(
        organization_id=window.organization_id,
        external_subscription_id=window.external_subscription_id,
        metric=metric.aggregated,
        from_at=window.from_at,
        to_at=event.timestamp,
        bucket=replace(bucket, matching=tuple(sorted((*bucket.matching, *group)))),
        before=position,
        prorated=window.period if charge.prorated else None,
        allowance=allowance,
        in_advance=kind in ("sum_agg", "unique_count_agg"),
        custom_properties=custom_properties(charge, charge.properties if filter_ is None else filter_.properties),
    )


def _of_value(query: UsageQuery, event: UsageEvent) -> UsageQuery | None:
    """Whether the event's own value of a unique count is there: one unit, or none."""
    if query.metric.aggregation_type != "unique_count_agg":
        return None
    assert query.metric.field_name is not None, query.metric
    own = (query.metric.field_name, (_value(query, event),))
    bucket = replace(query.bucket, matching=tuple(sorted((*query.bucket.matching, own))))
    return replace(query, bucket=bucket, prorated=None, in_advance=False)


def _value(query: UsageQuery, event: UsageEvent) -> str:
    return text(event.properties.get(query.metric.field_name or "")) or ""


def _is_bounded(terms: Percentage | None) -> bool:
    return terms is not None and (terms.min_amount is not None or terms.max_amount is not None)


def _of_free(query: UsageQuery, terms: Percentage | None) -> UsageQuery | None:
    """The events that use up free units under bounds per transaction, where these do not end with the free events."""
    if terms is None or not _is_bounded(terms) or query.allowance is None:
        return None
    if not (terms.free_events and terms.free_units):
        return None
    return replace(query, allowance=Allowance(free_units=terms.free_units), in_advance=False)


def _differences(running_totals: Sequence[Decimal]) -> Iterator[Decimal]:
    """The units of each event."""
    return (later - earlier for earlier, later in pairwise((Decimal(0), *running_totals)))
