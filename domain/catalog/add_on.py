"""An add-on: something sold by the piece, by a fixed charge of a plan or on an invoice of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.kernel.aggregate import Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOnDetails:
    """Source: api-surface "Add-ons". `amount_cents` is the price of one where nobody says another."""

    name: str
    code: str
    amount_cents: int
    amount_currency: str
    description: str | None = None
    invoice_display_name: str | None = None
    tax_ids: tuple[UUID, ...] = ()


class AddOn(Aggregate):
    TOPIC = "add_on"

    class Created(Aggregate.Created):
        TOPIC = "add_on.created"
        organization_id: UUID
        details: AddOnDetails

    class Updated(Aggregate.Event):
        TOPIC = "add_on.updated"
        details: AddOnDetails

        def apply(self, add_on: AddOn) -> None:
            add_on.details = self.details

    class Deleted(Aggregate.Event):
        TOPIC = "add_on.deleted"

        def apply(self, add_on: AddOn) -> None:
            add_on.deleted_at = self.timestamp

    def __init__(self, organization_id: UUID, details: AddOnDetails) -> None:
        self.organization_id, self.details = organization_id, details
        self.deleted_at: datetime | None = None

    def update(self, details: AddOnDetails, *, at: datetime) -> None:
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

    def delete(self, *, at: datetime) -> None:
        if self.deleted_at is None:
            self.trigger_event(self.Deleted, timestamp=at)
