"""A fee that stands on no invoice: of a charge in advance that is not invoiceable.

Source: metering-pricing V2, V11; invoicing-money 3, 10.7.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.invoicing.invoice import Fee
from domain.kernel.aggregate import Aggregate

FeePaymentStatus = Literal["pending", "succeeded", "failed", "refunded"]


class StandaloneFee(Aggregate):
    """Its id is that of the fee."""

    TOPIC = "fee"

    class Created(Aggregate.Created):
        """`watermark` is the position in the ingest log up to which usage was read."""

        TOPIC = "fee.created"
        organization_id: UUID
        customer_id: UUID
        external_customer_id: str
        currency: str
        timezone: str
        fee: Fee
        watermark: int

    class PaymentStatusChanged(Aggregate.Event):
        """Somebody outside says how its payment stands (invoicing-money 10.7)."""

        TOPIC = "fee.payment_status_changed"
        payment_status: FeePaymentStatus

        def apply(self, standalone: StandaloneFee) -> None:
            standalone.payment_status = self.payment_status
            standalone.payment_status_at = self.timestamp

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
        watermark: int,
    ) -> None:
        self.organization_id, self.customer_id = organization_id, customer_id
        self.external_customer_id, self.currency, self.timezone = external_customer_id, currency, timezone
        self.fee, self.watermark = fee, watermark
        self.payment_status: FeePaymentStatus = "pending"
        self.payment_status_at: datetime | None = None
        self.deleted_at: datetime | None = None

    def change_payment_status(self, payment_status: FeePaymentStatus, *, at: datetime) -> None:
        if payment_status != self.payment_status:
            self.trigger_event(self.PaymentStatusChanged, payment_status=payment_status, timestamp=at)

    def delete(self, *, at: datetime) -> None:
        if self.deleted_at is None:
            self.trigger_event(self.Deleted, timestamp=at)
