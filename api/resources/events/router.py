"""Usage events: read, one or a list. They are taken in by `api/ingest/`, which answers before these.

Source: api-surface "Events"; metering-pricing E12.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NoReturn

from api.call import Call
from api.envelope import Json, listing
from api.routing import Resource
from domain.kernel.errors import InvalidInputError
from projections.presenters.events import present_event
from projections.usage.events import EventFilter
from projections.views import subscriptions

router = Resource("events")
ingest = Resource("events")
"""What `api/ingest/` answers, for the description alone."""


@ingest.post("/events")
async def post_event(call: Call) -> NoReturn:
    """Take in one usage event."""
    raise AssertionError("answered by api/ingest")


@ingest.post("/events/batch")
async def post_events(call: Call) -> NoReturn:
    """Take in up to 100 usage events, all or none."""
    raise AssertionError("answered by api/ingest")


@router.get("/events")
async def list_events(call: Call) -> Json:
    """The latest first."""
    subscription_id = call.text("external_subscription_id")
    from_at, to_at = _time(call, "timestamp_from"), _time(call, "timestamp_to")
    if _flag(call, "timestamp_from_started_at"):
        if subscription_id is None or from_at is not None:
            raise InvalidInputError({"timestamp_from_started_at": ["value_is_invalid"]})
        from_at = await subscriptions.last_started_at(
            call.tenant.database, call.tenant.organization_id, subscription_id
        )
    wanted = EventFilter(
        code=call.text("code"),
        external_subscription_id=subscription_id,
        timestamp_from=from_at,
        timestamp_to=to_at,
    )
    page = call.page
    events, total = await call.services.events.list(
        call.tenant.organization_id, wanted, limit=page.size, offset=page.offset
    )
    return listing("events", [present_event(event) for event in events], page, total)


@router.get("/events/{transaction_id:path}")
async def get_event(call: Call) -> Json:
    """The first one with this transaction id, of whatever subscription."""
    found = await call.services.events.find(call.tenant.organization_id, call.identifiers["transaction_id"])
    return {"event": present_event(found)}


def _flag(call: Call, name: str) -> bool:
    value = call.parameters.get(name)
    if value in (None, "", False, "false"):
        return False
    if value in (True, "true"):
        return True
    raise InvalidInputError({name: ["value_is_invalid"]})


def _time(call: Call, name: str) -> datetime | None:
    text = call.text(name)
    if text is None:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError({name: ["invalid_date"]}) from None
    return value if value.tzinfo else value.replace(tzinfo=UTC)
