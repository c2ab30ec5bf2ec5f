"""Usage events for tests, put into the log or into ClickHouse without HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from domain.kernel import ids
from domain.metering.ports import Metric, UsageQuery
from projections.usage import lines
from projections.usage.lines import Line
from projections.usage.writer import IngestLog

CALLS = Metric(code="calls", aggregation_type="count_agg")


def line(
    organization_id: UUID,
    *,
    transaction_id: str | None = None,
    code: str = "calls",
    subscription: str = "s1",
    at: datetime | str = "2024-03-05T12:00:00",
    properties: Mapping[str, Any] | str = "{}",
) -> Line:
    """A line; `properties` as JSON text or as values."""
    text = properties if isinstance(properties, str) else json.dumps(properties)
    raw = msgspec.Raw(text.encode())
    instant = at.astimezone(UTC).isoformat(timespec="microseconds")[:26] if isinstance(at, datetime) else at
    event_id = ids.new()
    return Line(
        n=lines.next_n(),
        organization_id=str(organization_id),
        external_subscription_id=subscription,
        code=code,
        transaction_id=transaction_id or str(event_id),
        event_id=str(event_id),
        timestamp=instant,
        received_at="2024-03-05T12:00:00.000000",
        properties=raw,
        values=raw,
    )


async def log(ingest_log: IngestLog, *events: Line) -> None:
    """Commit them as one request."""
    keys = [lines.identity(UUID(e.organization_id).bytes, e.external_subscription_id, e.transaction_id) for e in events]
    assert await ingest_log.append(keys, lines.encode(events), len(events)) == ()


def body(events: Sequence[Line], seq: int = 1) -> bytes:
    """What the loader inserts of a row of the log."""
    return lines.with_seq(seq, lines.encode(events))


def march(organization_id: UUID, metric: Metric = CALLS, subscription: str = "s1", **rest: Any) -> UsageQuery:
    """A query over March 2024."""
    window = {
        "from_at": datetime(2024, 3, 1, tzinfo=UTC),
        "to_at": datetime(2024, 4, 1, tzinfo=UTC) - timedelta(microseconds=1),
    }
    return UsageQuery(
        organization_id=organization_id, external_subscription_id=subscription, metric=metric, **(window | rest)
    )
