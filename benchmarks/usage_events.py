"""Many usage events, made by ClickHouse itself: the loader's way there is not what is measured with them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cli.up import Stack
from projections.usage.store import TABLE, connector

GIGABYTES: Final = "1.5"
"""In each event, unless values are distinct."""

_AT_ONCE = 1_000_000
_QUIET_SECONDS = 60
_PAUSE_SECONDS = 0.2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_INSERT = f"""
insert into {TABLE}
with fromUnixTimestamp64Micro(toInt64({{first:Int64}} + number * {{step:Int64}}), 'UTC') as at,
  intDiv(number, {{owners:UInt32}}) as turn, concat(toString(1 + turn % {{distinct:UInt32}}), '.5') as gigabytes
select {{organization:UUID}}, concat({{prefix:String}}, toString(number % {{owners:UInt32}})),
       arrayElement({{codes:Array(String)}}, 1 + turn % length({{codes:Array(String)}})), toString(number),
       generateUUIDv4(), at, at, format('{{{{"gb":"{{}}"}}}}', gigabytes), map('gb', gigabytes), null, 0, number
from numbers({{start:UInt64}}, {{count:UInt64}})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """`count` events of the subscriptions `<prefix>0`, `<prefix>1`, …, evenly over all of them and over the time.

    Attributes:
        codes: take turns in each subscription.
        distinct: how many values of `gb` there are: 1.5, 2.5, … in turns.
    """

    organization_id: UUID
    prefix: str
    owners: int
    count: int
    first_at: datetime
    end_at: datetime
    codes: tuple[str, ...] = ("gb",)
    distinct: int = 1


async def store(events: Events, on: Stack) -> None:
    """Insert them, and wait (a minute at most) until ClickHouse merges no more."""
    await asyncio.to_thread(_store, events, on)


def _store(events: Events, on: Stack) -> None:
    client = connector(on.environment["CLICKHOUSE_URL"])()
    parameters = {
        "organization": str(events.organization_id),
        "prefix": events.prefix,
        "owners": events.owners,
        "codes": list(events.codes),
        "distinct": events.distinct,
        "first": (events.first_at - _EPOCH) // _MICROSECOND,
        "step": (events.end_at - events.first_at) // _MICROSECOND // events.count,
    }
    for start in range(0, events.count, _AT_ONCE):
        count = min(_AT_ONCE, events.count - start)
        client.command(_INSERT, {**parameters, "start": start, "count": count})
    deadline = time.monotonic() + _QUIET_SECONDS
    while client.command("select count() from system.merges") and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    client.close()
