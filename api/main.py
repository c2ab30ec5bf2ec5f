"""The process that serves HTTP: `create_app(settings)` under uvicorn.

Whatever a request is, it is answered by JSON in Lago's form; nothing is redirected, and FastAPI only describes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

import structlog
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api import admin, health
from api.call import Call, Services
from api.envelope import Json, Reply, encode
from api.errors import present_error
from api.expressions import MetricExpressions
from api.health import Probe, probes_of
from api.idempotency import perform
from api.ingest.app import Application, IngestApp
from api.resources.add_ons import router as add_ons
from api.resources.billable_metrics import router as billable_metrics
from api.resources.charges import router as charges
from api.resources.credit_notes import router as credit_notes
from api.resources.customer_usage import router as customer_usage
from api.resources.customers import router as customers
from api.resources.events import estimates
from api.resources.events import router as events
from api.resources.fees import router as fees
from api.resources.fixed_charges import router as fixed_charges
from api.resources.invoices import router as invoices
from api.resources.organizations import router as organizations
from api.resources.plans import router as plans
from api.resources.pricing_units import router as pricing_units
from api.resources.subscriptions import router as subscriptions
from api.resources.taxes import router as taxes
from api.resources.test_clock import router as test_clock
from api.routing import Handler, Operations
from api.tenant import Tenants
from domain.kernel import decimals, ids
from domain.kernel.errors import NotFoundError, UnavailableError
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from projections.settings import Settings
from projections.usage.events import UsageEvents
from projections.usage.reader import ClickHouseUsageReader
from projections.usage.store import UsageStore, connector
from projections.views.customers import only_subscription

RESOURCES: tuple[APIRouter, ...] = (
    health.router,
    admin.router,
    organizations.router,
    test_clock.router,
    taxes.router,
    customers.router,
    customer_usage.router,
    billable_metrics.router,
    pricing_units.router,
    add_ons.router,
    plans.router,
    charges.of_plans,
    fixed_charges.of_plans,
    subscriptions.router,
    charges.of_subscriptions,
    fixed_charges.of_subscriptions,
    invoices.router,
    invoices.documents,
    credit_notes.router,
    fees.router,
    events.router,
    estimates.router,
)

_DESCRIBED = ("/openapi.json", "/docs", "/docs/oauth2-redirect")

log = structlog.get_logger(__name__)
_log_level = logging.getLogger(__name__)


class Api:
    """The REST API: finds the operation, authenticates, performs, answers."""

    def __init__(self, services: Services, description: ASGIApp) -> None:
        self._services, self._description = services, description
        self._operations = Operations(RESOURCES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _DESCRIBED:
            await self._description(scope, receive, send)
            return
        began, request_id = time.perf_counter(), str(ids.new())
        structlog.contextvars.bind_contextvars(request_id=request_id)
        raw_path = scope.get("raw_path") or scope["path"].encode()
        found = self._operations.find(scope["method"], raw_path.decode("latin-1"))
        try:
            answer = await self._answer(found, scope, receive)
            reply = answer if isinstance(answer, Reply) else Reply(body=answer)
        except Exception as error:
            reply = Reply(*present_error(error))
            if isinstance(error, UnavailableError):
                log.warning("request refused", what=error.what)
            elif reply.status >= 500:
                log.error("request failed", exc_info=error)
        await _send(reply, request_id, send)
        level = logging.DEBUG if reply.status < 400 else logging.INFO
        if _log_level.isEnabledFor(level):  # asked first, since structlog formats before it asks
            operation = found[0].__name__ if found else None
            milliseconds = round((time.perf_counter() - began) * 1000, 1)
            log.log(level, "request", operation=operation, status=reply.status, milliseconds=milliseconds)

    async def _answer(
        self, found: tuple[Handler, dict[str, str]] | None, scope: Scope, receive: Receive
    ) -> Json | Reply:
        if found is None:
            raise NotFoundError("resource")
        handler, identifiers = found
        call = Call(scope, receive, self._services, identifiers)
        if not scope["path"].startswith("/api/"):
            return await handler(call)
        call.tenant = await self._services.tenants.of(call.header(b"authorization"))
        structlog.contextvars.bind_contextvars(organization_id=str(call.tenant.organization_id))
        await call.read()
        return await perform(handler, call)


async def _send(reply: Reply, request_id: str, send: Send) -> None:
    headers = [(b"x-request-id", request_id.encode())]
    content, content_type = reply.content, reply.content_type
    if reply.body is not None:
        content, content_type = encode(reply.body), "application/json; charset=utf-8"
    if content_type is not None:
        headers.append((b"content-type", content_type.encode()))
    headers.append((b"content-length", str(len(content)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def create_app(settings: Settings, *, probes: Mapping[str, Probe] | None = None) -> Application:
    """The application, which connects when its lifespan starts.

    Args:
        probes: what `/ready` asks, by name, where that is not for the settings to say; each raises where its
            dependency is not there.
    """
    decimals.set_up()
    assert settings.database_url is not None, "the embedded stack sets it"
    assert settings.clickhouse_url is not None, "the embedded stack sets it"
    database = Database(settings.database_url.get_secret_value(), max_size=settings.pool_size)
    store = UsageStore(connector(settings.clickhouse_url.get_secret_value()))
    ledger = PostgresLedger(database)
    services = Services(
        database=database,
        ledger=ledger,
        usage=ClickHouseUsageReader(database, store),
        events=UsageEvents(database, store),
        tenants=Tenants(database, ledger),
        expressions=MetricExpressions(database),
        admin_key=settings.admin_key.get_secret_value() if settings.admin_key else None,
        probes=probes_of(settings, database) if probes is None else probes,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with database:
            yield
            await ledger.close()
            await store.close()

    description = FastAPI(
        title="Durabill",
        description="Metering and billing, with Lago's REST API",
        version=version("durabill"),
        lifespan=lifespan,
        redoc_url=None,
    )
    for resource in (*RESOURCES, events.ingest):
        description.include_router(resource)
    return IngestApp(
        Api(services, description),
        database,
        services.tenants.of,
        customers=partial(only_subscription, database),
        expressions=services.expressions,
    )
