"""What the fee of one event follows from, and the fee: what an arrival does, and what its replay does again.

Source: metering-pricing V5 to V8, X4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from domain.catalog.charge import AppliedPricingUnit
from domain.metering.peak import Peak
from domain.metering.ports import Metric, UsageQuery
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.usage_event import UsageEvent
from domain.pricing.fee import PricedFee
from domain.pricing.pay_in_advance import UsageBefore, price_event
from domain.pricing.price import PricedUsage
from domain.pricing.pricing_unit import PricingUnitUsage, convert_in_advance
from domain.pricing.registry import ChargeModel


@dataclass(frozen=True, slots=True, kw_only=True)
class EventInputs:
    """An event and what stood before it in its period, bucket and group.

    Attributes:
        query: that usage; with the watermark of the fee it is the same for ever.
        units, events_count, running_totals, values, precise_total_amount: of `PricedUsage`, before the event.
        present: whether the event's value of a unique count was there already.
    """

    charge_model: ChargeModel
    properties: Mapping[str, Any]
    event: UsageEvent
    query: UsageQuery
    units: Decimal
    events_count: int
    running_totals: tuple[Decimal, ...]
    values: tuple[Decimal, ...]
    precise_total_amount: Decimal
    peak: Peak
    present: tuple[str, ...]
    pricing_unit: AppliedPricingUnit | None

    @property
    def metric(self) -> Metric:
        return self.query.metric

    @property
    def prorated(self) -> ProratedPeriod | None:
        return self.query.prorated

    @property
    def before(self) -> UsageBefore:
        usage = PricedUsage(
            units=self.units,
            events_count=self.events_count,
            running_totals=self.running_totals,
            values=self.values,
            precise_total_amount=self.precise_total_amount,
        )
        return UsageBefore(usage=usage, peak=self.peak, present=frozenset(self.present))


def price_event_inputs(inputs: EventInputs, currency: str) -> tuple[PricedFee, PricingUnitUsage | None] | None:
    """The fee of the event; None where it counts for nothing.

    Args:
        currency: of the plan.
    """
    fee = price_event(
        inputs.charge_model,
        inputs.properties,
        inputs.metric,
        inputs.event,
        inputs.before,
        currency=currency,
        prorated=inputs.prorated,
    )
    if fee is None or inputs.pricing_unit is None:
        return None if fee is None else (fee, None)
    return convert_in_advance(fee, Decimal(inputs.pricing_unit.conversion_rate), currency)
