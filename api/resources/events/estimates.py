"""What events would cost: nothing is stored.

Source: api-surface "Events", Q26, Q27; metering-pricing Y5, Y6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from api.call import Call
from api.envelope import Json
from api.errors import missing_parameter
from api.fields import Fields
from api.ingest.body import MAX_EVENTS
from api.resources.events.sample import read_sample
from api.routing import Resource
from domain.invoicing.arrival import Arrival
from domain.invoicing.estimate import estimate_fees, instant_fees, sample_arrival
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.metering.expression import EvaluationError
from domain.metering.usage_event import UsageEvent
from projections.presenters.estimates import present_estimated_fee, present_instant_fee
from projections.views import subscriptions

router = Resource("events")


@router.post("/events/estimate_fees")
async def estimate_event_fees(call: Call) -> Json:
    """The fees that an event would get under charges in advance if it came now, on top of what has come."""
    case = await _arrival(call, call.fields("event"), await call.tenant.now())
    return {"fees": [present_estimated_fee(case, fee) for fee in await estimate_fees(call.services.usage, case)]}


@router.post("/events/estimate_instant_fees")
async def estimate_instant_event_fees(call: Call) -> Json:
    """What an event costs by itself, whatever came before it."""
    case = await _arrival(call, call.fields("event"), await call.tenant.now())
    return {"fees": [present_instant_fee(case, fee) for fee in instant_fees(case)]}


@router.post("/events/batch_estimate_instant_fees")
async def estimate_instant_events_fees(call: Call) -> Json:
    """Likewise of several events, each by itself."""
    events, at = call.parameters.get("events"), await call.tenant.now()
    if events is not None and not (isinstance(events, list) and all(isinstance(event, dict) for event in events)):
        raise missing_parameter("events")
    if not events:
        raise InvalidInputError({"events": ["no_events"]})
    if len(events) > MAX_EVENTS:
        raise InvalidInputError({"events": ["too_many_events"]})
    cases = [await _arrival(call, Fields(event), at) for event in events]
    return {"fees": [present_instant_fee(case, fee) for case in cases for fee in instant_fees(case)]}


async def _computed(call: Call, event: UsageEvent) -> UsageEvent:
    """With the property that the metric's expression computes when an event arrives (metering-pricing E6)."""
    computed = (await call.services.expressions(call.tenant.organization_id)).get(event.code)
    if computed is None:
        return event
    try:
        properties = computed.add_to(dict(event.properties), code=event.code, at=event.timestamp)
    except EvaluationError:
        raise InvalidInputError({"event": ["invalid_event"]}) from None
    return replace(event, properties=properties)


async def _arrival(call: Call, fields: Fields, at: datetime) -> Arrival:
    """Checked in Lago's order: the subscription, the time, the metric, its property."""
    tenant = call.tenant
    external_id = fields.text("external_subscription_id") or ""
    view = await subscriptions.get(tenant.database, tenant.organization_id, external_id, "active")
    if view is None:
        raise NotFoundError("subscription")
    starts_at = datetime.fromisoformat(view.subscription["started_at"])  # it may be later today
    event = await _computed(call, read_sample(fields, at=at))
    return await sample_arrival(tenant.ledger, tenant.organization_id, event, at=max(at, starts_at))
