"""Usage events as they are listed and found again.

Source: metering-pricing E12; api-surface Events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec

from domain.kernel.errors import NotFoundError
from projections.postgres import Database
from projections.usage.loaded import Loaded
from projections.usage.sql import instant, microseconds, quoted
from projections.usage.store import TABLE, UsageStore

_COLUMNS = """
toString(organization_id), toString(event_id), transaction_id, code, external_subscription_id,
toUnixTimestamp64Micro(timestamp), properties, toString(precise_total_amount_cents), toUnixTimestamp64Micro(received_at)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it was acknowledged.

    Attributes:
        external_subscription_id: None where it names none.
        timestamp: to the microsecond.
        properties: the JSON object as sent.
    """

    organization_id: UUID
    event_id: UUID
    transaction_id: str
    code: str
    external_subscription_id: str | None
    timestamp: datetime
    properties: str
    precise_total_amount_cents: Decimal | None
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What a list shows; None does not filter. Both times are inclusive."""

    code: str | None = None
    external_subscription_id: str | None = None
    timestamp_from: datetime | None = None
    timestamp_to: datetime | None = None


class _Row(msgspec.Struct, array_like=True):
    organization_id: UUID
    event_id: UUID
    transaction_id: str
    code: str
    external_subscription_id: str
    timestamp: int
    properties: str
    precise_total_amount_cents: Decimal | None
    received_at: int


class _Count(msgspec.Struct, array_like=True):
    count: int


class UsageEvents:
    """Reads what was acknowledged before, so it waits for the loader as usage does."""

    def __init__(self, database: Database, store: UsageStore, *, patience_seconds: float = 10.0) -> None:
        self._store = store
        self._loaded = Loaded(database, store, patience_seconds=patience_seconds)

    async def find(self, organization_id: UUID, transaction_id: str) -> StoredEvent:
        """The first event with this transaction id, of whatever subscription.

        Raises:
            NotFoundError: `event_not_found`.
            UnavailableError: the store cannot be reached, or has not loaded that far in time.
        """
        await self._loaded.reach(await self._loaded.acknowledged())
        rows = await self._store.rows(
            f"select {_COLUMNS} from {TABLE} where organization_id = '{organization_id}' "  # noqa: S608 - quoted
            f"and transaction_id = {quoted(transaction_id)} order by seq, n limit 1",
            _Row,
        )
        if not rows:
            raise NotFoundError("event")
        return _event(rows[0])

    async def list(
        self, organization_id: UUID, wanted: EventFilter, *, limit: int, offset: int
    ) -> tuple[Sequence[StoredEvent], int]:
        """A page of events, the latest first, equal times by transaction id; and how many there are in all.

        Raises:
            UnavailableError: as `find`.
        """
        await self._loaded.reach(await self._loaded.acknowledged())
        where = _where(organization_id, wanted)
        (count,) = await self._store.rows(f"select count() from {TABLE} where {where}", _Count)  # noqa: S608 - quoted
        rows = await self._store.rows(
            f"select {_COLUMNS} from {TABLE} where {where} "  # noqa: S608 - quoted
            f"order by timestamp desc, transaction_id, seq, n limit {limit} offset {offset}",
            _Row,
        )
        return [_event(row) for row in rows], count.count


def _where(organization_id: UUID, wanted: EventFilter) -> str:
    """Texts stand in the statement, which may be long: as parameters of the store they would be part of a URL."""
    conditions = [f"organization_id = '{organization_id}'"]
    for name, text in (("code", wanted.code), ("external_subscription_id", wanted.external_subscription_id)):
        if text is not None:
            conditions.append(f"{name} = {quoted(text)}")
    for operator, at in ((">=", wanted.timestamp_from), ("<=", wanted.timestamp_to)):
        if at is not None:
            conditions.append(f"timestamp {operator} fromUnixTimestamp64Micro({microseconds(at)}, 'UTC')")
    return " and ".join(conditions)


def _event(row: _Row) -> StoredEvent:
    return StoredEvent(
        organization_id=row.organization_id,
        event_id=row.event_id,
        transaction_id=row.transaction_id,
        code=row.code,
        external_subscription_id=row.external_subscription_id or None,
        timestamp=instant(row.timestamp),
        properties=row.properties,
        precise_total_amount_cents=row.precise_total_amount_cents,
        received_at=instant(row.received_at),
    )
