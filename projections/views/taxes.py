"""Taxes, as they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from projections.postgres import Database
from projections.views import reading
from projections.views.reading import Doc, Where


@dataclass(frozen=True, slots=True)
class TaxView:
    """The doc of a tax, and whether it is a default of its organization."""

    tax: Doc
    applied_to_organization: bool


async def get(database: Database, organization_id: UUID, code: str) -> TaxView | None:
    """The tax with this code that is not deleted."""
    condition = "code = %(code)s and deleted_at is null"
    doc = await reading.find(database, organization_id, "taxes", condition, code=code)
    return None if doc is None else await view(database, organization_id, doc)


async def view(database: Database, organization_id: UUID, doc: Doc) -> TaxView:
    return (await _views(database, organization_id, [doc]))[0]


async def of_ids(database: Database, organization_id: UUID, ids: Iterable[str]) -> dict[str, TaxView]:
    """Those that have these ids and are not deleted, by id."""
    wanted = [UUID(tax_id) for tax_id in sorted(set(ids))]
    if not wanted:
        return {}
    where = Where(["id = any(%(ids)s)", "deleted_at is null"], {"ids": wanted})
    docs, _ = await reading.select(database, organization_id, "taxes", where, order="id", limit=len(wanted), offset=0)
    return {found.tax["id"]: found for found in await _views(database, organization_id, docs)}


async def ids_of_codes(database: Database, organization_id: UUID, codes: Collection[str]) -> dict[str, UUID]:
    """By code, of those that have one of these codes and are not deleted."""
    if not codes:
        return {}
    where = Where(["code = any(%(codes)s)", "deleted_at is null"], {"codes": sorted(codes)})
    docs, _ = await reading.select(database, organization_id, "taxes", where, order="id", limit=len(codes), offset=0)
    return {doc["details"]["code"]: UUID(doc["id"]) for doc in docs}


async def select(database: Database, organization_id: UUID, *, limit: int, offset: int) -> tuple[list[TaxView], int]:
    """One page of those that are not deleted, the newest first, and how many there are."""
    docs, total = await reading.select(
        database,
        organization_id,
        "taxes",
        Where(["deleted_at is null"]),
        order="created_at desc, id",
        limit=limit,
        offset=offset,
    )
    return await _views(database, organization_id, docs), total


async def _views(database: Database, organization_id: UUID, docs: Sequence[Doc]) -> list[TaxView]:
    organization = await reading.by_id(database, organization_id, "organizations", organization_id)
    assert organization is not None, organization_id
    defaults = organization["details"]["tax_ids"]
    return [TaxView(doc, doc["id"] in defaults) for doc in docs]
