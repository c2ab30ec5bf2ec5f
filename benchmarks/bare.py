"""The limit of what goes over HTTP: raw ASGI handlers that commit and answer as many bytes as Durabill's, and look at nothing.

They run under the same server with the same settings, and commit through the same writers: one row of the ingest log
with a key per event (`IngestLog`), one event of the ledger (`GroupCommit`). What they leave out is what Durabill does
besides: it authenticates, decodes, checks, hashes, reads, decides, and writes read models.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import uvicorn
from eventsourcing.persistence import StoredEvent

from api.envelope import encode
from api.ingest import answers, body
from api.ingest.events import Arrival, to_line
from benchmarks import stack, tenant
from benchmarks.bodies import BATCH, PATHS, maker
from cli.embedded import processes
from cli.main import configured
from cli.up import HOST, Stack
from domain.customers.customer import Customer, CustomerDetails
from domain.kernel import ids
from domain.organizations.organization import Organization, OrganizationDetails
from projections import views
from projections.ledger.appending import Append
from projections.ledger.group_commit import GroupCommit
from projections.ledger.mapper import LedgerMapper
from projections.postgres import Database
from projections.presenters.customers import present_whole_customer
from projections.settings import Settings
from projections.usage import lines
from projections.usage.writer import IngestLog

Message = MutableMapping[str, Any]
Handler = Callable[[], Awaitable[bytes]]
"""Commits, and gives the answer."""


@asynccontextmanager
async def serving(on: Stack) -> AsyncIterator[int]:
    """The port of a process that serves these handlers."""
    port = processes.free_port()
    async with stack.beside(on, "benchmarks.bare", str(port)):
        await stack.listens(port)
        yield port


class Bare:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._ingest_log, self._commits = IngestLog(database.connect), GroupCommit(database.connect)
        self._handlers = {
            PATHS["event"]: self._events(1),
            PATHS["batch"]: self._events(BATCH),
            PATHS["customer"]: self._customer(),
        }

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body", False):
            pass
        content = await self._handlers[scope["path"]]()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _events(self, count: int) -> Handler:
        arrival = Arrival.of(ids.new(), tenant.now(), {})
        if count == 1:
            read = [to_line(body.single(maker("event", "0" * 12)()), arrival)[0]]
            answer = answers.single(read[0])
        else:
            read = [to_line(event, arrival)[0] for event in body.batch(maker("batch", "0" * 12)())]
            answer = answers.batch(read)
        content = lines.encode(read)

        async def handle() -> bytes:
            random = os.urandom(16 * count)
            keys = [random[start : start + 16] for start in range(0, len(random), 16)]
            await self._ingest_log.append(keys, content, count)
            return answer

        return handle

    def _customer(self) -> Handler:
        organization = Organization.begin(
            ids.new(),
            details=OrganizationDetails(name="Bare", document_number_prefix="BAR"),
            sandbox=False,
            at=tenant.now(),
        )
        details = CustomerDetails(external_id="0" * 25, name="0" * 21, email="billing@example.com", currency="EUR")
        customer = Customer.begin(
            ids.new(),
            organization_id=organization.id,
            sequential_id=1,
            details=replace(details, timezone="Europe/Berlin"),
            at=tenant.now(),
        )
        answer = encode({"customer": present_whole_customer(views.document(customer), views.document(organization))})
        [created] = customer.collect_events()
        stored = LedgerMapper().to_stored_event(created)

        async def handle() -> bytes:
            await self._commits.append(Append([StoredEvent(ids.new(), 1, stored.topic, stored.state)]))
            return answer

        return handle


def main() -> None:
    settings: Settings = configured("bare")
    assert settings.database_url is not None, "`configured` has looked"
    app = Bare(Database(settings.database_url.get_secret_value()))
    # as `durabill serve` runs
    uvicorn.run(
        app,
        host=HOST,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        lifespan="off",
    )


if __name__ == "__main__":
    main()
