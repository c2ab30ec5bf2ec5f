"""The limit of what goes over HTTP: handlers that commit the same and answer as many bytes, and look at nothing.

They run under the server that Durabill runs under, and commit through its writers: a row of the ingest log with a key
for each event (`IngestLog`), an event of the ledger (`GroupCommit`). Left out is what Durabill does besides: it
authenticates, decodes, checks, hashes, reads, decides, writes read models, presents.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import psycopg
import uvicorn
from eventsourcing.persistence import StoredEvent

from benchmarks import stack
from benchmarks.bodies import BATCH, PATHS, Kind
from cli.embedded import processes
from cli.main import configured, database_url
from cli.up import HOST, Stack
from domain.kernel import ids
from projections.ledger.appending import Append
from projections.ledger.group_commit import GroupCommit
from projections.postgres import Database
from projections.usage.writer import IngestLog

Message = MutableMapping[str, Any]
Commit = Callable[[], Awaitable[object]]

_LINES = "select body from ingest_log where events = %s order by seq desc limit 1"
_CREATED = "select topic, state from events where topic = 'customer.created' order by notification_id desc limit 1"


@asynccontextmanager
async def serving(on: Stack, answers: Mapping[Kind, int]) -> AsyncIterator[int]:
    """The port of a process that serves these handlers, made after the last request of each kind to Durabill.

    Args:
        answers: the size of Durabill's answer, in bytes.
    """
    port = processes.free_port()
    async with stack.beside(on, "benchmarks.bare", str(port), msgspec.json.encode(answers).decode()):
        await stack.listens(port)
        yield port


class Bare:
    def __init__(self, url: str, answers: Mapping[Kind, int]) -> None:
        database = Database(url)  # its pool is not opened: writers have a connection of their own
        self._ingest_log, self._commits = IngestLog(database.connect), GroupCommit(database.connect)
        with psycopg.connect(url) as connection:
            commits: dict[Kind, Commit] = {
                "event": self._events(connection, 1),
                "batch": self._events(connection, BATCH),
                "customer": self._customer(connection),
            }
        self._handlers = {PATHS[kind]: (commit, b" " * answers[kind]) for kind, commit in commits.items()}

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body", False):
            pass
        commit, answer = self._handlers[scope["path"]]
        await commit()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _events(self, connection: psycopg.Connection, count: int) -> Commit:
        row = connection.execute(_LINES, (count,)).fetchone()
        assert row is not None
        lines: bytes = row[0]

        async def commit() -> None:
            random = os.urandom(16 * count)
            keys = [random[start : start + 16] for start in range(0, len(random), 16)]
            await self._ingest_log.append(keys, lines, count)

        return commit

    def _customer(self, connection: psycopg.Connection) -> Commit:
        row = connection.execute(_CREATED).fetchone()
        assert row is not None
        topic, state = row
        return lambda: self._commits.append(Append([StoredEvent(ids.new(), 1, topic, state)]))


def main() -> None:
    port, answers = sys.argv[1:]
    app = Bare(database_url(configured("bare")), msgspec.json.decode(answers, type=dict[Kind, int]))
    # as `durabill serve` runs
    uvicorn.run(
        app,
        host=HOST,
        port=int(port),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        lifespan="off",
    )


if __name__ == "__main__":
    main()
