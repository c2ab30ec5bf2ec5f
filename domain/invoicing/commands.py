"""What can be done with invoices beside issuing them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.invoicing.invoice import Invoice
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
