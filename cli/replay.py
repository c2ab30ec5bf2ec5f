"""`durabill replay`: every invoice computed again from what it keeps, and compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import Difference, replay_prices, replay_usage
from domain.metering.ports import UsageReader
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database

_PAGE = 200


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
    """Replay the invoices of an organization, one of them, or all.

    Raises:
        UnavailableError: a store cannot be read.
    """
    report = Report()
    ledger = PostgresLedger(database)
    try:
        async for ids in _pages(database, organization_id, invoice_id):
            invoices = await ledger.load_many(Invoice, ids)
            for invoice in invoices:
                report.invoices += 1
                report.fees += len(invoice.content.fees)
                report.differences += replay_prices(invoice)
            report.differences += await replay_usage(usage, invoices)
    finally:
        await ledger.close()
    return report


async def _pages(
    database: Database, organization_id: UUID | None, invoice_id: UUID | None
) -> AsyncIterator[list[UUID]]:
    after = UUID(int=0)
    while True:
        async with database.connection(organization_id) as connection:
            found = await connection.execute(
                "select id from invoices where id > %s and (%s::uuid is null or id = %s) order by id limit %s",
                (after, invoice_id, invoice_id, _PAGE),
            )
            ids = [row[0] for row in await found.fetchall()]
        if not ids:
            return
        yield ids
        after = ids[-1]
