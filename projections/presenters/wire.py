"""How times, numbers and open objects of read models go over the wire; decimal strings: `domain.kernel.decimals.wire`.

Docs hold instants as RFC 3339 in UTC, and decimals as strings. Source: api-surface 3.6, 3.7.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


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


def by_name(value: Any) -> Any:
    """JSON whose keys are not ours to order, by the names of its keys at every depth.

    A doc read back from its row has lost the order that it was written in (`jsonb` keeps none), and an answer to a
    command is the same whether it is made from what was just decided or, to the same command again, from the row.
    """
    if isinstance(value, dict):
        return {key: by_name(value[key]) for key in sorted(value)}
    return [by_name(item) for item in value] if isinstance(value, list) else value


def _utc(value: str) -> str:
    if value.endswith("Z"):
        return value
    return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
