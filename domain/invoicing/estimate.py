"""What an event would cost if it came now; nothing is stored.

Source: metering-pricing Y5, Y6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.invoicing.in_advance import arrival_of, charges_in_advance, event_fee
from domain.invoicing.invoice import Fee
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError
from domain.kernel.ledger import Ledger
from domain.metering.ports import UsageReader
from domain.metering.usage_event import UsageEvent


async def estimate_fees(
    ledger: Ledger, usage: UsageReader, organization_id: UUID, event: UsageEvent, *, at: datetime
) -> list[Fee]:
    """The fees that `event` would get if it came at `at`, whatever time it says, on top of all that is known by then.

    They are the ones that it then gets, first flat amounts too, which Lago leaves out (Q15).

    Raises:
        InvalidInputError: no charge in advance is for its metric.
        UnavailableError: usage is not known now.
    """
    case = await arrival_of(ledger, organization_id, replace(event, timestamp=at))
    if case is None or not any(_in_advance(case.billed.plan.details, case.metric)):
        raise InvalidInputError({"code": ["does_not_match_an_instant_charge"]})
    watermark = await usage.watermark()
    fees = [
        await event_fee(usage, case, charge, ids.new(), watermark=watermark, position=None)
        for charge in charges_in_advance(case)
    ]
    return [fee for fee in fees if fee is not None]
