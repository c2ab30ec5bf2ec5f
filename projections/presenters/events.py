"""Usage events in wire form.

Source: metering-pricing E11; api-surface 3.7.
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.kernel import decimals
from projections.presenters import wire
from projections.usage.events import StoredEvent


def present_event(event: StoredEvent) -> dict[str, Any]:
    """`properties` go out as they came in, digit for digit."""
    amount = event.precise_total_amount_cents
    return {
        "lago_id": str(event.event_id),
        "transaction_id": event.transaction_id,
        "lago_customer_id": None,
        "code": event.code,
        "timestamp": wire.instant_millis(event.timestamp.isoformat()),
        "precise_total_amount_cents": None if amount is None else decimals.wire(amount),
        "properties": msgspec.Raw(event.properties.encode()),
        "lago_subscription_id": None,
        "external_subscription_id": event.external_subscription_id,
        "created_at": wire.instant(event.received_at.isoformat()),
    }
