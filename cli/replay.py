"""`durabill replay`: every invoice and credit note computed again from what they keep, and compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import LiteralString
from uuid import UUID

from domain.invoicing.credit_note import CreditNote
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import Difference, replay_credit_note, replay_prices, replay_usage
from domain.invoicing.standalone_fee import StandaloneFee
from domain.metering.ports import UsageReader
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database

_PAGE = 200
_INVOICES: LiteralString = "invoices where true"
_STANDALONE_FEES: LiteralString = "fees where invoice_id is null"
_CREDIT_NOTES: LiteralString = "credit_notes where true"


@dataclass(slots=True)
class Report:
    """What a replay found: how many invoices and events were read, and where they differ."""

    invoices: int = 0
    fees: int = 0
    differences: list[Difference] = field(default_factory=list)

    def __str__(self) -> str:
        verdict = "replay equal" if not self.differences else f"{len(self.differences)} differences"
        return f"{self.invoices} invoices, {verdict}"


async def replay(
    database: Database,
    usage: UsageReader,
    *,
    organization_id: UUID | None = None,
    invoice_id: UUID | None = None,
) -> Report:
    """Replay the invoices of an organization, with its fees that are on none and its credit notes; or those of all
    organizations; or one invoice.

    Raises:
        UnavailableError: a store cannot be read.
    """
    report = Report()
    ledger = PostgresLedger(database)
    try:
        async for ids in _pages(database, organization_id, _INVOICES, invoice_id):
            invoices = await ledger.load_many(Invoice, ids)
            report.invoices += len(invoices)
            report.fees += sum(len(invoice.content.fees) for invoice in invoices)
            report.differences += [difference for one in invoices for difference in replay_prices(one)]
            report.differences += await replay_usage(usage, invoices)
        if invoice_id is None:
            async for ids in _pages(database, organization_id, _STANDALONE_FEES, None):
                fees = await ledger.load_many(StandaloneFee, ids)
                report.fees += len(fees)
                report.differences += [difference for one in fees for difference in replay_prices(one)]
                report.differences += await replay_usage(usage, fees)
            async for ids in _pages(database, organization_id, _CREDIT_NOTES, None):
                notes = await ledger.load_many(CreditNote, ids)
                invoices = await ledger.load_many(Invoice, sorted({note.invoice_id for note in notes}))
                issued = {invoice.id: invoice for invoice in invoices}
                for note in notes:
                    report.differences += replay_credit_note(note, issued[note.invoice_id])
    finally:
        await ledger.close()
    return report


async def _pages(
    database: Database, organization_id: UUID | None, table: LiteralString, only: UUID | None
) -> AsyncIterator[list[UUID]]:
    after = UUID(int=0)
    while True:
        async with database.connection(organization_id) as connection:
            found = await connection.execute(
                f"select id from {table} and id > %s and (%s::uuid is null or id = %s) order by id limit %s",  # noqa: S608 - literals
                (after, only, only, _PAGE),
            )
            ids = [row[0] for row in await found.fetchall()]
        if not ids:
            return
        yield ids
        after = ids[-1]
