"""Charges in advance: an event is priced when it arrives, and paid for by a fee of its own.

The fee's id follows from the event and the charge, so an event that comes again finds it, also where the subscription
has got a copy of its plan since. Where the charge is invoiceable the fee is on an invoice of its own, else it stands
alone.

Source: metering-pricing 13 (V1 to V5), E13; invoicing-money 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalFees:
    """What an event owes, and all that it was priced under; `at` is when it arrived. Nothing is appended yet."""

    case: Arrival
    fees: Sequence[Fee]
    watermark: int
    at: datetime


async def fees_of_arrival(
    ledger: Ledger,
    usage: UsageReader,
    organization_id: UUID,
    event_id: UUID,
    event: UsageEvent,
    position: EventPosition,
    *,
    at: datetime,
) -> ArrivalFees | None:
    """The fees of an event under the charges in advance of its subscription, but for those that are there already.

    None where no subscription covers it. Usage is read up to the event's own place in the log, and an end of the
    subscription that came after the event is not known to it, so the fees are the same whenever they are computed.

    Args:
        at: when the event arrived.

    Raises:
        UnavailableError: usage is not known now.
    """
    case = await arrival_of(ledger, organization_id, event, at=at)
    if case is None:
        return None
    fees = []
    for charge in priced_charges(case):
        fee_id = ids.of("fee", event_id, charge.root_id)
        if await _is_priced(ledger, fee_id):
            continue
        fee = await event_fee(usage, case, charge, fee_id, watermark=position.sequence, position=position)
        if fee is not None:
            fees.append(fee)
    return ArrivalFees(case=case, fees=fees, watermark=position.sequence, at=at)


async def append_fees(ledger: Ledger, owed: ArrivalFees) -> None:
    """Put the fees on invoices, or let them stand alone.

    Raises:
        ConflictError: somebody else priced the event, or used the customer's credit, at the same moment: read again
            what it owes.
    """
    for fee in owed.fees:
        content = _content(owed, fee)
        if fee.invoiceable:
            await _issue(ledger, owed, fee, content)
        else:
            standalone = stand_alone(owed.case.organization, owed.case.customer, fee, content, at=owed.at)
            await ledger.append(standalone, owed.case.customer)


async def _is_priced(ledger: Ledger, fee_id: UUID) -> bool:
    return await ledger.exists(fee_id) or await ledger.exists(_invoice_id(fee_id))


def _invoice_id(fee_id: UUID) -> UUID:
    return ids.of("invoice", fee_id)


async def _issue(ledger: Ledger, owed: ArrivalFees, fee: Fee, content: InvoiceContent) -> None:
    organization, customer = owed.case.organization, owed.case.customer
    credit_notes = await available_credit_notes(ledger, organization.id, customer.id, content.currency)
    invoice, sequences = issue(
        _invoice_id(fee.id), organization, customer, content, credit_notes=credit_notes, at=owed.at
    )
    await ledger.append(invoice, *credit_notes, sequences=sequences)


def _content(owed: ArrivalFees, fee: Fee) -> InvoiceContent:
    case = owed.case
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
        watermark=owed.watermark,
        at=owed.at,
    )
