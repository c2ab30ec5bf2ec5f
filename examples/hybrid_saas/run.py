"""Software by the seat: a base fee, seats by the day, and API calls after those that are included; over two months.

Run: python -m examples.hybrid_saas.run --url http://127.0.0.1:3000 --admin-key KEY
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lago_python_client.models import BatchEvent, BillableMetric, Customer, Plan, Subscription

from examples.sandbox import Line, Sandbox, print_invoice

SEATS = {
    "name": "Seats",
    "code": "seats",
    "aggregation_type": "unique_count_agg",
    "field_name": "user_id",
    "recurring": True,
}
CALLS = {"name": "API calls", "code": "calls", "aggregation_type": "sum_agg", "field_name": "calls"}

CALL_RANGES = [
    {"from_value": 0, "to_value": 10_000, "per_unit_amount": "0", "flat_amount": "0"},
    {"from_value": 10_001, "to_value": 50_000, "per_unit_amount": "0.002", "flat_amount": "0"},
    {"from_value": 50_001, "to_value": None, "per_unit_amount": "0.001", "flat_amount": "0"},
]

Usage = list[tuple[int, str, dict[str, Any]]]
"""(day, metric, properties)"""

JANUARY: Usage = [
    (1, "seats", {"user_id": "ana", "operation_type": "add"}),
    (11, "seats", {"user_id": "cy", "operation_type": "add"}),
    (16, "seats", {"user_id": "bo", "operation_type": "add"}),
    (20, "seats", {"user_id": "cy", "operation_type": "remove"}),
    (12, "calls", {"calls": 30_000}),
    (28, "calls", {"calls": 34_000}),
]
FEBRUARY: Usage = [
    (15, "seats", {"user_id": "di", "operation_type": "add"}),
    (22, "seats", {"user_id": "ed", "operation_type": "add"}),
    (10, "calls", {"calls": 8_000}),
]

EXPECTED_JANUARY = {
    "Team": Line("1.0", "99.0", 9900),
    "Seats": Line("2.0", "28.500005", 5700),
    "API calls": Line("64000.0", "0.00146875", 9400),
    "Total": 25000,
}
EXPECTED_FEBRUARY = {
    "Team": Line("1.0", "99.0", 9900),
    "Seats": Line("4.0", "21.3125", 8525),
    "API calls": Line("8000.0", "0.0", 0),
    "Total": 18425,
}


def events(month: int, usage: Usage) -> BatchEvent:
    """One month's usage of 2026, each event at 09:00 UTC of its day."""
    return BatchEvent.parse_obj(
        {
            "events": [
                {
                    "transaction_id": f"{month}-{number}",
                    "external_subscription_id": "acme-team",
                    "code": code,
                    "timestamp": int(datetime(2026, month, day, 9, tzinfo=UTC).timestamp()),
                    "properties": properties,
                }
                for number, (day, code, properties) in enumerate(usage)
            ]
        }
    )


def main() -> None:
    sandbox = Sandbox("Hybrid SaaS", "2026-01-01T00:00:00Z")
    client = sandbox.client
    seats, calls = (client.billable_metrics.create(BillableMetric.parse_obj(metric)) for metric in (SEATS, CALLS))
    plan = {
        "name": "Team",
        "code": "team",
        "interval": "monthly",
        "amount_cents": 9900,
        "amount_currency": "USD",
        "pay_in_advance": False,
        "charges": [
            {
                "billable_metric_id": seats.lago_id,
                "charge_model": "standard",
                "pay_in_advance": False,
                "prorated": True,
                "properties": {"amount": "31"},
            },
            {
                "billable_metric_id": calls.lago_id,
                "charge_model": "graduated",
                "properties": {"graduated_ranges": CALL_RANGES},
            },
        ],
    }
    client.plans.create(Plan.parse_obj(plan))
    client.customers.create(Customer.parse_obj({"external_id": "acme", "name": "Acme", "currency": "USD"}))
    client.subscriptions.create(
        Subscription.parse_obj({"external_customer_id": "acme", "external_id": "acme-team", "plan_code": "team"})
    )
    months = (
        (1, JANUARY, "2026-02-01T00:00:00Z", EXPECTED_JANUARY),
        (2, FEBRUARY, "2026-03-01T00:00:00Z", EXPECTED_FEBRUARY),
    )
    for month, usage, end, expected in months:
        client.events.batch_create(events(month, usage))
        sandbox.move_clock(end)
        found = print_invoice(client, "acme")
        assert found == expected, f"{found}, expected {expected}"


if __name__ == "__main__":
    main()
