"""A fee that was made by itself: of a charge in advance that is not invoiceable.

It stands on no invoice, unless its charge has paid fees gathered (`paid_fees.py`) and it was paid.

Source: metering-pricing V2, V11, V12; invoicing-money 3, 10.7.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.invoicing.invoice import Fee, InvoiceStatus
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import NotAllowedError

FeePaymentStatus = Literal["pending", "succeeded", "failed", "refunded"]


class StandaloneFee(Aggregate):
    """Its id is that of the fee."""

    TOPIC = "fee"

    class Created(Aggregate.Created):
        TOPIC = "fee.created"
        organization_id: UUID
        customer_id: UUID
        external_customer_id: str
        currency: str
        timezone: str
        fee: Fee

    class PaymentStatusChanged(Aggregate.Event):
        """Somebody outside says how its payment stands (invoicing-money 10.7)."""

        TOPIC = "fee.payment_status_changed"
        payment_status: FeePaymentStatus

        def apply(self, standalone: StandaloneFee) -> None:
            standalone.payment_status = self.payment_status
            standalone.payment_status_at = self.timestamp

    class Invoiced(Aggregate.Event):
        """It was paid, and stands on the invoice that gathers such fees."""

        TOPIC = "fee.invoiced"
        invoice_id: UUID
        invoice_status: InvoiceStatus

        def apply(self, standalone: StandaloneFee) -> None:
            standalone.invoice_id, standalone.invoice_status = self.invoice_id, self.invoice_status

    class Deleted(Aggregate.Event):
        TOPIC = "fee.deleted"

        def apply(self, standalone: StandaloneFee) -> None:
            standalone.deleted_at = self.timestamp

    def __init__(
        self,
        organization_id: UUID,
        customer_id: UUID,
        external_customer_id: str,
        currency: str,
        timezone: str,
        fee: Fee,
    ) -> None:
        self.organization_id, self.customer_id = organization_id, customer_id
        self.external_customer_id, self.currency, self.timezone = external_customer_id, currency, timezone
        self.fee = fee
        self.payment_status: FeePaymentStatus = "pending"
        self.payment_status_at: datetime | None = None
        self.deleted_at: datetime | None = None
        self.invoice_id: UUID | None = None
        self.invoice_status: InvoiceStatus | None = None

    @property
    def charges_to_at(self) -> datetime:
        """End of the usage that it is for. What a renewal shows is the period ahead of it (metering-pricing V11)."""
        ends_at = self.fee.to_at if self.fee.usage is None else self.fee.usage.query.to_at
        assert ends_at is not None, self.id
        return ends_at

    def change_payment_status(self, payment_status: FeePaymentStatus, *, at: datetime) -> None:
        """Raises NotAllowedError: `invoiced_fee`."""
        self._refuse_if_invoiced()
        if payment_status != self.payment_status:
            self.trigger_event(self.PaymentStatusChanged, payment_status=payment_status, timestamp=at)

    def put_on_invoice(self, invoice_id: UUID, invoice_status: InvoiceStatus, *, at: datetime) -> None:
        """Once and for ever. Raises NotAllowedError: `invoiced_fee`."""
        self._refuse_if_invoiced()
        self.trigger_event(self.Invoiced, invoice_id=invoice_id, invoice_status=invoice_status, timestamp=at)

    def delete(self, *, at: datetime) -> None:
        """Raises NotAllowedError: `invoiced_fee`."""
        self._refuse_if_invoiced()
        if self.deleted_at is None:
            self.trigger_event(self.Deleted, timestamp=at)

    def _refuse_if_invoiced(self) -> None:
        if self.invoice_id is not None:
            raise NotAllowedError("invoiced_fee")
