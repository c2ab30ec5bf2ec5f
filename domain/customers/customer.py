"""A customer of an organization: who is billed, and what differs for them from the organization's settings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.kernel.aggregate import Aggregate

FinalizeZeroAmountInvoice = Literal["inherit", "skip", "finalize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    address_line1: str | None = None
    address_line2: str | None = None
    city: str | None = None
    zipcode: str | None = None
    state: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    id: UUID
    key: str
    value: str
    display_in_invoice: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingConfiguration:
    """Overrides of the organization's settings; None inherits. `invoice_grace_period` is in days."""

    invoice_grace_period: int | None = None
    document_locale: str | None = None
    payment_provider: str | None = None
    payment_provider_code: str | None = None
    provider_customer_id: str | None = None
    sync: bool | None = None
    sync_with_provider: bool | None = None
    provider_payment_methods: tuple[str, ...] | None = None
    subscription_invoice_issuing_date_anchor: str | None = None
    subscription_invoice_issuing_date_adjustment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerDetails:
    """What may be changed; None where unset. Source: api-surface "Customers", invoicing-money 16."""

    external_id: str
    name: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    customer_type: Literal["company", "individual"] | None = None
    account_type: Literal["customer", "partner"] = "customer"
    email: str | None = None
    phone: str | None = None
    url: str | None = None
    logo_url: str | None = None
    legal_name: str | None = None
    legal_number: str | None = None
    tax_identification_number: str | None = None
    external_salesforce_id: str | None = None
    address: Address = Address()
    shipping_address: Address = Address()
    currency: str | None = None
    timezone: str | None = None
    net_payment_term: int | None = None
    finalize_zero_amount_invoice: FinalizeZeroAmountInvoice = "inherit"
    skip_invoice_custom_sections: bool = False
    billing_configuration: BillingConfiguration = BillingConfiguration()
    metadata: tuple[Metadata, ...] = ()
    tax_ids: tuple[UUID, ...] = ()


class Customer(Aggregate):
    TOPIC = "customer"

    class Created(Aggregate.Created):
        TOPIC = "customer.created"
        organization_id: UUID
        sequential_id: int
        details: CustomerDetails

    class Updated(Aggregate.Event):
        TOPIC = "customer.updated"
        details: CustomerDetails

        def apply(self, customer: Customer) -> None:
            customer.details = self.details

    class RegroupingBegun(Aggregate.Event):
        """The customer has fees that are put on an invoice once they are paid (metering-pricing V12)."""

        TOPIC = "customer.regrouping_begun"

        def apply(self, customer: Customer) -> None:
            customer.regroups_paid_fees = True

    class Deleted(Aggregate.Event):
        TOPIC = "customer.deleted"

        def apply(self, customer: Customer) -> None:
            customer.deleted_at = self.timestamp

    def __init__(self, organization_id: UUID, sequential_id: int, details: CustomerDetails) -> None:
        self.organization_id, self.sequential_id, self.details = organization_id, sequential_id, details
        self.regroups_paid_fees = False
        self.deleted_at: datetime | None = None

    def update(self, details: CustomerDetails, *, at: datetime) -> None:
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

    def regroup_paid_fees(self, *, at: datetime) -> None:
        """From now on its billing looks for paid fees, whichever charge they are of and whatever becomes of that."""
        if not self.regroups_paid_fees:
            self.trigger_event(self.RegroupingBegun, timestamp=at)

    def delete(self, *, at: datetime) -> None:
        if self.deleted_at is None:
            self.trigger_event(self.Deleted, timestamp=at)
