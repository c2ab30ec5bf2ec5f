"""One request, as the operations see it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from api.errors import bad_request, missing_parameter, too_large
from api.expressions import MetricExpressions
from api.fields import Fields
from api.pagination import Page, page_of
from api.parameters import parse_body, parse_query
from api.tenant import Tenant, Tenants
from domain.kernel.errors import NotFoundError
from domain.metering.ports import UsageReader
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from projections.usage.events import UsageEvents

MAX_BODY_BYTES = 2 << 20


@dataclass(frozen=True, slots=True)
class Services:
    """What the process has for all requests.

    Attributes:
        usage: what pricing reads; `events` what is shown.
        admin_key: None where nobody is an administrator.
        probes: what `/ready` asks, by name; each raises where its dependency is not there.
    """

    database: Database
    ledger: PostgresLedger
    usage: UsageReader
    events: UsageEvents
    tenants: Tenants
    expressions: MetricExpressions
    admin_key: str | None
    probes: Mapping[str, Callable[[], Awaitable[None]]]


class Call(Request):
    """Handlers take one `Call` and answer a dict, sent as JSON with status 200, or a `Reply`.

    Attributes:
        identifiers: parts of the path, decoded.
        parameters: of the query and of the body, merged; the body's win.
        tenant: whose key it is; only operations under `/api/v1` have one.
    """

    identifiers: Mapping[str, str]
    services: Services
    tenant: Tenant

    def __init__(self, scope: Scope, receive: Receive, services: Services, identifiers: Mapping[str, str]) -> None:
        super().__init__(scope, receive)
        self.services, self.identifiers = services, identifiers
        self.content = b""
        self.parameters: dict[str, Any] = {}

    def header(self, name: bytes) -> str | None:
        """The value of the first header with this lower-case name."""
        return next((value.decode("latin-1") for key, value in self.scope["headers"] if key == name), None)

    async def read(self) -> None:
        """Take in the body and the parameters.

        Raises:
            RequestError: 400 or 413.
            InvalidInputError: a NUL in a text.
        """
        self.content = await _content(self.header(b"content-length"), self.receive)
        self.parameters = {**parse_query(self.scope["query_string"]), **parse_body(self.content)}

    @property
    def page(self) -> Page:
        return page_of(self.parameters)

    def fields(self, wrapper: str) -> Fields:
        """The object that the body is about, under the key `wrapper`.

        Raises:
            RequestError: 400, it is missing, empty or no object.
        """
        value = self.parameters.get(wrapper)
        if not isinstance(value, dict) or not value:
            raise missing_parameter(wrapper)
        return Fields(value)

    def text(self, name: str) -> str | None:
        """A parameter that is one text; None where it is absent, blank or of another shape."""
        value = self.parameters.get(name)
        return value if isinstance(value, str) and value else None

    def texts(self, name: str) -> list[str]:
        """A parameter that is a list of texts (`name[]=…`); empty where it is absent or of another shape."""
        value = self.parameters.get(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def boolean(self, name: str) -> bool | None:
        """A parameter that is true or false; None where it is absent or something else."""
        return {"true": True, "1": True, "false": False, "0": False}.get(str(self.parameters.get(name)).lower())

    def uuid(self, name: str, resource: str) -> UUID:
        """The identifier `name` of the path.

        Raises:
            NotFoundError: of `resource`, for there is none with an id that is no UUID (api-surface 3.2).
        """
        try:
            return UUID(self.identifiers[name])
        except ValueError:
            raise NotFoundError(resource) from None


async def _content(length: str | None, receive: Receive) -> bytes:
    if length is not None and length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise too_large()
    content, more = b"", True
    while more:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise bad_request()  # the client went away: what it sent so far may be another command than it meant
        content += message.get("body", b"")
        more = message.get("more_body", False)
        if len(content) > MAX_BODY_BYTES:
            raise too_large()
    return content
