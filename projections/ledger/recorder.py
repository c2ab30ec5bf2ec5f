"""The ledger behind the library's own interfaces, so that its applications, subscriptions and runners work on it.

What is written goes through `ledger_append` like all else; what is read is the library's code on the library's layout.
The schema is `migrate`'s: nothing is ever created here.
"""

from __future__ import annotations

import asyncio
import atexit
from collections.abc import Sequence
from threading import Thread
from typing import Any

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    OperationalError,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import (
    PostgresApplicationRecorder,
    PostgresDatastore,
    PostgresFactory,
    PostgresSubscription,
)
from eventsourcing.utils import Environment, EnvType
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from domain.kernel.errors import ConflictError, UnavailableError
from projections.ledger.appending import Append, Appended
from projections.ledger.group_commit import GroupCommit
from projections.postgres import APPLICATION_ROLE, Database

EVENTS_TABLE = "events"
LISTEN_SECONDS = 0.1
"""So long a subscription that was stopped goes on at most."""


class LedgerRecorder(PostgresApplicationRecorder):
    """Synchronous callers of all threads share a group commit, which lives on an event loop in a thread of its own."""

    def __init__(self, datastore: PostgresDatastore, *, events_table_name: str = EVENTS_TABLE) -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self._commits = GroupCommit(Database(_conninfo(datastore)).connect)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="ledger recorder", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # later, daemon threads stand still and would be waited for in vain

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Commit, and return the notification ids.

        Raises:
            IntegrityError: one of the versions is taken.
            OperationalError: the server cannot be reached in time.
        """
        assert kwargs.get("tracking") is None, "positions are not stored with events"
        if not stored_events:
            return []
        try:
            return self._append(Append(stored_events)).notification_ids
        except ConflictError as error:
            raise IntegrityError("a version is taken") from error
        except UnavailableError as error:
            raise OperationalError("PostgreSQL cannot be reached") from error

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return LedgerSubscription(recorder=self, gt=gt, topics=topics)

    def create_table(self) -> None:
        raise AssertionError("the schema is created by `migrate`: set CREATE_TABLE=n")

    def close(self) -> None:
        """Finish what is being written, and end the thread."""
        atexit.unregister(self.close)
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._commits.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _append(self, append: Append) -> Appended:
        return asyncio.run_coroutine_threadsafe(self._commits.append(append), self._loop).result()


class LedgerSubscription(PostgresSubscription):
    """The library's, which would wait for ever for an event that comes after its first read and before it listens."""

    def _listen(self) -> None:
        try:
            with self._recorder.datastore.get_connection() as connection:
                connection.execute(SQL("listen {}").format(Identifier(self._recorder.channel_name)))
                self._has_been_notified.set()  # read again now that nothing can be missed any more
                while not self._has_been_stopped and not self._thread_error:
                    for _ in connection.notifies(timeout=LISTEN_SECONDS, stop_after=1):
                        self._has_been_notified.set()
        except BaseException as error:
            if self._thread_error is None:
                self._thread_error = error
            self.stop()


class LedgerFactory(PostgresFactory):
    """The library's factory: `POSTGRES_*` in its environment, `CREATE_TABLE=n`, and no database functions of its own.

    `POSTGRES_ENABLE_DB_FUNCTIONS` would drop the lock that keeps ids in the order of commits. Source: engine 0.2.
    """

    application_recorder_class = LedgerRecorder

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        assert not self.datastore.enable_db_functions, "they lose events for those who follow the log"
        _connect_arguments(self.datastore)["options"] = f"-c role={APPLICATION_ROLE}"
        self._recorders: list[LedgerRecorder] = []

    def application_recorder(self) -> ApplicationRecorder:
        assert not self.env_create_table(), "the schema is created by `migrate`: set CREATE_TABLE=n"
        recorder = LedgerRecorder(self.datastore)
        self._recorders.append(recorder)
        return recorder

    def close(self) -> None:
        while self._recorders:
            self._recorders.pop().close()
        super().close()


def _conninfo(datastore: PostgresDatastore) -> str:
    return make_conninfo(**{name: v for name, v in _connect_arguments(datastore).items() if isinstance(v, str)})


def _connect_arguments(datastore: PostgresDatastore) -> dict[str, Any]:
    arguments = datastore.pool.kwargs
    assert isinstance(arguments, dict)
    return arguments
