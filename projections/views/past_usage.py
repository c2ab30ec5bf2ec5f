"""Billed periods of a subscription, as they are read.

Source: metering-pricing Y7, P15.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import msgspec

from domain.invoicing.invoice import Fee
from projections.postgres import Database
from projections.views.reading import Doc

_PERIODS: LiteralString = """
from invoices cross join lateral jsonb_array_elements(doc->'content'->'subscriptions') as period
where organization_id = %(organization_id)s and customer_id = (
  select id from customers
  where organization_id = %(organization_id)s and external_id = %(customer)s and deleted_at is null
) and status in ('draft', 'finalized') and period->>'external_id' = %(subscription)s
and instant(period->>'charges_from_at') < instant(period->>'charges_to_at')
"""
_FEES: LiteralString = """
select invoice_id, doc::text from fees where organization_id = %s and invoice_id = any(%s)
order by (doc->>'position')::int
"""
_decode_fee = msgspec.json.Decoder(Fee).decode


@dataclass(frozen=True, slots=True)
class BilledPeriod:
    """An invoice, its row of the subscription, and all of its fees."""

    invoice: Doc
    period: Doc
    fees: Sequence[Fee]


async def select(
    database: Database, organization_id: UUID, *, customer: str, subscription: str, limit: int, offset: int
) -> tuple[list[BilledPeriod], int]:
    """One page of the periods whose usage was invoiced, the newest first, and how many there are.

    Args:
        customer, subscription: external ids; there are no periods of unknown ones.
    """
    values = {"organization_id": organization_id, "customer": customer, "subscription": subscription}
    page = {"limit": limit, "offset": offset}
    async with database.connection(organization_id) as connection:
        counted = await (await connection.execute(f"select count(*) {_PERIODS}", values)).fetchone()
        assert counted is not None
        cursor = await connection.execute(
            f"select doc::text, period::text {_PERIODS} order by instant(period->>'charges_from_at') desc, "
            "created_at desc, id limit %(limit)s offset %(offset)s",
            values | page,
        )
        rows = [(msgspec.json.decode(doc), msgspec.json.decode(period)) for doc, period in await cursor.fetchall()]
        cursor = await connection.execute(_FEES, (organization_id, [UUID(doc["id"]) for doc, _ in rows]))
        fees: dict[str, list[Fee]] = defaultdict(list)
        for invoice_id, doc in await cursor.fetchall():
            fees[str(invoice_id)].append(_decode_fee(doc))
    return [BilledPeriod(doc, period, fees[doc["id"]]) for doc, period in rows], counted[0]
