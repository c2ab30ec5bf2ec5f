"""Fees as they are read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import LiteralString
from uuid import UUID

from domain.invoicing.commitment_fees import CommitmentWindow, FeesTotal
from projections.followers import Followed
from projections.postgres import Database
from projections.usage.arrivals import NAME as IN_ADVANCE
from projections.views import reading
from projections.views.reading import Doc, Where

_MOST = 1_000_000


async def of_invoice(database: Database, organization_id: UUID, invoice_id: UUID) -> list[Doc]:
    """All of an invoice, in its order."""
    where = Where()
    where.add("invoice_id = %(invoice_id)s", invoice_id=invoice_id)
    order = "(doc->>'position')::int, created_at, id"
    docs, _ = await reading.select(database, organization_id, "fees", where, order=order, limit=_MOST, offset=0)
    return docs


async def of_ids(database: Database, organization_id: UUID, ids: Iterable[UUID]) -> dict[str, Doc]:
    """Those that have these ids, by id."""
    wanted = sorted(set(ids))
    where = Where(["id = any(%(ids)s)"], {"ids": wanted})
    docs, _ = await reading.select(database, organization_id, "fees", where, order="id", limit=len(wanted), offset=0)
    return {doc["id"]: doc for doc in docs}


_TOTALS: LiteralString = """
select coalesce(sum((doc->>'amount_cents')::bigint), 0)::bigint,
       coalesce(sum((doc->>'precise_amount_cents')::numeric), 0)
from unnest(
  %(subscriptions)s::uuid[], %(external_ids)s::text[], %(from_ats)s::timestamptz[], %(ends_ats)s::timestamptz[]
) with ordinality as asked (subscription_id, external_id, from_at, ends_at, position)
left join fees on fees.organization_id = %(organization_id)s
  and fees.external_subscription_id = asked.external_id
  and instant(doc->>'to_at') >= asked.from_at
  and instant(doc->>'from_at') + (instant(doc->>'to_at') - instant(doc->>'from_at')) / 2
      between asked.from_at and asked.ends_at
  and fees.subscription_id = asked.subscription_id
  and fees.deleted_at is null and fee_type <> 'commitment'
  and coalesce(doc->>'invoice_status', '') not in ('voided', 'deleted')
group by position order by position
"""


class PostgresBilledFees:
    """Implements `domain.invoicing.commitment_fees.BilledFees`; one per process.

    Args:
        patience_seconds: for pricing in advance, which may lag: who gives up early would begin again with a later
            position, and never get there.
    """

    def __init__(self, database: Database, *, patience_seconds: float = 60.0) -> None:
        self._database = database
        self._pricing = Followed(database, IN_ADVANCE, what="pricing in advance", patience_seconds=patience_seconds)

    async def reach(self, watermark: int) -> None:
        """See `BilledFees`."""
        await self._pricing.reach(watermark)

    async def totals(self, organization_id: UUID, windows: Sequence[CommitmentWindow]) -> list[FeesTotal]:
        values = {
            "organization_id": organization_id,
            "subscriptions": [window.subscription.id for window in windows],
            "external_ids": [window.subscription.external_id for window in windows],
            "from_ats": [window.from_at for window in windows],
            "ends_ats": [window.ends_at for window in windows],
        }
        async with self._database.connection(organization_id) as connection:
            rows = await (await connection.execute(_TOTALS, values)).fetchall()
        return [FeesTotal(cents, precise) for cents, precise in rows]
