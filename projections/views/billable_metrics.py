"""Billable metrics, as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from projections.postgres import Database
from projections.views import reading
from projections.views.reading import Doc, Where


async def get(database: Database, organization_id: UUID, code: str) -> Doc | None:
    """The metric with this code that is not deleted."""
    return await reading.find(
        database, organization_id, "billable_metrics", "code = %(code)s and deleted_at is null", code=code
    )


async def of_ids(
    database: Database, organization_id: UUID, ids: Iterable[UUID], *, deleted: bool = True
) -> dict[UUID, Doc]:
    """Those of the organization that have these ids; where `deleted` is false only living ones."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    where = Where(["id = any(%(ids)s)"], {"ids": wanted})
    if not deleted:
        where.add("deleted_at is null")
    docs, _ = await reading.select(
        database, organization_id, "billable_metrics", where, order="id", limit=len(wanted), offset=0
    )
    return {UUID(doc["id"]): doc for doc in docs}


async def select(database: Database, organization_id: UUID, *, limit: int, offset: int) -> tuple[list[Doc], int]:
    """One page of those that are not deleted, the newest first, and how many there are."""
    return await reading.select(
        database,
        organization_id,
        "billable_metrics",
        Where(["deleted_at is null"]),
        order="created_at desc, id",
        limit=limit,
        offset=offset,
    )


async def expressions(database: Database, organization_id: UUID) -> list[tuple[str, str, str]]:
    """Code, field and expression of the metrics that have one and aggregate a field."""
    query = """
        select code, doc->'details'->>'field_name', doc->'details'->>'expression' from billable_metrics
        where organization_id = %(organization_id)s and deleted_at is null
        and doc->'details'->>'expression' is not null and doc->'details'->>'field_name' is not null
    """
    async with database.connection(organization_id) as connection:
        cursor = await connection.execute(query, {"organization_id": organization_id}, prepare=True)
        return [(code, field_name, expression) for code, field_name, expression in await cursor.fetchall()]
