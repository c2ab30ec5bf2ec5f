"""Subscriptions in Lago's wire form.

Source: api-surface 3.7 to 3.9, Q7; invoicing-money 20.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain.subscriptions.billing_dates import Lifetime, Schedule, billed_elsewhere_until, boundaries, downgrade_day
from projections.presenters import wire
from projections.views.subscriptions import SubscriptionView


def present_subscription(view: SubscriptionView, *, now: datetime) -> dict[str, Any]:
    """What all endpoints answer of a subscription; `now` tells which period is the running one."""
    subscription, plan = view.subscription, view.plan["details"]
    details = subscription["details"]
    period = _running_period(view, now)
    return {
        "lago_id": subscription["id"],
        "external_id": subscription["external_id"],
        "lago_customer_id": subscription["customer_id"],
        "external_customer_id": subscription["external_customer_id"],
        "billing_entity_code": "default",
        "name": details["name"],
        "plan_code": plan["code"],
        "plan_amount_cents": plan["amount_cents"],
        "plan_amount_currency": plan["amount_currency"],
        "status": subscription["status"],
        "billing_time": details["billing_time"],
        "subscription_at": wire.instant(details["subscription_at"]),
        "started_at": wire.instant_millis(subscription["started_at"]),
        "activated_at": wire.instant(subscription["activated_at"]),
        "trial_ended_at": wire.instant(subscription["trial_ended_at"]),
        "ending_at": wire.instant(details["ending_at"]),
        "terminated_at": wire.instant(subscription["terminated_at"]),
        "canceled_at": wire.instant(subscription["canceled_at"]),
        "cancellation_reason": None,
        "created_at": wire.instant(subscription["created_at"]),
        "previous_plan_code": view.previous_plan_code,
        "next_plan_code": view.next_plan_code,
        "downgrade_plan_date": _downgrade_date(view),
        "current_billing_period_started_at": period[0],
        "current_billing_period_ending_at": period[1],
        "on_termination_credit_note": details["on_termination_credit_note"],
        "on_termination_invoice": details["on_termination_invoice"],
        "consolidate_invoice": details["consolidate_invoice"],
        "purchase_order_number": details["purchase_order_number"],
        "progressive_billing_disabled": details["progressive_billing_disabled"],
        "payment_method": {"payment_method_id": None, "payment_method_type": "provider"},
        "activation_rules": [],
    }


def present_whole_subscription(view: SubscriptionView, plan: dict[str, Any], *, now: datetime) -> dict[str, Any]:
    """A subscription read or made by itself, with its plan."""
    return present_subscription(view, now=now) | {
        "plan": plan,
        "entitlements": [],
        "applicable_usage_thresholds": [],
        "applied_invoice_custom_sections": [],
    }


def _running_period(view: SubscriptionView, now: datetime) -> tuple[str | None, str | None]:
    """The window in which usage counts now (invoicing-money 20, field facts)."""
    started_at = view.subscription["started_at"]
    if started_at is None:
        return None, None
    subscription = view.subscription
    terminated_at = _instant_or_none(subscription["terminated_at"])
    lifetime = Lifetime(datetime.fromisoformat(started_at), terminated_at, subscription["successor"])
    billed_until = billed_elsewhere_until(
        _instant_or_none(subscription["last_charges_to_at"]),
        made_in=subscription["last_timezone"],
        now_in=view.timezone,
    )
    at = max(now, lifetime.started_at)
    window = boundaries(_schedule(view), lifetime, at, current_usage=True, previous_charges_to_at=billed_until)
    assert window.charges_from_at is not None
    assert window.charges_to_at is not None
    return wire.instant(window.charges_from_at.isoformat()), wire.instant(window.charges_to_at.isoformat())


def _downgrade_date(view: SubscriptionView) -> str | None:
    asked_at = _instant_or_none(view.subscription["downgrade_asked_at"])
    return None if asked_at is None else downgrade_day(_schedule(view), asked_at).isoformat()


def _schedule(view: SubscriptionView) -> Schedule:
    plan, details = view.plan["details"], view.subscription["details"]
    return Schedule(
        interval=plan["interval"],
        billing_time=details["billing_time"],
        subscription_at=datetime.fromisoformat(details["subscription_at"]),
        timezone=view.timezone,
        pay_in_advance=plan["pay_in_advance"],
        bill_charges_monthly=bool(plan["bill_charges_monthly"]),
        bill_fixed_charges_monthly=bool(plan["bill_fixed_charges_monthly"]),
    )


def _instant_or_none(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
