"""What an event would cost if it came now; nothing is stored.

Source: metering-pricing Y5, Y6.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.charge import Charge
from domain.invoicing.arrival import Arrival, arrival_of, event_fee, fee_of, period_of, priced_charges
from domain.invoicing.invoice import Fee
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ledger import Ledger
from domain.metering.matching import choose_filter
from domain.metering.ports import UsageReader
from domain.metering.usage_event import UsageEvent
from domain.pricing.estimate import INSTANT_MODELS, check_number, instant_fee
from domain.pricing.pricing_unit import convert_in_advance


async def sample_arrival(ledger: Ledger, organization_id: UUID, event: UsageEvent, *, at: datetime) -> Arrival:
    """The event as if it came at `at`, whatever time it says.

    Raises:
        NotFoundError: `subscription_not_found`, none is active; `billable_metric_not_found`.
        InvalidInputError: its property is no number where the metric needs one.
    """
    case = await arrival_of(ledger, organization_id, replace(event, timestamp=at), at=at)
    if case is None:
        raise NotFoundError("billable_metric")
    check_number(case.metric.aggregated, event.properties)
    return case


async def estimate_fees(usage: UsageReader, case: Arrival) -> list[Fee]:
    """The fees that the event would get, on top of all that has happened by its time.

    They are the ones that it then gets, first flat amounts too, which Lago leaves out (Q15).

    Raises:
        InvalidInputError: no charge in advance is for its metric.
        UnavailableError: usage is not known now.
    """
    _require(case.charges)
    watermark = await usage.watermark()
    fees = [
        await event_fee(usage, case, charge, ids.new(), watermark=watermark, position=None)
        for charge in priced_charges(case)
    ]
    return [fee for fee in fees if fee is not None]


def instant_fees(case: Arrival) -> list[Fee]:
    """What the event costs by itself, without taxes: no history, no free allowances.

    Raises:
        InvalidInputError: no charge in advance that is standard or a percentage is for its metric.
    """
    charges = [charge for charge in case.charges if charge.charge_model in INSTANT_MODELS]
    _require(charges)
    return [_instant(case, charge) for charge in charges]


def _instant(case: Arrival, charge: Charge) -> Fee:
    details, window = case.metric.details, period_of(case)
    filter_ = choose_filter(charge.filters, details.filters, case.event.properties)
    function = details.rounding_function
    fee = instant_fee(
        charge.charge_model,
        charge.properties if filter_ is None else filter_.properties,
        case.metric.aggregated,
        case.event,
        rounding=None if function is None else (function, details.rounding_precision or 0),
        currency=window.currency,
    )
    if charge.applied_pricing_unit is not None:
        fee, _ = convert_in_advance(fee, Decimal(charge.applied_pricing_unit.conversion_rate), window.currency)
    return fee_of(case, charge, filter_, {}, fee, fee_id=ids.new(), window=window)


def _require(charges: list[Charge]) -> None:
    if not charges:
        raise InvalidInputError({"code": ["does_not_match_an_instant_charge"]})
