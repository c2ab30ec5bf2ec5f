"""Connections to PostgreSQL: never as the owner of the schema, and bound to one organization."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

import psycopg
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from domain.kernel.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION_ROLE: Final = "durabill_app"
PLATFORM_ROLE: Final = "durabill_platform"

_NOT_BOUND: Final = "not bound"

_CONFIGURE = """
select set_config('role', 'durabill_app', false),
       set_config('transaction_timeout', '5s', false),
       set_config('lock_timeout', '4s', false),
       set_config('idle_in_transaction_session_timeout', '5s', false),
       set_config('tcp_user_timeout', '10s', false),
       set_config('tcp_keepalives_idle', '10', false),
       set_config('tcp_keepalives_interval', '2', false),
       set_config('tcp_keepalives_count', '3', false)
"""
"""A wait for a lock ends before the transaction does: an error that is known, instead of a lost connection.

The server gives up a client whose machine vanished as soon as the client does a server: until then who led a log
(`followers.py`) would hold its lock, by default for two hours.
"""

_BIND = "select set_config('role', %s, false), set_config('durabill.organization', %s, false)"


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection in autocommit that knows which organization it is bound to (None: to all of them)."""

    bound_to: UUID | str | None = _NOT_BOUND

    async def bind(self, organization_id: UUID | None) -> None:
        """See only the rows of this organization from now on, or with None of all. A round trip if that changes."""
        if self.bound_to == organization_id:
            return
        self.bound_to = _NOT_BOUND  # until it is sure: the statement may be cancelled
        role, organization = (
            (PLATFORM_ROLE, "") if organization_id is None else (APPLICATION_ROLE, str(organization_id))
        )
        await self.execute(_BIND, (role, organization), prepare=True)
        self.bound_to = organization_id


class Database:
    """A pool of connections to one database.

    Args:
        dsn: libpq's URL or key-value form.
        max_size: connections at most; further callers wait.
        patience_seconds: how long a caller waits for a connection before `UnavailableError`.
    """

    def __init__(self, dsn: str, *, min_size: int = 1, max_size: int = 10, patience_seconds: float = 5.0) -> None:
        self.dsn = dsn
        self._pool = AsyncConnectionPool(
            dsn,
            connection_class=Connection,
            kwargs=_connect_arguments(),
            min_size=min(min_size, max_size),
            max_size=max_size,
            open=False,
            configure=_configure,
            timeout=patience_seconds,
            reconnect_timeout=patience_seconds,  # then the next caller starts over, instead of ever longer pauses
            num_workers=2,
        )

    async def open(self) -> Self:
        """Start connecting; does not wait, so that a process may start before its database."""
        await self._pool.open(wait=False)
        return self

    async def close(self) -> None:
        await self._pool.close()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def connection(self, organization_id: UUID | None) -> AsyncIterator[Connection]:
        """A connection that sees the rows of one organization; with None those of all, for the platform's own work.

        Raises:
            UnavailableError: no connection in time, or it was lost while it was used.
        """
        async with self.unbound() as connection:
            await connection.bind(organization_id)
            yield connection

    @asynccontextmanager
    async def unbound(self) -> AsyncIterator[Connection]:
        """A connection bound to whatever it was last: only for tables without row-level security (`events`).

        Raises as `connection`.
        """
        with unavailable():
            while True:
                async with self._lent() as connection:
                    if not await _hung_up(connection):
                        yield connection
                        return
                    await connection.close()  # the pool replaces it at once; its own `check` would pause in between

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Connection]:
        """A connection of the pool, as by the pool's own context manager; whoever is cancelled meanwhile."""
        cancelled = _cancelled()
        connection = await self._pool.getconn()
        try:
            if _cancelled() > cancelled:
                raise asyncio.CancelledError  # the pool waits by `wait_for`: Python 3.11's may forget of it
            async with connection:
                yield connection
        finally:
            # Giving back may have to wait for the pool's lock: cut short there, the connection would be lost for good.
            await asyncio.shield(self._pool.putconn(connection))

    async def connect(self) -> Connection:
        """A connection of one's own, outside of the pool: to listen, or to write in one order. The caller closes it.

        Raises as `connection`.
        """
        with unavailable():
            connection = await Connection.connect(self.dsn, **_connect_arguments())
            try:
                await _configure(connection)
            except BaseException:
                await connection.close()
                raise
            return connection


@contextmanager
def unavailable() -> Iterator[None]:
    """In our words: the server cannot be reached, gave up on a lock, or is a standby by now."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, ReadOnlySqlTransaction) as error:
        raise UnavailableError("postgres") from error


def _connect_arguments() -> dict[str, Any]:
    # A peer that vanished without a word is given up after ten seconds, where nothing was to be sent after some twenty
    # (ignored on Unix sockets).
    vanished = {"tcp_user_timeout": 10_000, "keepalives_idle": 10, "keepalives_interval": 2, "keepalives_count": 3}
    return {"autocommit": True, "connect_timeout": 5, "application_name": "durabill", **vanished}


async def _configure(connection: Connection) -> None:
    await connection.execute(_CONFIGURE)


def _cancelled() -> int:
    """How often the current task was asked to end."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


async def _hung_up(connection: Connection) -> bool:
    """Whether the server closed an idle connection. Its socket is readable then: mostly no round trip is needed."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if not poll.poll(0):
        return False
    try:
        await AsyncConnectionPool.check_connection(connection)
    except psycopg.Error:
        return True
    return False
