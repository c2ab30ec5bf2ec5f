"""Payments: a percentage and a fixed fee of each, never below a minimum or above a maximum, the first two free.

Run: python -m examples.payments.run --url http://127.0.0.1:3000 --admin-key KEY
"""

from __future__ import annotations

from datetime import UTC, datetime

from lago_python_client.models import BatchEvent, BillableMetric, Customer, Plan, Subscription

from examples.sandbox import Line, Sandbox, print_invoice

METRIC = {"name": "Payments", "code": "payments", "aggregation_type": "sum_agg", "field_name": "amount"}

PRICE = {
    "rate": "1.4",  # percent
    "fixed_amount": "0.25",
    "per_transaction_min_amount": "0.50",
    "per_transaction_max_amount": "20",
    "free_units_per_events": 2,
}

AMOUNTS = ["40", "15", "10", "80", "2229.50", "125.50"]
"""Payments in EUR, one a day from 10 January."""

EXPECTED = {
    "Checkout": Line("1.0", "0.0", 0),
    "Payments": Line("2500.0", "0.0095508", 2388),
    "Total": 2388,
}


def main() -> None:
    sandbox = Sandbox("Payments", "2026-01-01T00:00:00Z")
    client = sandbox.client
    metric_id = client.billable_metrics.create(BillableMetric.parse_obj(METRIC)).lago_id
    plan = {
        "name": "Checkout",
        "code": "checkout",
        "interval": "monthly",
        "amount_cents": 0,
        "amount_currency": "EUR",
        "pay_in_advance": False,
        "charges": [{"billable_metric_id": metric_id, "charge_model": "percentage", "properties": PRICE}],
    }
    client.plans.create(Plan.parse_obj(plan))
    client.customers.create(Customer.parse_obj({"external_id": "shop", "name": "Shop", "currency": "EUR"}))
    client.subscriptions.create(
        Subscription.parse_obj({"external_customer_id": "shop", "external_id": "shop-pay", "plan_code": "checkout"})
    )
    events = [
        {
            "transaction_id": f"payment-{day}",
            "external_subscription_id": "shop-pay",
            "code": "payments",
            "timestamp": int(datetime(2026, 1, day, 12, tzinfo=UTC).timestamp()),
            "properties": {"amount": amount},
        }
        for day, amount in enumerate(AMOUNTS, 10)
    ]
    client.events.batch_create(BatchEvent.parse_obj({"events": events}))
    sandbox.move_clock("2026-01-20T00:00:00Z")
    usage = client.customers.current_usage("shop", "shop-pay")
    assert usage.amount_cents == EXPECTED["Total"], f"usage so far: {usage.amount_cents}"
    sandbox.move_clock("2026-02-01T00:00:00Z")
    found = print_invoice(client, "shop")
    assert found == EXPECTED, f"{found}, expected {EXPECTED}"


if __name__ == "__main__":
    main()
