"""Following the ingest log for events that charges in advance are waiting for.

Most events are of no such charge: of a row of the log only the codes are read then, and one query asks who waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec
import structlog

from domain.kernel.errors import UnavailableError
from domain.metering.ports import EventPosition
from domain.metering.usage_event import UsageEvent
from projections.followers import POLL_SECONDS, leading, notified, read_position, store_position
from projections.postgres import Database
from projections.usage.lines import Line

NAME: Final = "in_advance"
PAGE_ROWS: Final = 100
TRY_AGAIN_SECONDS: Final = 300.0

_ROWS = "select seq, body from ingest_log where seq > %s order by seq limit %s"
_WANTED = """
select distinct m.organization_id::text, m.code
from unnest(%s::uuid[], %s::text[]) as seen (organization_id, code)
join billable_metrics m on m.organization_id = seen.organization_id and m.code = seen.code and m.deleted_at is null
join plans p on p.organization_id = m.organization_id
  and p.doc->'details'->'charges' @> jsonb_build_array(
    jsonb_build_object('billable_metric_id', m.id, 'pay_in_advance', true))
"""

_UNPRICED = """
select event_id, seq from unpriced_events
where failed_at < now() - make_interval(secs => %s) order by failed_at, seq limit %s
"""
_FAILED = """
insert into unpriced_events (event_id, organization_id, seq, error) values (%s, %s, %s, %s)
on conflict (event_id) do update set error = excluded.error, failed_at = now()
"""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivedEvent:
    """An event of the log, with its place there; `received_at` is the organization's time of its arrival."""

    organization_id: UUID
    event_id: UUID
    event: UsageEvent
    position: EventPosition
    received_at: datetime


class _Code(msgspec.Struct):
    organization_id: str
    code: str


Handle = Callable[[Sequence[ArrivedEvent]], Awaitable[Mapping[UUID, str]]]
"""Prices events; answers the ids of those that it could not price, with the reason."""

_decode_codes = msgspec.json.Decoder(_Code).decode_lines
_decode_lines = msgspec.json.Decoder(Line).decode_lines
_decode_properties = msgspec.json.Decoder(dict, float_hook=Decimal).decode


async def follow(database: Database, handle: Handle) -> None:
    """Hand the events of metrics that are charged in advance to `handle`, in order, until cancelled.

    The position is stored after `handle` returns, so events may come again: it must be idempotent. Where something
    cannot be reached it waits and tries again. So it does, from time to time, with events that could not be priced.
    """
    while True:
        try:
            async with leading(database, NAME, "ingest_log") as connection:
                position = await read_position(database, NAME)
                while True:
                    reached = await _catch_up(database, position, handle)
                    await _try_again(database, handle)
                    if reached == position:
                        await notified(connection)
                    position = reached
        except UnavailableError as error:
            _log.warning("in_advance.unavailable", what=error.what)
            await asyncio.sleep(POLL_SECONDS)


async def _catch_up(database: Database, position: int, handle: Handle) -> int:
    """Handle one page; the position after it, the same where there is none."""
    async with database.unbound() as connection, connection.cursor(binary=True) as cursor:
        rows = await (await cursor.execute(_ROWS, (position, PAGE_ROWS), prepare=True)).fetchall()
    if not rows:
        return position
    seen = {(one.organization_id, one.code) for _, body in rows for one in _decode_codes(body)}
    organizations, codes = zip(*seen, strict=True)
    async with database.connection(None) as connection:
        found = await connection.execute(_WANTED, (list(organizations), list(codes)))
        wanted = {(organization_id, code) for organization_id, code in await found.fetchall()}
    if wanted:
        arrived = [
            _arrived(seq, line)
            for seq, body in rows
            for line in _decode_lines(body)
            if (line.organization_id, line.code) in wanted and line.external_subscription_id
        ]
        await _keep(database, arrived, await handle(arrived))
    await store_position(database, NAME, rows[-1][0])
    return int(rows[-1][0])


async def _keep(database: Database, arrived: Sequence[ArrivedEvent], failures: Mapping[UUID, str]) -> None:
    async with database.connection(None) as connection:
        for one in arrived:
            if (reason := failures.get(one.event_id)) is not None:
                values = (one.event_id, one.organization_id, one.position.sequence, reason)
                await connection.execute(_FAILED, values)


async def _try_again(database: Database, handle: Handle) -> None:
    """Price what could not be priced some time ago: by a version that had a fault, at a price that was changed since.

    One page, so that new events do not wait for many that fail.
    """
    async with database.connection(None) as connection:
        failed = await (await connection.execute(_UNPRICED, (TRY_AGAIN_SECONDS, PAGE_ROWS))).fetchall()
        if not failed:
            return
        sequences = sorted({seq for _, seq in failed})
        rows = await (
            await connection.execute("select seq, body from ingest_log where seq = any(%s) order by seq", (sequences,))
        ).fetchall()
    wanted = {str(event_id) for event_id, _ in failed}
    arrived = [_arrived(seq, line) for seq, body in rows for line in _decode_lines(body) if line.event_id in wanted]
    still = await handle(arrived)
    await _keep(database, arrived, still)
    priced = [one.event_id for one in arrived if one.event_id not in still]
    async with database.connection(None) as connection:
        await connection.execute("delete from unpriced_events where event_id = any(%s)", (priced,))


def _arrived(seq: int, line: Line) -> ArrivedEvent:
    timestamp = _instant(line.timestamp)
    cents = line.precise_total_amount_cents
    return ArrivedEvent(
        organization_id=UUID(line.organization_id),
        event_id=UUID(line.event_id),
        event=UsageEvent(
            transaction_id=line.transaction_id,
            code=line.code,
            external_subscription_id=line.external_subscription_id,
            timestamp=timestamp,
            sequence=seq,
            properties=_decode_properties(line.properties),
            precise_total_amount_cents=None if cents is None else Decimal(cents),
        ),
        position=EventPosition(timestamp=timestamp, sequence=seq, index=line.n),
        received_at=_instant(line.received_at),
    )


def _instant(text: str) -> datetime:
    """Of a line: UTC without an offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
