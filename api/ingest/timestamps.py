"""When an event happened: seconds since 1970, as a number or a string, or RFC 3339 with an offset.

Source: metering-pricing E3.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from api.ingest.numbers import Number, NumberRangeError

FIRST_SECONDS = -2_208_988_800
END_SECONDS = 10_413_792_000
"""1900 to 2299, what ClickHouse's `DateTime64` holds."""

_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,100})?")
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,100})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse(value: object) -> str | None:
    """As `instant` writes it, digits below the microsecond cut off; None if it is no time, or none of 1900 to 2299."""
    seconds = value if type(value) is int else _seconds(value)
    if seconds is None or not FIRST_SECONDS <= seconds < END_SECONDS:
        return None
    whole = math.floor(seconds)
    if seconds == whole:
        return f"{_second(whole)}.000000"
    return f"{_second(whole)}.{math.floor((seconds - whole) * 1_000_000):06}"


def instant(at: datetime) -> str:
    """UTC to the microsecond, without offset: `2023-09-04T15:45:12.344000`."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26]


def _seconds(value: object) -> Decimal | None:
    if isinstance(value, Number):
        try:
            return value.decimal()
        except NumberRangeError:
            return None
    if not isinstance(value, str):
        return None
    if _DECIMAL.fullmatch(value):
        return Decimal(value)
    if (parts := _RFC_3339.fullmatch(value)) is None:
        return None
    day, clock, fraction, offset = parts.groups()
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}")
    except ValueError:
        return None
    return int(whole.timestamp()) + Decimal(fraction or 0)


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
