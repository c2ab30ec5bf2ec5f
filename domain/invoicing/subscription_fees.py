"""The fee for the amount of the plan itself.

Source: metering-pricing 6 (S1 to S8); invoicing-money 3.1 item 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from domain.invoicing.billed_subscription import BilledSubscription
from domain.invoicing.invoice import Fee, FeeItem, SubscriptionFeeInputs
from domain.kernel import ids
from domain.kernel.money import major_units
from domain.kernel.zones import local_date
from domain.pricing.fee import PricedFee, settle
from domain.pricing.price import Price
from domain.subscriptions.billing_dates import Boundaries
from domain.subscriptions.proration import FeeHistory, bills_subscription_fee, choose_formula, subscription_fee


def subscription_fees(invoice_id: UUID, one: BilledSubscription, window: Boundaries) -> Iterator[Fee]:
    """The fee for the plan's own amount, where the invoice of `window` has one (metering-pricing S7)."""
    subscription, plan, schedule, lifetime = one.subscription, one.plan, one.schedule, one.lifetime
    history = FeeHistory(
        created_at=subscription.created_on,
        predecessor=subscription.predecessor,
        has_earlier_invoice=bool(subscription.invoice_ids),
        has_earlier_fee=subscription.fee_billed_on is not None,
        has_fee_of_same_day=subscription.fee_billed_on == local_date(window.timestamp, schedule.timezone),
    )
    starting = one.reason == "subscription_starting"
    if not bills_subscription_fee(schedule, lifetime, window, history, starting=starting, trial_end=one.trial_end):
        return
    inputs = SubscriptionFeeInputs(
        plan_amount_cents=plan.details.amount_cents,
        schedule=schedule,
        lifetime=lifetime,
        boundaries=window,
        formula=choose_formula(schedule, lifetime, window, history),
        trial_end=one.trial_end,
    )
    item = FeeItem(
        code=plan.details.code,
        name=plan.details.name,
        description=plan.details.description,
        invoice_display_name=plan.details.invoice_display_name,
        lago_item_id=subscription.id,
        item_type="Subscription",
        grouped_by={},
    )
    priced = price_subscription(inputs, plan.details.amount_currency)
    yield Fee.of(
        priced,
        id=ids.of("fee", invoice_id, subscription.id, "subscription"),
        fee_type="subscription",
        item=item,
        subscription_id=subscription.id,
        external_subscription_id=subscription.external_id,
        events_count=None,
        from_at=window.from_at,
        to_at=window.to_at,
        pay_in_advance=plan.details.pay_in_advance,
        proration=inputs,
    )


def price_subscription(inputs: SubscriptionFeeInputs, currency: str) -> PricedFee:
    """The plan's amount for the window: what an invoice does, and what its replay does again (S4)."""
    cents = subscription_fee(
        inputs.plan_amount_cents,
        inputs.schedule,
        inputs.lifetime,
        inputs.boundaries,
        formula=inputs.formula,
        trial_end=inputs.trial_end,
    )
    amount = major_units(cents, currency)
    fee = settle(
        Price(amount=amount, unit_amount=amount, amount_details={"plan_amount_cents": inputs.plan_amount_cents}),
        Decimal(1),
        0,
        currency,
    )
    return replace(fee, unit_amount_cents=fee.amount_cents)
