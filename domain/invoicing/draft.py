"""What an invoice holds: from the subscriptions that are billed at an instant to fees, dates and totals.

Source: invoicing-money 3.1, 4.1, 5.2, 9.1; metering-pricing 6, 14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.catalog.add_on import AddOn
from domain.catalog.billable_metric import BillableMetric
from domain.catalog.plan import PlanDetails
from domain.customers.customer import Customer
from domain.invoicing.billed_subscription import BilledSubscription, billed_row, usage_window
from domain.invoicing.charge_fees import (
    billed_charges,
    charge_fees,
    not_carried_over,
    renewal_fees,
    renewed_charges,
)
from domain.invoicing.commitment_fees import (
    BilledFees,
    CommitmentWindow,
    FeesTotal,
    commitment_fee,
    commitment_window,
)
from domain.invoicing.content import content_of
from domain.invoicing.fixed_charge_fees import bill_window
from domain.invoicing.invoice import Fee, InvoiceContent
from domain.invoicing.subscription_fees import subscription_fees
from domain.invoicing.taxes import taxed
from domain.invoicing.usage_fees import PricedBucket, price_usage
from domain.metering.ports import UsageReader
from domain.organizations.organization import Organization
from domain.subscriptions.subscription import BilledFixedCharge
from domain.taxation.tax import TaxTerms
from domain.taxation.which_taxes import ApplicableTaxes


@dataclass(frozen=True, slots=True)
class Draft:
    """What an invoice holds, and what the same occasion makes beside it.

    Attributes:
        standalone_fees: those that stand on no invoice (metering-pricing V11).
        fixed_charges: subscription id -> what was billed of its fixed charges in advance.
    """

    content: InvoiceContent
    standalone_fees: tuple[Fee, ...]
    fixed_charges: Mapping[UUID, tuple[BilledFixedCharge, ...]]


async def draft_invoice(
    usage: UsageReader,
    billed_fees: BilledFees,
    invoice_id: UUID,
    organization: Organization,
    customer: Customer,
    billed: Sequence[BilledSubscription],
    metrics: Mapping[UUID, BillableMetric],
    add_ons: Mapping[UUID, AddOn],
    taxes: ApplicableTaxes,
    *,
    at: datetime,
) -> Draft:
    """The invoice of type subscription for all `billed` (one customer, one currency) at `at`.

    Raises:
        UnavailableError: usage, or what was billed before, is not known now.
    """
    covered = [(one, one.boundaries(at)) for one in billed]
    windows = []
    for one, window in covered:
        charges = one.plan.details.charges
        billed_now = billed_charges(charges, metrics, window, one.reason, renews=one.renews)
        if one.is_upgraded and one.next_plan is not None:
            billed_now = not_carried_over(billed_now, metrics, one.next_plan.details.charges)
        renewed_now = renewed_charges(charges, metrics, window) if one.renews else []
        windows.append((usage_window(one, window), [*billed_now, *renewed_now]))
    watermark: int | None = None
    priced: list[list[PricedBucket]] = [[] for _ in covered]
    if any(charges for _, charges in windows):
        watermark = await usage.watermark()
        priced = await price_usage(usage, watermark, windows, metrics)
    committed = await _commitments(billed_fees, billed, at)
    fees: list[Fee] = []
    standalone: list[Fee] = []
    fixed_charges: dict[UUID, tuple[BilledFixedCharge, ...]] = {}
    for (one, window), (asked, _), buckets in zip(covered, windows, priced, strict=True):
        details = one.plan.details
        own = list(subscription_fees(invoice_id, one, window))
        invoiced = [bucket for bucket in buckets if bucket.charge.invoiceable]
        own += charge_fees(invoice_id, one.subscription, asked, invoiced)
        units = list(bill_window(invoice_id, one, add_ons, window))
        own += [bill.fee for bill in units if bill.fee is not None]
        fixed_charges[one.subscription.id] = tuple(bill.billed for bill in units if bill.billed is not None)
        renewed = [bucket for bucket in buckets if not bucket.charge.invoiceable]
        apart = list(renewal_fees(invoice_id, one.subscription, asked, renewed))
        if one.subscription.id in committed:
            missing = commitment_fee(invoice_id, details, *committed[one.subscription.id], [*own, *apart])
            own += [] if missing is None else [missing]
        fees += [taxed(fee, taxes_of(fee, details, taxes)) for fee in own]
        standalone += [taxed(fee, taxes_of(fee, details, taxes)) for fee in apart]
    content = content_of(
        organization,
        customer,
        billed[0].plan.details.amount_currency,
        [billed_row(one, window, at) for one, window in covered],
        fees,
        kind="subscription",
        recurring=all(one.reason == "subscription_periodic" for one in billed),
        watermark=watermark,
        at=at,
    )
    return Draft(content, tuple(standalone), fixed_charges)


async def _commitments(
    billed_fees: BilledFees, billed: Sequence[BilledSubscription], at: datetime
) -> dict[UUID, tuple[CommitmentWindow, FeesTotal]]:
    """What the subscriptions with a commitment reconcile, and what earlier invoices have billed of it."""
    committed = [one for one in billed if one.plan.details.minimum_commitment is not None]
    windows = [window for one in committed if (window := commitment_window(one, at)) is not None]
    if not windows:
        return {}
    totals = await billed_fees.totals(billed[0].subscription.organization_id, windows)
    return {window.subscription.id: (window, total) for window, total in zip(windows, totals, strict=True)}


def taxes_of(fee: Fee, plan: PlanDetails, taxes: ApplicableTaxes) -> tuple[TaxTerms, ...]:
    """The taxes that a fee under the plan has."""
    if fee.fixed_charge_id is not None:
        return taxes.of_fixed_charge(plan, fee.fixed_charge_id)
    if fee.fee_type == "commitment":
        return taxes.of_commitment(plan)
    return taxes.of_charge(plan, fee.charge_id)
