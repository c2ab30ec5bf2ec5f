"""When an event happened: seconds since 1970, as a number or a string, or RFC 3339 with an offset.

Source: metering-pricing E3.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from api.ingest.body import Number

FIRST_SECONDS = -2_208_988_800
END_SECONDS = 10_413_792_000
"""1900 to 2299, what ClickHouse's `DateTime64` holds."""

_DECIMAL = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]+)?")
_JSON_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def microseconds(value: object) -> int | None:
    """Microseconds since 1970, further digits cut off; None if `value` is no time, or none of 1900 to 2299."""
    seconds: Decimal | int
    if type(value) is int:
        seconds = value
    elif not isinstance(value, str):
        return None
    elif (_JSON_NUMBER if isinstance(value, Number) else _DECIMAL).fullmatch(value):
        seconds = Decimal(value)
    elif (parts := _RFC_3339.fullmatch(value)) is not None:
        day, clock, fraction, offset = parts.groups()
        try:
            whole = datetime.fromisoformat(f"{day}T{clock}{offset.upper()}")
        except ValueError:
            return None
        seconds = int(whole.timestamp()) + Decimal(fraction or 0)
    else:
        return None
    if not FIRST_SECONDS <= seconds < END_SECONDS:
        return None
    return math.floor(seconds * 1_000_000)


def instant(at: datetime) -> str:
    """UTC to the microsecond, without offset: `2023-09-04T15:45:12.344000`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:26]


def text(microseconds: int) -> str:
    """`instant` of microseconds since 1970."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_second(seconds)}.{rest:06}"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]
