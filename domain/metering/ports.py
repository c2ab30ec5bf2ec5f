"""Usage as pricing asks for it. Implemented over ClickHouse by `projections/usage/reader.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol
from uuid import UUID

from domain.metering.peak import Peak
from domain.metering.prorated_period import ProratedPeriod, ProratedValue

AggregationType = Literal[
    "count_agg", "sum_agg", "max_agg", "unique_count_agg", "weighted_sum_agg", "latest_agg", "custom_agg"
]
WITHOUT_FIELD: frozenset[AggregationType] = frozenset({"count_agg", "custom_agg"})
"""Aggregations that need no property of their events (metering-pricing A1)."""

Values = tuple[tuple[str, tuple[str, ...]], ...]
"""Property -> values that it may have, as sorted pairs, so that equal conditions compare equal."""


CustomProperties = tuple[tuple[str, str], ...]
"""What a charge gives a custom aggregation: name -> value as text, as sorted pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomAggregator:
    """What each event makes of the state of a custom aggregation, as expressions (`expression.py`).

    Attributes:
        total_units: what the units are after it.
        amount: what it adds to the amount, in major units.
    """

    total_units: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What an aggregation needs to know of a billable metric.

    Attributes:
        field_name: the property that is aggregated; None for `count_agg`.
        recurring: whether usage carries over from before the period (metering-pricing A7, A12, A16, A20).
        custom_aggregator: of `custom_agg`; None for all others.
    """

    code: str
    aggregation_type: AggregationType
    field_name: str | None = None
    recurring: bool = False
    custom_aggregator: CustomAggregator | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Which of a metric's events count (metering-pricing F3, F4): they match `matching` and none of `ignored`."""

    matching: Values = ()
    ignored: tuple[Values, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a percentage charge exempts: events, or units in all; zero for none (metering-pricing A8)."""

    free_events: int = 0
    free_units: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPosition:
    """An event's place in the order of events: by time, and at one instant by arrival (metering-pricing G3, Z1).

    Attributes:
        sequence: position in the ingest log, and `index` that within its batch.
    """

    timestamp: datetime
    sequence: int
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """One aggregation over the events of one subscription's external id.

    Attributes:
        from_at: first instant that counts (milliseconds matter, metering-pricing G2).
        to_at: last instant that counts, inclusive.
        group_by: property names; usage is aggregated per distinct tuple of their values (metering-pricing R2).
        before: only events before this one count, where one event is priced on top of those before it.
        duration_days: of the whole period, for a weighted sum (metering-pricing A15); None for all others.
        prorated: the period that units are weighed by, where the charge is prorated: asks for `changes`.
        allowance: asks for `running_totals` of a sum, as far as it reaches.
        each_event: asks for `values`, and for `changes` that are one per event and not merged.
        in_advance: asks for `peak`.
        custom_properties: of the price, for a custom aggregation; none for all others.
    """

    organization_id: UUID
    external_subscription_id: str
    metric: Metric
    from_at: datetime
    to_at: datetime
    bucket: Bucket = field(default_factory=Bucket)
    group_by: tuple[str, ...] = ()
    before: EventPosition | None = None
    duration_days: int | None = None
    prorated: ProratedPeriod | None = None
    allowance: Allowance | None = None
    each_event: bool = False
    in_advance: bool = False
    custom_properties: CustomProperties = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The usage of one group.

    Attributes:
        group: the values of `group_by`, in its order; None where an event has none or a blank one.
        units: aggregated, exact, not rounded.
        events_count: as metering-pricing counts them for the aggregation.
        level: of a weighted sum at the end of the window (`total_aggregated_units`, A17); None for all others.
        changes: where asked for, what each change of units adds and how it is weighed, what was carried over first;
            those of one day merged unless each event was asked for. `units` is then what they come to (A22, A23).
        running_totals: where asked for, the units after each of the first events, as far as the allowance needs (A8).
        values: where asked for, the units of each event in the order of time (A9).
        peak: where asked for, how high the period's usage has risen (V6).
        precise_total_amount_cents: sum of the events' own amounts, for the dynamic model; zero without any.
        amount: of a custom aggregation, what its events have added, in major units; zero for all others.
        carried_amount: the part of `amount` that was there before the window, where the metric is recurring.
    """

    units: Decimal
    events_count: int
    group: tuple[str | None, ...] = ()
    level: Decimal | None = None
    changes: tuple[ProratedValue, ...] | None = None
    running_totals: tuple[Decimal, ...] = ()
    values: tuple[Decimal, ...] = ()
    peak: Peak | None = None
    precise_total_amount_cents: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    carried_amount: Decimal = Decimal(0)


class UsageReader(Protocol):
    async def watermark(self) -> int:
        """The position after the last event that has been acknowledged: usage read up to it contains them all."""
        ...

    async def aggregate(self, queries: Sequence[UsageQuery], watermark: int) -> list[tuple[Usage, ...]]:
        """Usage per query, in their order, of the events up to `watermark`; the same for ever for one watermark.

        Without `group_by` each has exactly one `Usage` (zero units where nothing counts); with it one per group that
        has events. Calls that are under way at one time share queries to the store.

        Raises:
            UnavailableError: the store cannot be reached, or has not loaded that far in time. Never zero instead.
        """
        ...
