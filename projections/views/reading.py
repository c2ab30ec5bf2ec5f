"""Reading rows of read models: docs of one organization, one or a page of them, by one query each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from projections.postgres import Database

Doc = dict[str, Any]


@dataclass(slots=True)
class Where:
    """Conditions that all must hold, and the values of their placeholders `%(name)s`."""

    conditions: list[LiteralString] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)

    def add(self, condition: LiteralString, **values: object) -> None:
        assert not values.keys() & self.values.keys(), values
        self.conditions.append(condition)
        self.values.update(values)

    @property
    def sql(self) -> LiteralString:
        return " and ".join(["organization_id = %(organization_id)s", *self.conditions])


async def find(
    database: Database, organization_id: UUID, table: LiteralString, condition: LiteralString, **values: object
) -> Doc | None:
    """The one row for which the condition holds, or None."""
    query: LiteralString = (
        f"select doc::text from {table} "  # noqa: S608 - literals of the code only, as the types have it
        f"where organization_id = %(organization_id)s and {condition}"
    )
    async with database.connection(organization_id) as connection:
        cursor = await connection.execute(query, {"organization_id": organization_id, **values}, prepare=True)
        row = await cursor.fetchone()
    return None if row is None else msgspec.json.decode(row[0])


async def by_id(database: Database, organization_id: UUID, table: LiteralString, row_id: UUID) -> Doc | None:
    """The row with this id, also where it is deleted, or None."""
    return await find(database, organization_id, table, "id = %(id)s", id=row_id)


async def select(
    database: Database,
    organization_id: UUID,
    table: LiteralString,
    where: Where,
    *,
    order: LiteralString,
    limit: int,
    offset: int,
) -> tuple[list[Doc], int]:
    """One page, and how many rows there are in all."""
    query: LiteralString = (
        f"select (select count(*) from {table} where {where.sql}), array("  # noqa: S608 - literals only
        f"select doc::text from {table} where {where.sql} order by {order} limit %(limit)s offset %(offset)s)"
    )
    values: Mapping[str, object] = {
        "organization_id": organization_id,
        "limit": limit,
        "offset": offset,
        **where.values,
    }
    async with database.connection(organization_id) as connection:
        row = await (await connection.execute(query, values)).fetchone()
    assert row is not None
    total, docs = row
    return [msgspec.json.decode(doc) for doc in docs], total


async def exists(
    database: Database, organization_id: UUID, table: LiteralString, condition: LiteralString, **values: object
) -> bool:
    """Whether any row of the organization fulfils the condition."""
    return await count(database, organization_id, table, condition, limit=1, **values) > 0


async def count(
    database: Database,
    organization_id: UUID,
    table: LiteralString,
    condition: LiteralString,
    *,
    limit: int | None = None,
    **values: object,
) -> int:
    """How many rows of the organization fulfil the condition, counted up to `limit`."""
    query: LiteralString = (
        f"select count(*) from (select from {table} "  # noqa: S608 - literals only
        f"where organization_id = %(organization_id)s and {condition} "
        "limit %(limit)s) as found"
    )
    async with database.connection(organization_id) as connection:
        cursor = await connection.execute(query, {"organization_id": organization_id, "limit": limit, **values})
        row = await cursor.fetchone()
    assert row is not None
    found: int = row[0]
    return found


def like(text: str) -> str:
    """The pattern of `ilike` for texts that contain `text` literally."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
