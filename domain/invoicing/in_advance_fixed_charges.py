"""Fixed charges in advance on an invoice of their own: of the start, and of units that change in mid-period.

Source: metering-pricing W7, W8; invoicing-money 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from domain.catalog.add_on import AddOn
from domain.customers.customer import Customer
from domain.invoicing.billed_subscription import BilledSubscription
from domain.invoicing.content import content_of
from domain.invoicing.draft import taxes_of
from domain.invoicing.fixed_charge_fees import bill_changes, bill_window
from domain.invoicing.invoice import InvoiceContent, InvoiceSubscription
from domain.invoicing.taxes import taxed
from domain.organizations.organization import Organization
from domain.subscriptions.billing_dates import boundaries
from domain.subscriptions.subscription import BilledFixedCharge
from domain.taxation.which_taxes import ApplicableTaxes


def draft_fixed_charges(
    invoice_id: UUID,
    organization: Organization,
    customer: Customer,
    one: BilledSubscription,
    add_ons: Mapping[UUID, AddOn],
    taxes: ApplicableTaxes,
    *,
    at: datetime,
) -> tuple[InvoiceContent | None, tuple[BilledFixedCharge, ...]]:
    """The invoice of `at`, None where there is nothing to bill; and what the subscription keeps of it.

    Args:
        one: on its start, or where units were changed at `at`.
    """
    if one.reason == "subscription_starting":
        bills = [*bill_window(invoice_id, one, add_ons, boundaries(one.schedule, one.lifetime, at))]
    else:
        bills = [*bill_changes(invoice_id, one, add_ons, at)]
    fees = [taxed(bill.fee, taxes_of(bill.fee, one.plan.details, taxes)) for bill in bills if bill.fee is not None]
    billed = tuple(bill.billed for bill in bills if bill.billed is not None)
    if not fees:
        return None, billed
    row = InvoiceSubscription(
        subscription_id=one.subscription.id,
        external_id=one.subscription.external_id,
        plan_id=one.plan.id,
        reason="in_advance_charge",
        recurring=False,
        timestamp=at,
        from_at=None,
        to_at=None,
        charges_from_at=None,
        charges_to_at=None,
        fixed_charges_from_at=fees[0].from_at,
        fixed_charges_to_at=fees[0].to_at,
    )
    content = content_of(
        organization,
        customer,
        one.plan.details.amount_currency,
        [row],
        fees,
        kind="in_advance_charge",
        purchase_order_number=one.subscription.details.purchase_order_number,
        watermark=None,
        at=at,
    )
    return content, billed
