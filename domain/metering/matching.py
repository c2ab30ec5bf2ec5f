"""Which bucket of a charge an event belongs to: one per charge filter, and the default one for the rest.

Source: metering-pricing F1, F3 to F8.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from domain.metering.ports import Bucket, Values
from domain.metering.usage_event import text

ALL_FILTER_VALUES = "__ALL_FILTER_VALUES__"
"""Stands alone for every value that the metric's filter declares, at the time of the computation."""


class Filter(Protocol):
    """A charge filter."""

    @property
    def id(self) -> UUID: ...

    @property
    def values(self) -> Mapping[str, Sequence[str]]: ...

    @property
    def created_at(self) -> datetime: ...


class DeclaredFilter(Protocol):
    """A filter of a billable metric."""

    @property
    def key(self) -> str: ...

    @property
    def values(self) -> Sequence[str]: ...


F = TypeVar("F", bound=Filter)


def filter_buckets(filters: Sequence[F], declared: Iterable[DeclaredFilter]) -> list[tuple[F | None, Bucket]]:
    """The buckets of usage priced in arrears: of each filter in their order, and the default one last (None).

    More specific filters take their events away from wider ones. Where two filters of the same keys overlap without
    one containing the other, both count the events in the overlap (Q8).
    """
    declared = list(declared)
    expanded = [(filter_, expand(filter_.values, declared)) for filter_ in filters]
    buckets: list[tuple[F | None, Bucket]] = [
        (filter_, Bucket(matching=values, ignored=_ignored(filter_, values, expanded))) for filter_, values in expanded
    ]
    return [*buckets, (None, Bucket(ignored=_each_once(values for _, values in expanded)))]


def choose_filter(filters: Sequence[F], declared: Iterable[DeclaredFilter], properties: Mapping[str, Any]) -> F | None:
    """The one bucket of an event that is priced in advance: of the filters that it matches the one with most keys.

    Args:
        filters: in the order of their last update, which decides between equals.

    Returns:
        None for the default bucket.
    """
    declared = list(declared)
    matching = [filter_ for filter_ in filters if matches(expand(filter_.values, declared), properties)]
    return max(matching, key=lambda filter_: len(filter_.values), default=None)


def expand(values: Mapping[str, Sequence[str]], declared: Iterable[DeclaredFilter]) -> Values:
    """The values of a charge filter, with each `ALL_FILTER_VALUES` replaced by what the metric declares."""
    of_metric = {filter_.key: filter_.values for filter_ in declared}
    listed = {
        key: of_metric.get(key, ()) if list(wanted) == [ALL_FILTER_VALUES] else wanted for key, wanted in values.items()
    }
    return tuple((key, tuple(sorted(set(wanted)))) for key, wanted in sorted(listed.items()))


def matches(values: Values, properties: Mapping[str, Any]) -> bool:
    """Whether each key has one of its values, compared as text; a property that is not there is "" (F4, G8).

    Conditions without keys match everything.
    """
    return all((text(properties.get(key)) or "") in wanted for key, wanted in values)


def is_in(bucket: Bucket, properties: Mapping[str, Any]) -> bool:
    """Whether an event with these properties counts in the bucket."""
    return matches(bucket.matching, properties) and not any(matches(ignored, properties) for ignored in bucket.ignored)


def _ignored(filter_: F, values: Values, others: Sequence[tuple[F, Values]]) -> tuple[Values, ...]:
    """Conditions of the filters that take events away from `filter_`.

    Lago also ignores, of a filter that overlaps partly, the values that `filter_` has not. That changes nothing, for
    such events do not match `filter_` in the first place; it is left out.
    """
    return _each_once(
        other_values
        for other, other_values in others
        if other is not filter_
        and _is_narrower(other_values, values)
        and (other_values != values or _age(other) < _age(filter_))
    )


def _each_once(conditions: Iterable[Values]) -> tuple[Values, ...]:
    """Equal filters say nothing twice, however many there are: they would be conditions of one query each."""
    return tuple(dict.fromkeys(conditions))


def _is_narrower(other: Values, values: Values) -> bool:
    """Whether `other` is more specific: it has more keys and overlaps, or the same ones and no value beside.

    Equal conditions are narrower than each other.
    """
    wanted_by_other = {key: set(wanted) for key, wanted in other}
    if not all(wanted_by_other.get(key, set()) & set(wanted) for key, wanted in values):
        return False
    if len(other) > len(values):
        return True
    return all(wanted_by_other[key] <= set(wanted) for key, wanted in values)


def _age(filter_: Filter) -> tuple[datetime, UUID]:
    return filter_.created_at, filter_.id
