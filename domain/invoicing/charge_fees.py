"""The fees of usage charges on an invoice: which charges it bills, what stands on it, and what fills up minimums.

Source: metering-pricing 14 (K), 15 (U), L8, L9; invoicing-money 3.1 item 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.catalog.billable_metric import BillableMetric
from domain.catalog.charge import Charge
from domain.invoicing.invoice import Fee, FeeItem, MinimumInputs
from domain.invoicing.usage_fees import Breakdown, PricedBucket, UsageWindow
from domain.kernel import ids
from domain.pricing import grouping
from domain.pricing.fee import PricedFee
from domain.pricing.pricing_unit import SETTLES_AS, PricingUnitUsage, convert
from domain.pricing.true_up import prorated_minimum, true_up
from domain.subscriptions.billing_dates import Boundaries
from domain.subscriptions.subscription import InvoicingReason, Subscription


def billed_charges(
    charges: Sequence[Charge],
    metrics: Mapping[UUID, BillableMetric],
    window: Boundaries,
    reason: InvoicingReason,
    *,
    renews: bool,
) -> list[Charge]:
    """The charges whose usage an invoice bills (metering-pricing K1, L9, P15).

    What is paid in advance is there only where its units carry over, to be paid for the next period.

    Args:
        renews: whether that period is theirs.
    """
    if reason == "subscription_starting" or window.charges_from_at is None or window.charges_to_at is None:
        return []
    if window.charges_from_at >= window.charges_to_at:
        return []
    return [
        charge
        for charge in charges
        if charge.invoiceable and (not charge.pay_in_advance or (renews and _is_renewed(charge, metrics)))
    ]


def not_carried_over(
    charges: Sequence[Charge], metrics: Mapping[UUID, BillableMetric], next_charges: Sequence[Charge]
) -> list[Charge]:
    """Of the charges that the end of an upgraded plan would bill, those whose units the next plan will not bill itself.

    Lago asks only whether the next plan charges for the metric. But what that one bills in advance, weighs by the time
    since it began, or adds up from its events, leaves the days before the upgrade out.

    Source: metering-pricing L8, invoicing-money 3.1.
    """
    billed_later = {charge.billable_metric_id for charge in next_charges if not charge.pay_in_advance}

    def carries_over(charge: Charge) -> bool:
        metric = metrics[charge.billable_metric_id].details
        by_time = charge.prorated or metric.aggregation_type in ("weighted_sum_agg", "custom_agg")
        return metric.recurring and not by_time and charge.billable_metric_id in billed_later

    return [charge for charge in charges if not carries_over(charge)]


def renewed_charges(
    charges: Sequence[Charge], metrics: Mapping[UUID, BillableMetric], window: Boundaries
) -> list[Charge]:
    """The charges in advance whose carried units are paid for again at a period's end, by fees without an invoice.

    None on the monthly runs that bill fixed charges alone. Source: metering-pricing V11, P11.
    """
    if window.charges_from_at is None:
        return []
    return [
        charge
        for charge in charges
        if charge.pay_in_advance and not charge.invoiceable and _is_renewed(charge, metrics)
    ]


def _is_renewed(charge: Charge, metrics: Mapping[UUID, BillableMetric]) -> bool:
    """Whether units that carry over are paid for again. Those of a custom aggregation have no price of their own: the
    amount comes with the events, and each paid what it added."""
    return metrics[charge.billable_metric_id].details.recurring and charge.charge_model != "custom"


def charge_fees(
    invoice_id: UUID, subscription: Subscription, window: UsageWindow, buckets: Sequence[PricedBucket]
) -> Iterator[Fee]:
    """The fees of all charges of a subscription, in the order of the plan; a minimum's fee follows its charge's."""
    for _, members in groupby(buckets, lambda bucket: bucket.charge.id):
        yield from _of_charge(invoice_id, subscription, window, list(members))


def _of_charge(
    invoice_id: UUID, subscription: Subscription, window: UsageWindow, buckets: Sequence[PricedBucket]
) -> Iterator[Fee]:
    charge = buckets[0].charge
    missing = _minimum(charge, window, buckets)
    parent = next((bucket for bucket in buckets if bucket.filter is None), None) if missing is not None else None
    for bucket in buckets:
        if bucket is parent or _is_kept(bucket.fee):
            yield charge_fee(
                _fee_id(invoice_id, subscription, bucket),
                subscription,
                window,
                bucket,
                true_up_fee_id=_true_up_id(invoice_id, subscription, charge) if bucket is parent else None,
            )
    if missing is not None:
        inputs, fee, pricing_unit = missing
        yield _fee(
            _true_up_id(invoice_id, subscription, charge),
            subscription,
            window,
            buckets[0],
            fee,
            pricing_unit=pricing_unit,
            true_up_parent_fee_id=None if parent is None else _fee_id(invoice_id, subscription, parent),
            minimum=inputs,
        )


def _is_kept(fee: PricedFee) -> bool:
    """Whether a charge's fee stands on the invoice: something was used, or is owed (metering-pricing K5)."""
    return fee.units != 0 or fee.amount_cents != 0 or fee.events_count != 0


def _minimum(
    charge: Charge, window: UsageWindow, buckets: Sequence[PricedBucket]
) -> tuple[MinimumInputs, PricedFee, PricingUnitUsage | None] | None:
    """What fills the charge's minimum up, None where its fees reach it (metering-pricing U1 to U3)."""
    if charge.min_amount_cents == 0 or charge.pay_in_advance:
        return None
    figures = [bucket.pricing_unit or bucket.fee for bucket in buckets]
    inputs = MinimumInputs(
        min_amount_cents=charge.min_amount_cents,
        days=window.period.days,
        duration_days=window.period.duration_days,
        used_cents=sum(one.amount_cents for one in figures),
        used_precise_cents=sum((one.precise_amount_cents for one in figures), Decimal(0)),
        pricing_unit=charge.applied_pricing_unit,
    )
    found = price_minimum(inputs, window.currency)
    return None if found is None else (inputs, *found)


def price_minimum(inputs: MinimumInputs, currency: str) -> tuple[PricedFee, PricingUnitUsage | None] | None:
    """The fee that fills a minimum up: what an invoice does, and what its replay does again."""
    minimum = prorated_minimum(inputs.min_amount_cents, days=inputs.days, duration_days=inputs.duration_days)
    settles_as = currency if inputs.pricing_unit is None else SETTLES_AS
    fee = true_up(
        minimum, used_cents=inputs.used_cents, used_precise_cents=inputs.used_precise_cents, currency=settles_as
    )
    if fee is None or inputs.pricing_unit is None:
        return None if fee is None else (fee, None)
    return convert(fee, Decimal(inputs.pricing_unit.conversion_rate), currency)


def charge_fee(
    fee_id: UUID,
    subscription: Subscription,
    window: UsageWindow,
    bucket: PricedBucket,
    **more: Any,
) -> Fee:
    """The fee of a bucket; `more` are fields of `Fee`."""
    shown = grouping.presentation_keys(bucket.charge.properties, in_invoice=True)
    return _fee(
        fee_id,
        subscription,
        window,
        bucket,
        bucket.fee,
        charge_filter_id=None if bucket.filter is None else bucket.filter.id,
        pricing_unit=bucket.pricing_unit,
        breakdowns=tuple(_summed(bucket.breakdowns, shown)),
        usage=bucket.inputs,
        **more,
    )


def _fee(
    fee_id: UUID,
    subscription: Subscription,
    window: UsageWindow,
    bucket: PricedBucket,
    priced: PricedFee,
    **more: Any,
) -> Fee:
    charge = bucket.charge
    is_true_up = "minimum" in more
    return Fee.of(
        priced,
        id=fee_id,
        fee_type="charge",
        item=_item(bucket, is_true_up=is_true_up),
        subscription_id=subscription.id,
        external_subscription_id=subscription.external_id,
        charge_id=charge.id,
        billable_metric_code=bucket.metric.details.code,
        from_at=window.shown[0] if charge.pay_in_advance else window.from_at,
        to_at=window.shown[1] if charge.pay_in_advance else window.to_at,
        pay_in_advance=charge.pay_in_advance,
        invoiceable=charge.invoiceable,
        regroup_paid_fees=charge.regroup_paid_fees,
        **more,
    )


def _item(bucket: PricedBucket, *, is_true_up: bool) -> FeeItem:
    metric, filter_ = bucket.metric.details, None if is_true_up else bucket.filter
    return FeeItem(
        code=metric.code,
        name=metric.name,
        description=metric.description,
        invoice_display_name=bucket.charge.invoice_display_name,
        lago_item_id=bucket.metric.id,
        item_type="BillableMetric",
        filters=None if filter_ is None else filter_.values,
        filter_invoice_display_name=None if filter_ is None else filter_.display_name,
        grouped_by={} if is_true_up else bucket.grouped_by,
    )


def _summed(breakdowns: Sequence[Breakdown], keys: Sequence[str]) -> Iterator[Breakdown]:
    """The units by those keys alone that invoices show, summed over the others (metering-pricing R6)."""
    units: dict[tuple[str | None, ...], Decimal] = {}
    for one in breakdowns if keys else ():
        values = tuple(one.presentation_by[key] for key in keys)
        units[values] = units.get(values, Decimal(0)) + one.units
    for values, total in units.items():
        yield Breakdown(dict(zip(keys, values, strict=True)), total)


def renewal_fees(
    invoice_id: UUID, subscription: Subscription, window: UsageWindow, buckets: Sequence[PricedBucket]
) -> Iterator[Fee]:
    """A fee for each bucket, also where nothing is left to pay for (metering-pricing V11)."""
    for bucket in buckets:
        yield charge_fee(_fee_id(invoice_id, subscription, bucket), subscription, window, bucket)


def _fee_id(invoice_id: UUID, subscription: Subscription, bucket: PricedBucket) -> UUID:
    filter_id = None if bucket.filter is None else bucket.filter.id
    return ids.of("fee", invoice_id, subscription.id, bucket.charge.id, filter_id, *bucket.grouped_by.items())


def _true_up_id(invoice_id: UUID, subscription: Subscription, charge: Charge) -> UUID:
    return ids.of("fee", invoice_id, subscription.id, charge.id, "minimum")
