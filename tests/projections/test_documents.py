"""The store of documents: written once, and each organization sees its own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import psycopg
import pytest

from domain.kernel import ids
from domain.kernel.errors import UnavailableError
from projections.documents import Documents
from projections.postgres import Database

AT = datetime(2026, 2, 1, tzinfo=UTC)
PDF = b"%PDF-1.7\x00\xff"


async def test_a_document_comes_back_as_it_was_put(database: Database) -> None:
    documents, ours, invoice = Documents(database), ids.new(), ids.new()
    stored = await documents.put(ours, invoice, PDF, template_version="1", at=AT)
    assert (stored.id, stored.content, stored.template_version, stored.created_at) == (invoice, PDF, "1", AT)
    assert stored.sha256 == hashlib.sha256(PDF).hexdigest()
    assert await documents.get(ours, invoice) == stored


async def test_the_first_one_stays(database: Database) -> None:
    documents, ours, invoice = Documents(database), ids.new(), ids.new()
    first = await documents.put(ours, invoice, PDF, template_version="1", at=AT)
    assert await documents.put(ours, invoice, b"other", template_version="2", at=AT) == first


async def test_an_organization_sees_its_own_only(database: Database) -> None:
    documents, ours, invoice = Documents(database), ids.new(), ids.new()
    await documents.put(ours, invoice, PDF, template_version="1", at=AT)
    assert await documents.get(ids.new(), invoice) is None
    assert await documents.get(ours, ids.new()) is None


@pytest.mark.parametrize("statement", ["delete from documents", "update documents set content = ''"])
async def test_no_one_changes_a_document(database: Database, statement: str) -> None:
    async with database.connection(ids.new()) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(statement)


async def test_no_one_writes_in_the_name_of_another(database: Database) -> None:
    async with database.connection(ids.new()) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute(
                "insert into documents (id, organization_id, template_version, content, created_at) "
                "values (%s, %s, '1', '', %s)",
                (ids.new(), ids.new(), AT),
            )


async def test_unreachable_is_not_missing() -> None:
    async with Database("host=127.0.0.1 port=1", patience_seconds=0.2) as database:
        with pytest.raises(UnavailableError):
            await Documents(database).get(ids.new(), ids.new())
