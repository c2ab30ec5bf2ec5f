"""Tokens of language models: one metric, a price for each model and direction, and a default for all others.

Run: python -m examples.ai_tokens.run --url http://127.0.0.1:3000 --admin-key KEY
"""

from __future__ import annotations

from datetime import UTC, datetime

from lago_python_client.models import BatchEvent, BillableMetric, Customer, Plan, Subscription

from examples.sandbox import Line, Sandbox, print_invoice

METRIC = {
    "name": "Tokens",
    "code": "tokens",
    "aggregation_type": "sum_agg",
    "field_name": "tokens",
    "filters": [
        {"key": "model", "values": ["large", "small", "embedding"]},
        {"key": "direction", "values": ["input", "output"]},
    ],
}

PRICES = {
    ("large", "input"): "0.000003",
    ("large", "output"): "0.000015",
    ("small", "input"): "0.00000025",
    ("small", "output"): "0.00000125",
}
"""(model, direction) -> USD a token."""

OTHER_TOKENS = "0.000001"

USAGE = [
    (3, {"model": "large", "direction": "input", "tokens": 1_200_000}),
    (3, {"model": "large", "direction": "output", "tokens": 150_000}),
    (9, {"model": "large", "direction": "input", "tokens": 1_145_679}),
    (9, {"model": "large", "direction": "output", "tokens": 61_001}),
    (14, {"model": "small", "direction": "input", "tokens": 9_000_000}),
    (14, {"model": "small", "direction": "output", "tokens": 500_000}),
    (20, {"model": "small", "direction": "input", "tokens": 1_999_999}),
    (20, {"model": "small", "direction": "output", "tokens": 4_001}),
    (25, {"model": "embedding", "direction": "input", "tokens": 3_000_000}),  # declared, but has no price of its own
    (26, {"model": "preview", "direction": "output", "tokens": 40_000}),  # a model that nobody declared
    (27, {"model": "large", "tokens": 5_000}),  # says no direction
]
"""(day of January, properties)"""

EXPECTED = {
    "AI": Line("1.0", "20.0", 2000),
    "Tokens: large input": Line("2345679.0", "0.000003", 704),
    "Tokens: large output": Line("211001.0", "0.000015", 317),
    "Tokens: small input": Line("10999999.0", "0.00000025", 275),
    "Tokens: small output": Line("504001.0", "0.00000125", 63),
    "Tokens": Line("3045000.0", "0.000001", 305),
    "Total": 3664,
}


def main() -> None:
    sandbox = Sandbox("AI tokens", "2026-01-01T00:00:00Z")
    client = sandbox.client
    metric = client.billable_metrics.create(BillableMetric.parse_obj(METRIC))
    filters = [
        {
            "invoice_display_name": f"{model} {direction}",
            "values": {"model": [model], "direction": [direction]},
            "properties": {"amount": price},
        }
        for (model, direction), price in PRICES.items()
    ]
    plan = {
        "name": "AI",
        "code": "ai",
        "interval": "monthly",
        "amount_cents": 2000,
        "amount_currency": "USD",
        "pay_in_advance": False,
        "charges": [
            {
                "billable_metric_id": metric.lago_id,
                "charge_model": "standard",
                "properties": {"amount": OTHER_TOKENS},
                "filters": filters,
            }
        ],
    }
    client.plans.create(Plan.parse_obj(plan))
    client.customers.create(Customer.parse_obj({"external_id": "acme", "name": "Acme", "currency": "USD"}))
    client.subscriptions.create(
        Subscription.parse_obj({"external_customer_id": "acme", "external_id": "acme-ai", "plan_code": "ai"})
    )
    events = [
        {
            "transaction_id": f"tokens-{number}",
            "external_subscription_id": "acme-ai",
            "code": "tokens",
            "timestamp": int(datetime(2026, 1, day, 12, tzinfo=UTC).timestamp()),
            "properties": properties,
        }
        for number, (day, properties) in enumerate(USAGE)
    ]
    client.events.batch_create(BatchEvent.parse_obj({"events": events}))
    sandbox.move_clock("2026-02-01T00:00:00Z")
    found = print_invoice(client, "acme")
    assert found == EXPECTED, f"{found}, expected {EXPECTED}"


if __name__ == "__main__":
    main()
