"""Add-ons, as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from projections.postgres import Database
from projections.views import reading
from projections.views.reading import Doc, Where


async def get(database: Database, organization_id: UUID, code: str) -> Doc | None:
    """The add-on with this code that is not deleted."""
    condition = "code = %(code)s and deleted_at is null"
    return await reading.find(database, organization_id, "add_ons", condition, code=code)


async def of_ids(database: Database, organization_id: UUID, ids: Iterable[UUID]) -> dict[UUID, Doc]:
    """Those of the organization that have these ids, deleted ones too."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    where = Where(["id = any(%(ids)s)"], {"ids": wanted})
    docs, _ = await reading.select(database, organization_id, "add_ons", where, order="id", limit=len(wanted), offset=0)
    return {UUID(doc["id"]): doc for doc in docs}


async def select(database: Database, organization_id: UUID, *, limit: int, offset: int) -> tuple[list[Doc], int]:
    """One page of those that are not deleted, the newest first, and how many there are."""
    return await reading.select(
        database,
        organization_id,
        "add_ons",
        Where(["deleted_at is null"]),
        order="created_at desc, id",
        limit=limit,
        offset=offset,
    )
