"""How times and numbers of read models go over the wire; decimal strings are `domain.kernel.decimals.wire`.

Docs hold instants as RFC 3339 in UTC, and decimals as strings. Source: api-surface 3.6, 3.7.
"""

from __future__ import annotations

from datetime import UTC, datetime


def instant(value: str | None) -> str | None:
    """`2022-09-14T16:35:31Z`, cut to seconds: the rule."""
    return None if value is None else f"{_utc(value)[:19]}Z"


def instant_millis(value: str | None) -> str | None:
    """`2022-09-14T16:35:31.000Z`, cut to milliseconds: `started_at` of subscriptions, `timestamp` of events."""
    if value is None:
        return None
    text = _utc(value)
    return f"{text[:19]}.{text[20:-1][:3]:0<3}Z"


def instant_offset(value: str | None) -> str | None:
    """`2022-09-14T00:00:00+00:00`, cut to seconds: `from_date` and `to_date` of fees."""
    return None if value is None else f"{_utc(value)[:19]}+00:00"


def number(value: str | None) -> float | None:
    """A JSON number (Lago's doubles: rates, trial periods)."""
    return None if value is None else float(value)


def _utc(value: str) -> str:
    if value.endswith("Z"):
        return value
    return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
