"""Event ingest: authenticate, check, append to the ingest log, answer once that is committed.

Source: metering-pricing E1 to E11; api-surface Events, 3.2, Q40, Q41.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import structlog

from api.errors import RequestError, too_large
from api.ingest import answers, body
from api.ingest.body import IncomingEvent
from api.ingest.events import Arrival, EventError, to_line
from api.ingest.expressions import Expressions
from domain.kernel.errors import BillingError
from projections.postgres import Database
from projections.usage import lines
from projections.usage.lines import Line
from projections.usage.writer import IngestLog

SINGLE = "/api/v1/events"
BATCH = "/api/v1/events/batch"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

Customers = Callable[[UUID, str], Awaitable[str | None]]
"""Organization, external id of a customer -> external id of its active subscription, None unless it has just one."""

_log = structlog.get_logger()


class Tenant(Protocol):
    """What ingest needs to know of whose key it is."""

    @property
    def organization_id(self) -> UUID: ...

    async def now(self) -> datetime: ...


class _DisconnectedError(Exception):
    """The client went away while it sent."""


class IngestApp:
    """Takes `POST /api/v1/events` and `/events/batch`, and leaves the rest to `inner`.

    Args:
        database: where the log is; a connection of its own is made with the first event.
        tenant_of: header `Authorization` -> whose key it is, or `RequestError` (`Tenants.of`). Asked for every request.
        customers: for events that name a customer instead of a subscription.
        expressions: of billable metrics; without it properties are kept as sent.
    """

    def __init__(
        self,
        inner: Application,
        database: Database,
        tenant_of: Callable[[str | None], Awaitable[Tenant]],
        *,
        customers: Customers,
        expressions: Expressions | None = None,
    ) -> None:
        self._inner = inner
        self._tenant_of = tenant_of
        self._customers = customers
        self._expressions = expressions
        self._ingest_log = IngestLog(database.connect)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http" and scope["path"] in (SINGLE, BATCH) and scope["method"] == "POST":
            try:
                status, content = await self._answer(scope, receive)
            except _DisconnectedError:
                return
            length = b"%d" % len(content)
            headers = [(b"content-type", b"application/json"), (b"content-length", length)]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": content})
        elif kind == "lifespan":
            try:
                await self._inner(scope, receive, send)
            finally:
                await self.close()
        else:
            await self._inner(scope, receive, send)

    async def close(self) -> None:
        """Commit what waits, and disconnect. At the end of a lifespan it is called by itself."""
        await self._ingest_log.close()

    async def _answer(self, scope: Message, receive: Receive) -> tuple[int, bytes]:
        try:
            tenant = await self._tenant_of(_authorization(scope))
            content = await _content(receive)
            if scope["path"] == SINGLE:
                return await self._single(tenant, content)
            return await self._batch(tenant, content)
        except (RequestError, BillingError) as error:
            return answers.error(error)
        except _DisconnectedError:
            raise
        except Exception as error:
            _log.exception("ingest failed")
            return answers.error(error)

    async def _single(self, tenant: Tenant, content: bytes) -> tuple[int, bytes]:
        event = body.single(content)
        arrival = await self._arrival(tenant, content)
        await self._find_subscription(event, tenant)
        line, key = to_line(event, arrival)
        if await self._ingest_log.append([] if key is None else [key], lines.encode([line]), 1):
            raise EventError(_taken())
        return 200, answers.single(line)

    async def _batch(self, tenant: Tenant, content: bytes) -> tuple[int, bytes]:
        events = body.batch(content)
        arrival = await self._arrival(tenant, content)
        read: list[Line] = []
        keys: dict[bytes, int] = {}  # -> index of the event
        errors: dict[str, object] = {}
        for index, event in enumerate(events):
            try:
                if not event.external_subscription_id:
                    await self._find_subscription(event, tenant)
                line, key = to_line(event, arrival)
            except EventError as error:
                errors[str(index)] = error.details
                continue
            read.append(line)
            if key is not None and keys.setdefault(key, index) != index:
                errors[str(index)] = _taken()
        if not errors:
            taken = await self._ingest_log.append(list(keys), lines.encode(read), len(read))
            if not taken:
                return 200, answers.batch(read)
            indexes = list(keys.values())
            errors = {str(indexes[position]): _taken() for position in taken}
        return answers.refusal(errors)

    async def _arrival(self, tenant: Tenant, content: bytes) -> Arrival:
        organization_id = tenant.organization_id
        expressions = {} if self._expressions is None else await self._expressions(organization_id)
        return Arrival.of(organization_id, await tenant.now(), expressions, content)

    async def _find_subscription(self, event: IncomingEvent, tenant: Tenant) -> None:
        """An event that names only a customer is of the one active subscription of that.

        Raises:
            EventError: the customer has none, or several.
        """
        customer = event.external_customer_id if event.external_customer_id is not None else event.customer_id
        if event.external_subscription_id or customer is None:
            return
        found = None
        if isinstance(customer, str | int) and not isinstance(customer, bool) and "\0" not in str(customer):
            found = await self._customers(tenant.organization_id, str(customer))
        if found is None:
            raise EventError({"external_subscription_id": ["value_is_mandatory"]})
        event.external_subscription_id = found


def _taken() -> dict[str, list[str]]:
    return {"transaction_id": ["value_already_exist"]}


def _authorization(scope: Message) -> str | None:
    headers: Sequence[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == b"authorization":
            return value.decode("latin-1")
    return None


async def _content(receive: Receive) -> bytes:
    """The whole body.

    Raises:
        RequestError: 413, it is longer than `body.MAX_BYTES`.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _DisconnectedError
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > body.MAX_BYTES:
            raise too_large()
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
