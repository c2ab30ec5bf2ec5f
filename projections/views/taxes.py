"""Taxes, as they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import msgspec

from projections.postgres import Database
from projections.views.reading import Doc, Where

_COLUMNS: LiteralString = """
taxes.doc::text, coalesce(organizations.doc->'details'->'tax_ids' ? taxes.id::text, false)
from taxes join organizations on organizations.id = taxes.organization_id
"""


@dataclass(frozen=True, slots=True)
class TaxView:
    """The doc of a tax, and whether it is a default of its organization."""

    tax: Doc
    applied_to_organization: bool


async def get(database: Database, organization_id: UUID, code: str) -> TaxView | None:
    """The tax with this code that is not deleted."""
    where = Where(["taxes.code = %(code)s", "taxes.deleted_at is null"], {"code": code})
    found = await _select(database, organization_id, where)
    return found[0] if found else None


async def by_id(database: Database, organization_id: UUID, tax_id: UUID) -> TaxView:
    """The tax with this id, also where it is deleted; there is one."""
    [found] = await _select(database, organization_id, Where(["taxes.id = %(id)s"], {"id": tax_id}))
    return found


async def of_ids(database: Database, organization_id: UUID, ids: Iterable[str]) -> dict[str, TaxView]:
    """Those that have these ids and are not deleted, by id."""
    wanted = [UUID(tax_id) for tax_id in sorted(set(ids))]
    if not wanted:
        return {}
    where = Where(["taxes.id = any(%(ids)s)", "taxes.deleted_at is null"], {"ids": wanted})
    return {view.tax["id"]: view for view in await _select(database, organization_id, where)}


async def ids_of_codes(database: Database, organization_id: UUID, codes: Collection[str]) -> Mapping[str, UUID]:
    """By code, of those that have one of these codes and are not deleted."""
    if not codes:
        return {}
    query = """
        select code, id from taxes
        where organization_id = %(organization_id)s and code = any(%(codes)s) and deleted_at is null
    """
    async with database.connection(organization_id) as connection:
        cursor = await connection.execute(query, {"organization_id": organization_id, "codes": sorted(codes)})
        return dict(await cursor.fetchall())


async def select(database: Database, organization_id: UUID, *, limit: int, offset: int) -> tuple[list[TaxView], int]:
    """One page of those that are not deleted, the newest first, and how many there are."""
    query: LiteralString = (
        "select (select count(*) from taxes where organization_id = %(organization_id)s and deleted_at is null), "  # noqa: S608 - literals only
        f"array(select jsonb_build_array(taxes.doc, page.applied)::text)"
    )
    raise NotImplementedError(query)


async def _select(database: Database, organization_id: UUID, where: Where) -> list[TaxView]:
    query: LiteralString = (
        f"select {_COLUMNS} where taxes.organization_id = %(organization_id)s and {' and '.join(where.conditions)}"
    )
    values = {"organization_id": organization_id, **where.values}
    async with database.connection(organization_id) as connection:
        rows = await (await connection.execute(query, values)).fetchall()
    return [TaxView(msgspec.json.decode(doc), applied) for doc, applied in rows]
