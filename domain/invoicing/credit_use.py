"""Credit of earlier credit notes pays for an invoice that becomes final, the oldest first.

Source: invoicing-money 4.2, 4.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.invoicing.credit_note import CreditNote
from domain.invoicing.invoice import AppliedCreditNote, InvoiceContent
from domain.invoicing.totals import less_credit
from domain.kernel.ledger import Ledger


async def available_credit_notes(
    ledger: Ledger, organization_id: UUID, customer_id: UUID, currency: str
) -> list[CreditNote]:
    """Those of the customer with credit left in this currency, by one query."""
    return await ledger.find_all(
        CreditNote, organization_id, customer_id=str(customer_id), credit_status="available", currency=currency
    )


def use_credit(
    content: InvoiceContent, invoice_id: UUID, credit_notes: Sequence[CreditNote], *, at: datetime
) -> InvoiceContent:
    """The invoice with as much credit as there is and it needs; the notes that give it are changed.

    They must be appended with the invoice: whoever spends a balance at the same moment is refused then.

    Args:
        content: without credit yet.
        credit_notes: available, in the invoice's currency. What was issued later than `at` it does not see, so that
            an invoice which is made late comes out the same.
    """
    owed = left = content.totals.total_amount_cents
    applied = []
    for note in sorted(credit_notes, key=lambda note: (note.created_on, note.id)):
        amount = min(note.balance_amount_cents, left)
        if amount == 0 or note.created_on > at or note.invoice_id == invoice_id:
            continue
        note.apply_credit(invoice_id, amount, at=at)
        applied.append(
            AppliedCreditNote(
                credit_note_id=note.id,
                number=note.number,
                invoice_number=note.invoice_number,
                amount_cents=amount,
            )
        )
        left -= amount
    return replace(content, totals=less_credit(content.totals, owed - left), applied_credit_notes=tuple(applied))
