"""How high usage paid in advance has risen in a period: an event owes only what lies above the highest level so far.

No state is kept between events; it follows from the period's events in their order. With `r` the running total of
their changes, `max` after an event is the greatest of zero and every `r` up to it, and the event's `delta` is what
`max` grew by. (Lago lets a first negative event begin a negative peak, and bills the climb back: Q18, not here.)

Source: metering-pricing V6, V8, V9, V16, Z2.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from domain.kernel.decimals import exact
from domain.kernel.zones import day_count
from domain.metering.aggregations import unique_count
from domain.metering.peak import Peak
from domain.metering.ports import Metric
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.proration import round_up
from domain.metering.usage_event import UsageEvent, in_order, number, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """What one event does.

    Attributes:
        change: units that it brings, negative where it takes some away.
        delta: those above the peak, >= 0: what it owes for.
        prorated_delta: `delta` weighed by the days left; `delta` itself where the charge is not prorated.
        peak: after the event.
    """

    change: Decimal
    delta: Decimal
    prorated_delta: Decimal
    peak: Peak


def fold(
    events: Iterable[UsageEvent], metric: Metric, *, from_at: datetime, prorated: ProratedPeriod | None = None
) -> Peak:
    """The peak after all events. Arguments as `rises`."""
    walked = rises(events, metric, from_at=from_at, prorated=prorated)
    return walked[-1][1].peak if walked else Peak()


def rises(
    events: Iterable[UsageEvent], metric: Metric, *, from_at: datetime, prorated: ProratedPeriod | None = None
) -> list[tuple[UsageEvent, Rise]]:
    """Each event of the period with what it does, in order; those that count for nothing are left out.

    Args:
        events: of one bucket and group. Those before `from_at` only tell which values of a recurring unique count
            are there already.
        from_at: where the period begins.
        prorated: the period's days where the charge is prorated, else None.
    """
    peak, present = Peak(), set[str]()
    walked = []
    for event in in_order(events):
        is_carried = event.timestamp < from_at
        change = None if is_carried and not metric.recurring else change_of(event, metric, present)
        if change is None:
            continue
        if metric.aggregation_type == "unique_count_agg" and change:
            present ^= {_value(event, metric)}
        if not is_carried:
            step = rise(peak, change, at=event.timestamp, prorated=prorated)
            walked.append((event, step))
            peak = step.peak
    return walked


def change_of(event: UsageEvent, metric: Metric, present: Set[str]) -> Decimal | None:
    """Units that an event brings or takes away.

    Args:
        metric: of an aggregation that can be paid in advance: count, sum or unique count.
        present: values of a unique count that are there before the event; others than its own do not matter.

    Returns:
        None where the event counts for nothing and makes no fee: it has no value, none that is a number (Q14), or an
        unknown operation (Q19).
    """
    if metric.aggregation_type == "count_agg":
        return Decimal(1)
    assert metric.field_name is not None, metric
    if metric.aggregation_type == "sum_agg":
        return number(event.properties.get(metric.field_name))
    assert metric.aggregation_type == "unique_count_agg", metric
    operation = next(unique_count.operations([event], metric.field_name), None)
    if operation is None:
        return None
    if operation.adds == (operation.value in present):
        return Decimal(0)
    return Decimal(1 if operation.adds else -1)


@exact()
def rise(peak: Peak, change: Decimal, *, at: datetime, prorated: ProratedPeriod | None = None) -> Rise:
    """What an event at the instant `at` does that brings `change` units where usage stands at `peak`."""
    current = peak.current + change
    delta = max(current - peak.max, Decimal(0))
    prorated_delta = delta
    if prorated is not None:
        days = day_count(at, prorated.to_at, prorated.timezone)
        prorated_delta = round_up(delta * days / prorated.duration_days)
    after = Peak(current=current, max=peak.max + delta, max_prorated=peak.max_prorated + prorated_delta)
    return Rise(change=change, delta=delta, prorated_delta=prorated_delta, peak=after)


def _value(event: UsageEvent, metric: Metric) -> str:
    assert metric.field_name is not None, metric
    value = text(event.properties.get(metric.field_name))
    assert value is not None, event
    return value
