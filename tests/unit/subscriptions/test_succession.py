from dataclasses import fields
from datetime import UTC, datetime

import pytest

from domain.catalog.plan import PlanDetails
from domain.subscriptions.billing_dates import PlanChange
from domain.subscriptions.intervals import Interval
from domain.subscriptions.subscription import SubscriptionDetails
from domain.subscriptions.succession import direction, handed_on

AT = datetime(2024, 1, 31, 12, tzinfo=UTC)


def plan(amount_cents: int, interval: Interval) -> PlanDetails:
    return PlanDetails(name="P", code="p", interval=interval, amount_cents=amount_cents, amount_currency="EUR")


@pytest.mark.parametrize(
    ("current", "new", "change", "why"),
    [
        ((1000, "monthly"), (1500, "monthly"), "upgrade", "dearer"),
        ((1000, "monthly"), (999, "monthly"), "downgrade", "cheaper"),
        ((1000, "monthly"), (1000, "monthly"), "upgrade", "equal is an upgrade"),
        ((1000, "monthly"), (12000, "yearly"), "upgrade", "12 months"),
        ((12900, "monthly"), (118800, "yearly"), "downgrade", "18.9: 154800 against 118800"),
        ((1000, "weekly"), (4333, "monthly"), "downgrade", "52 weeks are 52000, 12 months 51996"),
        ((1000, "quarterly"), (2000, "semiannual"), "upgrade", "four and two"),
        ((1000, "semiannual"), (1999, "yearly"), "downgrade", "two"),
        ((100, "daily"), (36500, "yearly"), "upgrade", "365 days, ours"),
        ((0, "yearly"), (0, "monthly"), "upgrade", "for nothing"),
    ],
)
def test_direction(current: tuple[int, Interval], new: tuple[int, Interval], change: PlanChange, why: str) -> None:
    assert direction(plan(*current), plan(*new)) == change, why


def test_what_is_handed_on() -> None:
    full = SubscriptionDetails(
        name="Old",
        subscription_at=AT,
        billing_time="anniversary",
        ending_at=AT,
        on_termination_credit_note="refund",
        on_termination_invoice="skip",
        consolidate_invoice=False,
        purchase_order_number="PO",
        progressive_billing_disabled=True,
    )
    handed = handed_on(full)
    changed = {field.name for field in fields(full) if getattr(handed, field.name) != getattr(full, field.name)}
    assert changed == {
        "name",
        "on_termination_credit_note",
        "on_termination_invoice",
        "progressive_billing_disabled",
    }
