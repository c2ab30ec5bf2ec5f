"""Pieces of ClickHouse's SQL that usage is asked with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from domain.metering.ports import Values

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def quoted(text: str) -> str:
    """A literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def property_of(name: str) -> str:
    """The text of an event's property, '' where there is none. The event is `e`."""
    return f"e.values[{quoted(name)}]"


def matches(values: Values) -> str:
    """Each key has one of its values (`domain/metering/matching.py`)."""
    conditions = [
        f"{property_of(name)} in ({', '.join(map(quoted, texts))})" if texts else "0" for name, texts in values
    ]
    return " and ".join(conditions) or "1"


def local_date(at: str, zone: str) -> str:
    """The day in `zone` of an instant in microseconds."""
    return f"toDate32(fromUnixTimestamp64Micro({at}, {quoted(zone)}))"


def microseconds(at: datetime) -> int:
    """Since 1970, as instants are passed here and there."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    """The inverse of `microseconds`."""
    return _EPOCH + at * _MICROSECOND
