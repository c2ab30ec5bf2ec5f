"""What usage queries have in common that are answered by one select."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain.kernel.zones import local
from domain.metering.aggregations.custom import event_properties
from domain.metering.ports import Allowance, Bucket, UsageQuery
from projections.usage.sql import microseconds

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """All of a query but whose events it asks for, and of when. See `UsageQuery`.

    Attributes:
        recurring: whether events before the window count, too (A7, A12, A16).
        zone: of a prorated charge, None for others.
        turn: the microsecond of the local day at which the days change that are left of a prorated period
            (`zones.day_count`).
        event_properties: what a custom aggregation reads of events.
    """

    field_name: str | None
    recurring: bool
    bucket: Bucket
    group_by: tuple[str, ...]
    zone: str | None
    turn: int
    allowance: Allowance | None
    each_event: bool
    in_advance: bool
    event_properties: tuple[str, ...]

    @classmethod
    def of(cls, query: UsageQuery) -> Shape:
        period, aggregator = query.prorated, query.metric.custom_aggregator
        return cls(
            field_name=query.metric.field_name,
            recurring=query.metric.recurring,
            bucket=query.bucket,
            group_by=query.group_by,
            zone=None if period is None else period.timezone,
            turn=0 if period is None else _turn(query),
            allowance=query.allowance,
            each_event=query.each_event,
            in_advance=query.in_advance,
            event_properties=() if aggregator is None else event_properties(aggregator),
        )


def window_start(query: UsageQuery) -> int:
    """The first microsecond of the window, which begins with its millisecond. Source: metering-pricing G2."""
    return microseconds(query.from_at) // 1_000 * 1_000


def _turn(query: UsageQuery) -> int:
    assert query.prorated is not None
    end = local(query.prorated.to_at, query.prorated.timezone)
    since_midnight = timedelta(hours=end.hour, minutes=end.minute, seconds=end.second, microseconds=end.microsecond)
    return since_midnight // _MICROSECOND or 1_000_000
