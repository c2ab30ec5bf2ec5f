"""Charges in advance: an event is priced when it arrives, and paid for by a fee of its own.

The fee's id follows from the event and the charge, so an event that comes again finds it, also where the subscription
has got a copy of its plan since. Where the charge is invoiceable the fee is on an invoice of its own, else it stands
alone.

Source: metering-pricing 13 (V1 to V5), E13; invoicing-money 3.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.invoicing.arrival import Arrival, arrival_of, event_fee, priced_charges
from domain.invoicing.content import content_of
from domain.invoicing.credit_use import available_credit_notes
from domain.invoicing.invoice import Fee, InvoiceContent, InvoiceSubscription
from domain.invoicing.issuing import issue, stand_alone
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.metering.ports import EventPosition, UsageReader
from domain.metering.usage_event import UsageEvent


async def price_arrival(
    ledger: Ledger,
    usage: UsageReader,
    organization_id: UUID,
    event_id: UUID,
    event: UsageEvent,
    position: EventPosition,
    *,
    at: datetime,
) -> int:
    """Price an event under each charge in advance of its subscription; how many fees that made. Idempotent.

    Usage is read up to the event's own place in the log, and an end of the subscription that came after the event is
    not known to it, so the fee is the same whenever it is computed.

    Args:
        at: when the event arrived.

    Raises:
        UnavailableError: usage is not known now.
        ConflictError: somebody else priced it at the same moment.
    """
    case = await arrival_of(ledger, organization_id, event, at=at)
    if case is None:
        return 0
    made = 0
    for charge in priced_charges(case):
        fee_id = ids.of("fee", event_id, charge.root_id)
        if await _is_priced(ledger, fee_id):
            continue
        fee = await event_fee(usage, case, charge, fee_id, watermark=position.sequence, position=position)
        if fee is not None:
            await _append(ledger, case, fee, position.sequence, at=at)
            made += 1
    return made


async def _is_priced(ledger: Ledger, fee_id: UUID) -> bool:
    return await ledger.exists(fee_id) or await ledger.exists(_invoice_id(fee_id))


def _invoice_id(fee_id: UUID) -> UUID:
    return ids.of("invoice", fee_id)


async def _append(ledger: Ledger, case: Arrival, fee: Fee, watermark: int, *, at: datetime) -> None:
    content = _content(case, fee, watermark, at=at)
    if fee.invoiceable:
        organization, customer = case.organization, case.customer
        credit_notes = await available_credit_notes(ledger, organization.id, customer.id, content.currency)
        invoice, sequences = issue(
            _invoice_id(fee.id), organization, customer, content, credit_notes=credit_notes, at=at
        )
        await ledger.append(invoice, *credit_notes, sequences=sequences)
    else:
        standalone = stand_alone(case.organization, case.customer, fee, content, at=at)
        await ledger.append(standalone, case.customer)


def _content(case: Arrival, fee: Fee, watermark: int, *, at: datetime) -> InvoiceContent:
    subscription, plan = case.billed.subscription, case.billed.plan
    row = InvoiceSubscription(
        subscription_id=subscription.id,
        external_id=subscription.external_id,
        plan_id=plan.id,
        reason="in_advance_charge",
        recurring=False,
        timestamp=case.event.timestamp,
        from_at=None,
        to_at=None,
        charges_from_at=fee.from_at,
        charges_to_at=fee.to_at,
        fixed_charges_from_at=None,
        fixed_charges_to_at=None,
    )
    return content_of(
        case.organization,
        case.customer,
        plan.details.amount_currency,
        [row],
        [fee],
        kind="in_advance_charge",
        purchase_order_number=subscription.details.purchase_order_number,
        watermark=watermark,
        at=at,
    )
