"""A fee that stands on no invoice: of a charge in advance that is not invoiceable.

Source: metering-pricing V2, V11; invoicing-money 3, 10.7.
"""

from __future__ import annotations

from uuid import UUID

from domain.invoicing.invoice import Fee, PaymentStatus
from domain.kernel.aggregate import Aggregate


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
        self.payment_status: PaymentStatus = "pending"
