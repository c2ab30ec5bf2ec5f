"""A tax: a rate with a name, put on what an organization sells."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.kernel.aggregate import Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxDetails:
    """What may be changed; `rate` is in percent. Source: api-surface "Taxes"."""

    name: str
    code: str
    rate: Decimal
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTerms:
    """A tax as it was when it was applied: what fees and invoices keep of it (invoicing-money 19, quirk 32).

    Attributes:
        rate: percent.
    """

    tax_id: UUID
    code: str
    name: str
    rate: Decimal
    description: str | None


class Tax(Aggregate):
    """Once deleted it applies nowhere, whatever still names it."""

    TOPIC = "tax"

    class Created(Aggregate.Created):
        TOPIC = "tax.created"
        organization_id: UUID
        details: TaxDetails

    class Updated(Aggregate.Event):
        TOPIC = "tax.updated"
        details: TaxDetails

        def apply(self, tax: Tax) -> None:
            tax.details = self.details

    class Deleted(Aggregate.Event):
        TOPIC = "tax.deleted"

        def apply(self, tax: Tax) -> None:
            tax.deleted_at = self.timestamp

    def __init__(self, organization_id: UUID, details: TaxDetails) -> None:
        self.organization_id, self.details = organization_id, details
        self.deleted_at: datetime | None = None

    @property
    def terms(self) -> TaxTerms:
        details = self.details
        return TaxTerms(
            tax_id=self.id,
            code=details.code,
            name=details.name,
            rate=details.rate,
            description=details.description,
        )

    def update(self, details: TaxDetails, *, at: datetime) -> None:
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

    def delete(self, *, at: datetime) -> None:
        if self.deleted_at is None:
            self.trigger_event(self.Deleted, timestamp=at)
