"""Whose key a request carries, and what belongs to that organization: its ledger, its time.

Source: api-surface 3.1.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from api.errors import unauthorized
from domain.organizations.organization import hash_of
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database
from projections.views import test_clocks

_TRUSTED_SECONDS = 2.0
"""How long a key that was found is not looked up again."""

_OWNER = """
select organizations.doc::text from api_keys join organizations on organizations.id = api_keys.organization_id
where api_keys.sha256 = %s and api_keys.deleted_at is null
"""


@dataclass(frozen=True, slots=True)
class Tenant:
    """The organization that a request is for.

    Attributes:
        organization: its read model's doc, a moment old at most: good for presenting, not for deciding.
    """

    organization_id: UUID
    sandbox: bool
    organization: dict[str, Any]
    ledger: PostgresLedger
    database: Database

    async def now(self) -> datetime:
        """The organization's time: the test clock's in a sandbox, else the machine's."""
        if self.sandbox:
            return (await test_clocks.get(self.database, self.organization_id)).now
        return datetime.now(UTC)  # noqa: TID251 - the edge where real time enters the API


class Tenants:
    """Keys and their organizations."""

    def __init__(self, database: Database, ledger: PostgresLedger) -> None:
        self._database, self._ledger = database, ledger
        self._known: dict[str, tuple[float, Tenant]] = {}

    async def of(self, authorization: str | None) -> Tenant:
        """The tenant whose key is the second word of the header `Authorization`; the first is not looked at.

        Raises:
            RequestError: 401, there is no key or nobody has it.
        """
        words = (authorization or "").split()
        if len(words) < 2:
            raise unauthorized()
        sha256 = hash_of(words[1])
        until, tenant = self._known.get(sha256, (0.0, None))
        if tenant is None or until < time.monotonic():
            tenant = await self._find(sha256)
            self._known[sha256] = time.monotonic() + _TRUSTED_SECONDS, tenant
        return tenant

    def forget(self, organization_id: UUID) -> None:
        """Look the organization up again: it has changed."""
        for sha256 in [key for key, (_, tenant) in self._known.items() if tenant.organization_id == organization_id]:
            self._known.pop(sha256, None)

    async def _find(self, sha256: str) -> Tenant:
        async with self._database.connection(None) as connection:
            row = await (await connection.execute(_OWNER, (sha256,), prepare=True)).fetchone()
        if row is None:
            self._known.pop(sha256, None)
            raise unauthorized()
        doc = msgspec.json.decode(row[0])
        return Tenant(UUID(doc["id"]), doc["sandbox"], doc, self._ledger, self._database)
