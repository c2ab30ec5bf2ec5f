"""Forward-only migrations: numbered SQL files, each applied once, in order, by the owner of the schema."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from projections.postgres import Database, unavailable
from projections.settings import Settings

FOLDER = Path(__file__).parent / "migrations"
OLDEST_SERVER = 17
"""PostgreSQL's major version that first has `transaction_timeout`."""

_LOCK = 4243


class SchemaError(Exception):
    """The database does not fit the code; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    name: str
    sql: str


def migrations() -> list[Migration]:
    """Those of this code, in order."""
    return [Migration(path.stem, path.read_text()) for path in sorted(FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))]


async def migrate(settings: Settings) -> list[str]:
    """Bring the schema up to this code; several processes may try at once.

    Returns:
        The names of the migrations that were applied now.

    Raises:
        SchemaError: the schema is newer than this code, or the server too old.
        UnavailableError: the server cannot be reached.
    """
    assert settings.database_url is not None, "the embedded stack sets it"
    return await migrate_database(settings.database_url.get_secret_value())


async def migrate_database(dsn: str) -> list[str]:
    """`migrate`, for the database of a DSN."""
    with unavailable():
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=5) as connection:
            if connection.info.server_version < OLDEST_SERVER * 10_000:
                raise SchemaError(f"PostgreSQL {OLDEST_SERVER} or newer is needed")
            await connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
            await connection.execute(
                "create table if not exists schema_migrations "
                "(name text primary key, applied_at timestamptz not null default now())"
            )
            pending = _pending(await _applied(connection))
            for migration in pending:
                async with connection.transaction():
                    await connection.execute(migration.sql.encode())
                    await connection.execute("insert into schema_migrations (name) values (%s)", (migration.name,))
            return [migration.name for migration in pending]


async def check(database: Database) -> bool:
    """Whether every migration of this code is applied.

    Raises:
        SchemaError: the schema is newer than this code.
        UnavailableError: the server cannot be reached.
    """
    with unavailable():
        async with await psycopg.AsyncConnection.connect(
            database.dsn, autocommit=True, connect_timeout=5
        ) as connection:
            known = await connection.execute("select to_regclass('schema_migrations') is not null")
            return await known.fetchone() == (True,) and not _pending(await _applied(connection))


async def _applied(connection: psycopg.AsyncConnection[TupleRow]) -> set[str]:
    rows = await connection.execute("select name from schema_migrations")
    return {name for (name,) in await rows.fetchall()}


def _pending(applied: set[str]) -> list[Migration]:
    known = migrations()
    if unknown := sorted(applied - {migration.name for migration in known}):
        raise SchemaError(f"the schema is newer than this code, which does not know {', '.join(unknown)}: upgrade it")
    return [migration for migration in known if migration.name not in applied]
