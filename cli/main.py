"""The command line. Every command imports what it runs: `durabill --help` and the supervisor start at once."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import structlog
import typer
import uvloop

from cli import logging
from domain.kernel import decimals
from domain.kernel.errors import UnavailableError
from projections.migrate import SchemaError
from projections.settings import Settings
from workflows.ids import BILLING, DOCUMENTS

app = typer.Typer(name="durabill", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[Path, typer.Option(help="Folder of the embedded stack.", envvar="DURABILL_DATA_DIR")]
T = TypeVar("T")

DATA = Path(".durabill")
STOP_SECONDS = 15
"""How long requests under way may take to finish when the API is told to end."""
GARBAGE = 10_000
"""So many objects that requests have not released make the API's collector look for garbage. With Python's 700 it looks
at the requests under way again and again."""
QUEUES = f"{BILLING},{DOCUMENTS}"


@app.command()
def up(port: Annotated[int, typer.Option(help="Of the API, on 127.0.0.1.")] = 3000, data: Data = DATA) -> None:
    """Run everything on embedded engines, on this machine alone, until Ctrl-C."""
    from cli import up as command
    from cli.embedded.folder import DataFolder, InUseError
    from cli.embedded.postgres import ClusterError
    from cli.embedded.temporal_binary import TemporalNotFoundError
    from cli.supervisor import NotReadyError

    refusals = (InUseError, ClusterError, TemporalNotFoundError, NotReadyError, command.CannotStartError)
    try:
        command.run(DataFolder(data.absolute()), port)
    except refusals as error:
        command.say("up", str(error))
        raise typer.Exit(1) from None


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
) -> None:
    """Serve the REST API and event ingest."""
    import uvicorn

    from api.main import create_app

    app = create_app(configured("serve"))
    gc.collect()
    gc.freeze()  # what is loaded stays: the collector need not walk through it, which takes tens of milliseconds
    gc.set_threshold(GARBAGE)
    uvicorn.run(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


@app.command()
def worker(
    queues: Annotated[str, typer.Option(help="Task queues, separated by commas.")] = QUEUES,
) -> None:
    """Run workflows and activities."""
    from workflows import worker as role

    until_ended(role.run(configured("worker"), queues.split(",")))


@app.command()
def dispatcher() -> None:
    """Follow the ledger: start and signal workflows, heal missing ones."""
    from workflows import dispatcher as role

    until_ended(role.run(configured("dispatcher")))


@app.command()
def loader() -> None:
    """Copy acknowledged usage events to ClickHouse."""
    from projections.usage import loader as role

    until_ended(role.run(configured("loader")))


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from projections import migrate as role

    until_ended(role.migrate(configured("migrate")))


@app.command()
def demo(data: Data = DATA) -> None:
    """Bill three months of a sample customer and check every figure."""
    from cli.demo import run

    raise typer.Exit(run(data / "demo", data / "demo" / "invoices"))


@app.command()
def doctor(data: Data = DATA) -> None:
    """Look at every part: is it there, which version, does it answer, how far behind is it, what to do."""
    from cli.doctor import run

    reach(data)
    if not asyncio.run(run(Settings())):
        raise typer.Exit(1)


@app.command()
def replay(
    organization: Annotated[UUID | None, typer.Option(help="Only the invoices of this organization.")] = None,
    invoice: Annotated[UUID | None, typer.Option(help="Only this invoice.")] = None,
    data: Data = DATA,
) -> None:
    """Compute invoices again from what they keep, and compare: exit code 1 if one differs."""
    from cli.replay import Report
    from cli.replay import replay as role
    from projections.postgres import Database
    from projections.usage.reader import ClickHouseUsageReader
    from projections.usage.store import UsageStore, connector

    reach(data)
    settings = configured("replay")
    if settings.clickhouse_url is None:
        raise SystemExit("CLICKHOUSE_URL is not set; `durabill up` sets it for its own roles")
    connect = connector(settings.clickhouse_url.get_secret_value())

    async def compare() -> Report:
        async with Database(database_url(settings)) as database, AsyncExitStack() as stack:
            store = UsageStore(connect)
            stack.push_async_callback(store.close)
            usage = ClickHouseUsageReader(database, store)
            return await role(database, usage, organization_id=organization, invoice_id=invoice)

    report = until_ended(compare())
    if report is None:
        raise typer.Exit(1)
    for difference in report.differences:
        typer.echo(f"{difference.id} {difference.what}: {difference.kept} kept, {difference.computed} computed")
    typer.echo(str(report))
    if report.differences:
        raise typer.Exit(1)


@app.command()
def rebuild(
    switch: Annotated[
        bool, typer.Option("--switch", help="Put the rebuilt rows in the place of those that differ.")
    ] = False,
    data: Data = DATA,
) -> None:
    """Make the read models anew from the ledger, beside the live ones, and compare: exit code 1 if they differ."""
    from projections.ledger import rebuild as role

    reach(data)
    settings = configured("rebuild")
    comparisons = until_ended(role.rebuild(database_url(settings), switch=switch)) or []
    for comparison in comparisons:
        typer.echo(f"{comparison.table}: {comparison.rebuilt} rows, {comparison.different} differ")
    if any(comparison.different for comparison in comparisons) and not switch:
        raise typer.Exit(1)


def reach(data: Path) -> None:
    """Where the environment names no database, let the settings be those of the stack of this folder."""
    from cli.embedded.folder import DataFolder

    if "DATABASE_URL" not in os.environ:
        os.environ.update(DataFolder(data).published())


def configured(role: str) -> Settings:
    """The settings of the environment; what the role logs follows them."""
    settings = Settings()
    if settings.database_url is None:
        raise SystemExit("DATABASE_URL is not set; `durabill up` sets it for its own roles")
    decimals.set_up()
    logging.configure(role, settings)
    return settings


def database_url(settings: Settings) -> str:
    assert settings.database_url is not None, "`configured` has looked"
    return settings.database_url.get_secret_value()


def until_ended(work: Coroutine[Any, Any, T]) -> T | None:
    """Run a role until it ends by itself, or until SIGINT or SIGTERM cancels it: it then finishes what is under way."""

    async def cancellable() -> T | None:
        task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            return await task
        return None

    try:
        return uvloop.run(cancellable())
    except (UnavailableError, SchemaError) as error:
        structlog.get_logger(__name__).error(str(error), dependency=getattr(error, "what", None))
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
