"""Migrations: applied once, together by many, and never by code older than the schema."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from projections.migrate import SchemaError, check, migrate_database, migrations
from projections.postgres import Database

NAMES = [migration.name for migration in migrations()]


async def test_an_empty_database_is_migrated_once(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    assert not await check(database)
    applied = await asyncio.gather(*(migrate_database(empty_database_url) for _ in range(3)))
    assert sorted(applied, key=len) == [[], [], NAMES]
    assert await check(database)


async def test_a_newer_schema_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("insert into schema_migrations (name) values ('9999_of_tomorrow')")
    with pytest.raises(SchemaError, match="9999_of_tomorrow"):
        await migrate_database(database_url)
    with pytest.raises(SchemaError, match="9999_of_tomorrow"):
        await check(Database(database_url))


def test_numbers_are_given_once() -> None:
    numbers = [name.partition("_")[0] for name in NAMES]
    assert len(set(numbers)) == len(numbers)
