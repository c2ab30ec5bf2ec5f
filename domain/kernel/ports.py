"""What the domain needs of the outside, beside the ledger."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """Where `at` comes from."""

    async def now(self, organization_id: UUID) -> datetime:
        """The organization's time, aware and in UTC: the machine's, or its test clock's in a sandbox."""
        ...
