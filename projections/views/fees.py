"""Fees as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from projections.postgres import Database
from projections.views import reading
from projections.views.reading import Doc, Where

_MOST = 1_000_000


async def of_invoice(database: Database, organization_id: UUID, invoice_id: UUID) -> list[Doc]:
    """All of an invoice, in its order."""
    where = Where()
    where.add("invoice_id = %(invoice_id)s", invoice_id=invoice_id)
    order = "(doc->>'position')::int"
    docs, _ = await reading.select(database, organization_id, "fees", where, order=order, limit=_MOST, offset=0)
    return docs


async def of_ids(database: Database, organization_id: UUID, ids: Iterable[UUID]) -> dict[str, Doc]:
    """Those that have these ids, by id."""
    wanted = sorted(set(ids))
    where = Where(["id = any(%(ids)s)"], {"ids": wanted})
    docs, _ = await reading.select(database, organization_id, "fees", where, order="id", limit=len(wanted), offset=0)
    return {doc["id"]: doc for doc in docs}
