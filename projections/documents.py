"""The store of rendered documents: bytes under the id of what they show, written once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from projections.postgres import Database

_PUT = """
insert into documents (id, organization_id, template_version, content, created_at) values (%s, %s, %s, %s, %s)
on conflict (id) do nothing
"""
_GET = "select id, template_version, sha256, content, created_at from documents where id = %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """`sha256` is of `content`, in hexadecimal: the validator of an HTTP answer, and what the invoice's events keep."""

    id: UUID
    template_version: str
    sha256: str
    content: bytes
    created_at: datetime


class Documents:
    """On PostgreSQL. Each call sees the documents of one organization (row-level security).

    All raise `UnavailableError` where the database cannot be reached.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(
        self, organization_id: UUID, document_id: UUID, content: bytes, *, template_version: str, at: datetime
    ) -> StoredDocument:
        """Store it, unless there is one already: what a customer may have downloaded stays. Returns what is stored."""
        async with self._database.connection(organization_id) as connection:
            await connection.execute(_PUT, (document_id, organization_id, template_version, content, at))
        stored = await self.get(organization_id, document_id)
        assert stored is not None, "the id is another organization's document"
        return stored

    async def get(self, organization_id: UUID, document_id: UUID) -> StoredDocument | None:
        """None where nothing is rendered yet, or it is not this organization's."""
        async with self._database.connection(organization_id) as connection:
            cursor = await connection.cursor(row_factory=class_row(StoredDocument)).execute(_GET, (document_id,))
            return await cursor.fetchone()
