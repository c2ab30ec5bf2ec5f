"""A phone line: minutes that get cheaper with use, and text messages by the hundred.

Run: python -m examples.telecom.run --url http://127.0.0.1:3000 --admin-key KEY
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lago_python_client.models import BatchEvent, BillableMetric, Customer, Plan, Subscription

from examples.sandbox import Line, Sandbox, print_invoice

MINUTES = {
    "name": "Minutes",
    "code": "minutes",
    "aggregation_type": "sum_agg",
    "field_name": "minutes",
    "rounding_function": "ceil",
    "rounding_precision": 0,
}
SMS = {"name": "SMS", "code": "sms", "aggregation_type": "count_agg"}

MINUTE_RANGES = [
    {"from_value": 0, "to_value": 100, "per_unit_amount": "0.10", "flat_amount": "0"},
    {"from_value": 101, "to_value": 300, "per_unit_amount": "0.08", "flat_amount": "0"},
    {"from_value": 301, "to_value": None, "per_unit_amount": "0.05", "flat_amount": "0"},
]
SMS_PACKAGE = {"amount": "5", "package_size": 100, "free_units": 50}

CALLS = ["62.5", "118.25", "138.9"]
"""Minutes of each call."""

MESSAGES = 175

EXPECTED = {
    "Mobile": Line("1.0", "9.99", 999),
    "Minutes": Line("320.0", "0.084375", 2700),
    "SMS": Line("175.0", "0.08", 1000),
    "Total": 4699,
}


def main() -> None:
    sandbox = Sandbox("Telecom", "2026-01-01T00:00:00Z")
    client = sandbox.client
    minutes, sms = (client.billable_metrics.create(BillableMetric.parse_obj(metric)) for metric in (MINUTES, SMS))
    plan = {
        "name": "Mobile",
        "code": "mobile",
        "interval": "monthly",
        "amount_cents": 999,
        "amount_currency": "EUR",
        "pay_in_advance": False,
        "charges": [
            {
                "billable_metric_id": minutes.lago_id,
                "charge_model": "graduated",
                "properties": {"graduated_ranges": MINUTE_RANGES},
            },
            {"billable_metric_id": sms.lago_id, "charge_model": "package", "properties": SMS_PACKAGE},
        ],
    }
    client.plans.create(Plan.parse_obj(plan))
    client.customers.create(Customer.parse_obj({"external_id": "zoe", "name": "Zoe", "currency": "EUR"}))
    client.subscriptions.create(
        Subscription.parse_obj({"external_customer_id": "zoe", "external_id": "zoe-line", "plan_code": "mobile"})
    )
    usage = [("minutes", {"minutes": length}) for length in CALLS] + [("sms", {"to": "bo"})] * MESSAGES
    first = datetime(2026, 1, 5, tzinfo=UTC)
    events = [
        {
            "transaction_id": f"{code}-{number}",
            "external_subscription_id": "zoe-line",
            "code": code,
            "timestamp": int((first + number * timedelta(hours=3)).timestamp()),
            "properties": properties,
        }
        for number, (code, properties) in enumerate(usage)
    ]
    for start in range(0, len(events), 100):  # a batch holds at most 100
        client.events.batch_create(BatchEvent.parse_obj({"events": events[start : start + 100]}))
    sandbox.move_clock("2026-02-01T00:00:00Z")
    found = print_invoice(client, "zoe")
    assert found == EXPECTED, f"{found}, expected {EXPECTED}"


if __name__ == "__main__":
    main()
