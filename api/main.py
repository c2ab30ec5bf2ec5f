"""The process that serves HTTP: `create_app(settings)` under uvicorn.

Whatever a request is, it is answered by JSON in Lago's form; nothing is redirected, and FastAPI only describes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

import structlog
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api import admin, health
from api.call import Call, Services
from api.envelope import Json, Reply, encode
from api.errors import present_error
from api.health import Probe, probes_of
from api.idempotency import perform
from api.resources.customers import router as customers
from api.resources.organizations import router as organizations
from api.resources.test_clock import router as test_clock
from api.routing import Operations
from api.tenant import Tenants
from domain.kernel import decimals, ids
from domain.kernel.errors import NotFoundError
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from projections.settings import Settings

RESOURCES: tuple[APIRouter, ...] = (
    health.router,
    admin.router,
    organizations.router,
    test_clock.router,
    customers.router,
)

_DOCUMENTATION = ("/openapi.json", "/docs", "/docs/oauth2-redirect")

log = structlog.get_logger(__name__)
_log_level = logging.getLogger(__name__)


class Api:
    """The REST API: finds the operation, authenticates, performs, answers."""

    def __init__(self, services: Services, documentation: ASGIApp) -> None:
        self._services, self._documentation = services, documentation
        self._operations = Operations(RESOURCES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _DOCUMENTATION:
            await self._documentation(scope, receive, send)
            return
        began, request_id = time.perf_counter(), str(ids.new())
        try:
            answer = await self._answer(scope, receive)
            reply = answer if isinstance(answer, Reply) else Reply(body=answer)
        except Exception as error:
            reply = Reply(*present_error(error))
            if reply.status >= 500:
                log.error("request failed", request_id=request_id, path=scope["path"], exc_info=error)
        await _send(reply, request_id, send)
        level = logging.DEBUG if reply.status < 400 else logging.INFO
        if not _log_level.isEnabledFor(level):
            return
        log.log(
            level,
            "request",
            request_id=request_id,
            method=scope["method"],
            path=scope["path"],
            status=reply.status,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )

    async def _answer(self, scope: Scope, receive: Receive) -> Json | Reply:
        raw_path = scope.get("raw_path") or scope["path"].encode()
        found = self._operations.find(scope["method"], raw_path.decode("latin-1"))
        if found is None:
            raise NotFoundError("resource")
        handler, identifiers = found
        call = Call(scope, receive, self._services, identifiers)
        if raw_path.startswith(b"/api/"):
            call.tenant = await self._services.tenants.of(call.header(b"authorization"))
            await call.read()
            return await perform(handler, call)
        return await handler(call)


async def _send(reply: Reply, request_id: str, send: Send) -> None:
    headers = [(b"x-request-id", request_id.encode())]
    content = b""
    if reply.body is not None:
        content = encode(reply.body)
        headers.append((b"content-type", b"application/json; charset=utf-8"))
    headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def create_app(settings: Settings, *, probes: Mapping[str, Probe] | None = None) -> ASGIApp:
    """The application, connected when its lifespan starts.

    Args:
        probes: what `/ready` asks beside PostgreSQL, by name; each raises where its dependency is not there.
    """
    decimals.set_up()
    assert settings.database_url is not None, "the embedded stack sets it"
    database = Database(settings.database_url.get_secret_value(), max_size=settings.pool_size)
    ledger = PostgresLedger(database)
    services = Services(
        database=database,
        ledger=ledger,
        tenants=Tenants(database, ledger),
        admin_key=settings.admin_key.get_secret_value() if settings.admin_key else None,
        probes=probes_of(settings, database) if probes is None else probes,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with database:
            yield
            await ledger.close()

    documentation = FastAPI(
        title="Durabill",
        description="Metering and billing, with Lago's REST API",
        version=version("durabill"),
        lifespan=lifespan,
        redoc_url=None,
    )
    for resource in RESOURCES:
        documentation.include_router(resource)
    return Api(services, documentation)
