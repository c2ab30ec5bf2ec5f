"""An organization: whose customers are billed, and the settings of its (one, default) billing entity."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.kernel import ids
from domain.kernel.aggregate import Aggregate

DocumentNumbering = Literal["per_customer", "per_organization"]
IssuingDateAnchor = Literal["current_period_end", "next_period_start"]
IssuingDateAdjustment = Literal["keep_anchor", "align_with_finalization_date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDetails:
    """What may be changed. `net_payment_term` and `invoice_grace_period` are days; `tax_ids` are the default taxes.
    `custom_aggregation` is the operator's permission to make metrics of `custom_agg`.

    Source: api-surface "Organization and billing entities", invoicing-money 16.
    """

    name: str
    document_number_prefix: str
    legal_name: str | None = None
    legal_number: str | None = None
    tax_identification_number: str | None = None
    email: str | None = None
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    zipcode: str | None = None
    state: str | None = None
    country: str | None = None
    default_currency: str = "USD"
    timezone: str = "UTC"
    net_payment_term: int = 0
    document_numbering: DocumentNumbering = "per_customer"
    document_locale: str = "en"
    invoice_footer: str | None = None
    invoice_grace_period: int = 0
    finalize_zero_amount_invoice: bool = True
    subscription_invoice_issuing_date_anchor: IssuingDateAnchor = "next_period_start"
    subscription_invoice_issuing_date_adjustment: IssuingDateAdjustment = "align_with_finalization_date"
    email_settings: tuple[str, ...] = ()
    webhook_url: str | None = None
    tax_ids: tuple[UUID, ...] = ()
    custom_aggregation: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as it is stored: its hash and its last characters, never the key."""

    id: UUID
    sha256: str
    hint: str
    created_at: datetime


def hash_of(key: str) -> str:
    """How a key is stored. Keys are random and long, so a plain hash cannot be turned back."""
    return hashlib.sha256(key.encode()).hexdigest()


def default_prefix(name: str, organization_id: UUID) -> str:
    """`ACM-1A2B`: the first 3 letters of the name and the last 4 characters of the id (invoicing-money 5.5)."""
    letters = "".join(character for character in name if character.isalnum())[:3] or "ORG"
    return f"{letters}-{str(organization_id)[-4:]}".upper()


class Organization(Aggregate):
    TOPIC = "organization"

    class Created(Aggregate.Created):
        TOPIC = "organization.created"
        details: OrganizationDetails
        sandbox: bool

    class Updated(Aggregate.Event):
        TOPIC = "organization.updated"
        details: OrganizationDetails

        def apply(self, organization: Organization) -> None:
            organization.details = self.details

    class ApiKeyAdded(Aggregate.Event):
        TOPIC = "organization.api_key_added"
        api_key: ApiKey

        def apply(self, organization: Organization) -> None:
            organization.api_keys = (*organization.api_keys, self.api_key)

    def __init__(self, details: OrganizationDetails, sandbox: bool) -> None:
        self.organization_id = self.id
        self.details, self.sandbox = details, sandbox
        self.api_keys: tuple[ApiKey, ...] = ()

    @property
    def billing_entity_id(self) -> UUID:
        return ids.of("billing_entity", self.id)

    def update(self, details: OrganizationDetails, *, at: datetime) -> None:
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

    def add_api_key(self, *, at: datetime) -> str:
        """The new key, in clear: it can be shown now and never again. Keys are UUIDs (api-surface 3.1)."""
        key = str(UUID(int=secrets.randbits(128), version=4))
        api_key = ApiKey(id=ids.new(), sha256=hash_of(key), hint=key[-4:], created_at=at)
        self.trigger_event(self.ApiKeyAdded, api_key=api_key, timestamp=at)
        return key
