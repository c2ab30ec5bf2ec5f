"""What the running period comes to if it goes on as so far.

Source: metering-pricing Y4.
"""

from __future__ import annotations

from dataclasses import replace

from domain.invoicing.usage_fees import PricedBucket
from domain.pricing.fee import PricedFee
from domain.pricing.pricing_unit import SETTLES_AS, convert
from domain.pricing.projection import Elapsed, project


def projected_fee(bucket: PricedBucket, elapsed: Elapsed, currency: str) -> PricedFee:
    """The fee of a bucket at the end of the period.

    Args:
        currency: of the plan.
    """
    figures = bucket.pricing_unit
    fee = bucket.fee
    if figures is not None:
        fee = replace(
            fee,
            amount_cents=figures.amount_cents,
            precise_amount_cents=figures.precise_amount_cents,
            unit_amount_cents=figures.unit_amount_cents,
            precise_unit_amount=figures.precise_unit_amount,
        )
    projected = project(
        bucket.inputs.charge_model,
        bucket.inputs.properties,
        fee,
        elapsed,
        recurring=bucket.metric.details.recurring,
        currency=currency if figures is None else SETTLES_AS,
    )
    return projected if figures is None else convert(projected, figures.conversion_rate, currency)[0]
