"""Whether the process lives, and whether what it depends on is there. Nobody needs a key to ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import httpx

from api.call import Call
from api.envelope import Json, Reply
from api.routing import Resource
from domain.kernel.errors import UnavailableError
from projections.migrate import SchemaError, check
from projections.postgres import Database
from projections.settings import Settings

Probe = Callable[[], Awaitable[None]]
"""Returns where the dependency is there, else raises; what was raised is said by its type only."""

_PATIENCE_SECONDS = 3.0

router = Resource("health", prefix="")


@router.get("/health")
async def health(call: Call) -> Json:
    """The process answers."""
    return {"status": "ok"}


@router.get("/ready")
async def ready(call: Call) -> Reply:
    """Everything that requests and billing need is there; 503 names what is not."""
    names = list(call.services.probes)
    found = await asyncio.gather(*map(_ask, call.services.probes.values()))
    available = all(answer == "ok" for answer in found)
    body = {"status": "ready" if available else "unavailable", "dependencies": dict(zip(names, found, strict=True))}
    return Reply(200 if available else 503, body)


async def _ask(probe: Probe) -> str:
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await probe()
    except Exception as error:
        return type(error).__name__
    return "ok"


def probes_of(settings: Settings, database: Database) -> Mapping[str, Probe]:
    """PostgreSQL with all migrations, and those of the other engines whose address is known."""

    async def postgres() -> None:
        if not await check(database):
            raise SchemaError("migrations are missing")

    async def clickhouse() -> None:
        assert settings.clickhouse_url is not None
        parts = urlsplit(settings.clickhouse_url.get_secret_value())
        scheme = "https" if parts.scheme in ("https", "clickhouses") else "http"
        async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS) as client:
            answer = await client.get(f"{scheme}://{parts.hostname}:{parts.port or 8123}/ping")
        if answer.status_code != 200:
            raise UnavailableError("clickhouse")

    async def temporal() -> None:
        assert settings.temporal_address is not None
        host, _, port = settings.temporal_address.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()

    probes: dict[str, Probe] = {"postgres": postgres}
    if settings.clickhouse_url is not None:
        probes["clickhouse"] = clickhouse
    if settings.temporal_address is not None:
        probes["temporal"] = temporal
    return probes
