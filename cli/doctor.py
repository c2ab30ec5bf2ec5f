"""`durabill doctor`: what there is, whether it answers, how far behind it is, and what to do."""

from __future__ import annotations

import asyncio
import ctypes
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import clickhouse_connect
import psycopg
from clickhouse_connect.driver.exceptions import ClickHouseError
from psycopg.rows import TupleRow
from rich.console import Console
from rich.table import Table
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, GetSystemInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError

from cli.embedded import temporal_binary
from cli.embedded.temporal import workers
from cli.embedded.temporal_binary import TemporalNotFoundError
from domain.kernel.errors import UnavailableError
from projections.migrate import migrations
from projections.settings import Settings
from projections.usage.arrivals import NAME as IN_ADVANCE
from projections.usage.loaded import LOADED, LOADING
from projections.usage.loader import RELOADS
from workflows.client import connect
from workflows.ids import BILLING, DOCUMENTS

PATIENCE_SECONDS = 5
LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
LARGE_LAG = 10_000


class AilingError(Exception):
    """What is wrong with a part, and what to do."""

    def __init__(self, wrong: str, todo: str) -> None:
        super().__init__(wrong)
        self.todo = todo


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    healthy: bool
    detail: str
    todo: str = ""


async def run(settings: Settings) -> bool:
    """Print what was found; whether everything is healthy."""
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # the table says it
    findings = await examine(settings)
    table = Table(show_edge=False)
    for heading in ("", "part", "found", "to do"):
        table.add_column(heading)
    for finding in findings:
        mark = "[green]ok[/]" if finding.healthy else "[red]no[/]"
        table.add_row(mark, finding.part, finding.detail, finding.todo)
    Console().print(table)
    return all(finding.healthy for finding in findings)


async def examine(settings: Settings) -> list[Finding]:
    """Every part, all at once."""
    parts: dict[str, Callable[[Settings], Awaitable[str]]] = {
        "PDF libraries": pdf_libraries,
        "Temporal binary": binary,
        "PostgreSQL": postgres,
        "migrations": migrated,
        "followers": followers,
        "charges in advance": unpriced,
        "ClickHouse": clickhouse,
        "Temporal": temporal,
        "workers": polled,
    }
    return await asyncio.gather(*(look(part, question, settings) for part, question in parts.items()))


async def look(part: str, question: Callable[[Settings], Awaitable[str]], settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return Finding(part, True, await question(settings))
    except AilingError as error:
        return Finding(part, False, str(error), error.todo)
    except TimeoutError:
        return Finding(part, False, f"no answer within {PATIENCE_SECONDS} s", "look at its log")


async def pdf_libraries(settings: Settings) -> str:
    for library in LIBRARIES:
        try:
            ctypes.CDLL(library)
        except OSError:
            raise AilingError(f"{library} is missing", "`make setup` installs it or says how") from None
    return ", ".join(LIBRARIES)


async def binary(settings: Settings) -> str:
    try:
        found = await asyncio.to_thread(temporal_binary.find)
    except TemporalNotFoundError as error:
        raise AilingError("does not run", str(error)) from None
    if found is None and settings.temporal_address is None:
        raise AilingError("not found", "`make setup` gets it")
    if found is None:
        return "none here; only `durabill up` needs one"
    return f"{found}: {await asyncio.to_thread(temporal_binary.version_of, found)}"


async def postgres(settings: Settings) -> str:
    async with await connected(settings) as connection:
        row = await (await connection.execute("select current_setting('server_version')")).fetchone()
        assert row is not None
        return f"{row[0]} at {connection.info.host}:{connection.info.port}"


async def migrated(settings: Settings) -> str:
    async with await connected(settings) as connection:
        try:
            rows = await (await connection.execute("select name from schema_migrations order by name")).fetchall()
        except psycopg.errors.UndefinedTable:
            raise AilingError("no schema", "`durabill migrate`") from None
    applied, known = {name for (name,) in rows}, {migration.name for migration in migrations()}
    if missing := sorted(known - applied):
        raise AilingError(f"missing: {', '.join(missing)}", "`durabill migrate`")
    if unknown := sorted(applied - known):
        raise AilingError(f"unknown to this code: {', '.join(unknown)}", "upgrade this code")
    return f"{len(applied)}, up to {max(known)}"


async def followers(settings: Settings) -> str:
    """How far those who follow a log are behind its end."""
    async with await connected(settings) as connection:
        try:
            rows = await (await connection.execute(LAGS, ([LOADED, LOADING, IN_ADVANCE], RELOADS))).fetchall()
        except psycopg.errors.UndefinedTable:
            raise AilingError("no schema", "`durabill migrate`") from None
    text = ", ".join(f"{name} {lag} behind" for name, lag in rows) or "none has begun"
    if any(lag > LARGE_LAG for _, lag in rows):
        raise AilingError(text, "is its process running? `durabill dispatcher`, `durabill loader`")
    return text


async def unpriced(settings: Settings) -> str:
    """Events that no charge in advance could price."""
    async with await connected(settings) as connection:
        try:
            query = "select count(*), min(error) from unpriced_events"
            row = await (await connection.execute(query)).fetchone()
        except psycopg.errors.UndefinedTable:
            raise AilingError("no schema", "`durabill migrate`") from None
    assert row is not None
    if row[0]:
        raise AilingError(
            f"{row[0]} events not priced: {row[1]}", "the worker's log has them; it tries again every few minutes"
        )
    return "every event priced"


async def clickhouse(settings: Settings) -> str:
    if settings.clickhouse_url is None:
        raise AilingError("no address", "set CLICKHOUSE_URL, or start `durabill up`")
    url = settings.clickhouse_url.get_secret_value()

    def version() -> str:
        with clickhouse_connect.get_client(dsn=url, connect_timeout=PATIENCE_SECONDS) as client:
            return str(client.command("select version()"))

    try:
        return await asyncio.to_thread(version)
    except (ClickHouseError, OSError) as error:
        raise AilingError(first_line(innermost(error)), "does it run? its address is CLICKHOUSE_URL") from None


async def temporal(settings: Settings) -> str:
    client = await temporal_client(settings)
    system = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    try:
        request = DescribeNamespaceRequest(namespace=client.namespace)
        namespace = await client.workflow_service.describe_namespace(request)
    except RPCError as error:
        raise AilingError(
            f"namespace {client.namespace}: {error.message}", "create it, or set TEMPORAL_NAMESPACE"
        ) from None
    days = namespace.config.workflow_execution_retention_ttl.ToTimedelta().days
    return f"{system.server_version}, namespace {client.namespace} kept {days} days"


async def polled(settings: Settings) -> str:
    client = await temporal_client(settings)
    counts = {queue: await workers(client, queue) for queue in (BILLING, DOCUMENTS)}
    if idle := [queue for queue, count in counts.items() if not count]:
        raise AilingError(f"none for {', '.join(idle)}", "`durabill worker`")
    return ", ".join(f"{queue} {count}" for queue, count in counts.items())


async def connected(settings: Settings) -> psycopg.AsyncConnection[TupleRow]:
    if settings.database_url is None:
        raise AilingError("no address", "set DATABASE_URL, or start `durabill up`")
    try:
        return await psycopg.AsyncConnection.connect(
            settings.database_url.get_secret_value(), autocommit=True, connect_timeout=PATIENCE_SECONDS
        )
    except psycopg.OperationalError as error:
        raise AilingError(first_line(error), "does it run? its address is DATABASE_URL") from None


async def temporal_client(settings: Settings) -> Client:
    if settings.temporal_address is None:
        raise AilingError("no address", "set TEMPORAL_ADDRESS, or start `durabill up`")
    try:
        return await connect(settings)
    except UnavailableError as error:
        raise AilingError(error.what, "does it run? its address is TEMPORAL_ADDRESS") from None


def innermost(error: BaseException) -> BaseException:
    """Where it began: what is wrapped around it only says the same at length."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]


LAGS = """
select name, case when name = any(%s) then (select max(seq) from ingest_log)
                  else (select max(notification_id) from events) end - position
from positions where name <> %s order by name
"""
