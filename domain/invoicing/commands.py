"""What can be done with invoices beside issuing them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.invoicing.invoice import Invoice
from domain.invoicing.standalone_fee import FeePaymentStatus, StandaloneFee
from domain.kernel.errors import NotFoundError
from domain.kernel.ledger import Ledger


async def request_document(ledger: Ledger, invoice_id: UUID, *, at: datetime) -> None:
    """Ask for the PDF; its workflow makes it. Asked again, nothing changes.

    Raises:
        NotFoundError: it is not final, so there is nothing to print (invoicing-money 5.16).
    """
    invoice = await ledger.load(Invoice, invoice_id)
    if invoice.status not in ("finalized", "voided"):
        raise NotFoundError("invoice")
    invoice.request_document(at=at)
    await ledger.append(invoice)


async def change_fee_payment_status(
    ledger: Ledger, fee_id: UUID, payment_status: FeePaymentStatus, *, at: datetime
) -> StandaloneFee:
    """Say how the payment of a fee stands that is on no invoice.

    Raises:
        NotFoundError: there is no such fee by itself.
        NotAllowedError: `invoiced_fee`: it was paid and stands on an invoice.
    """
    standalone = await ledger.load(StandaloneFee, fee_id)
    standalone.change_payment_status(payment_status, at=at)
    await ledger.append(standalone)
    return standalone


async def delete_fee(ledger: Ledger, fee_id: UUID, *, at: datetime) -> StandaloneFee:
    """Take a fee back that is on no invoice. Raises as above."""
    standalone = await ledger.load(StandaloneFee, fee_id)
    standalone.delete(at=at)
    await ledger.append(standalone)
    return standalone
