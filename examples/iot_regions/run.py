"""Messages of devices: a price for each region, one plan in yen and one in euros, each in its customer's time zone.

Run: python -m examples.iot_regions.run --url http://127.0.0.1:3000 --admin-key KEY
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lago_python_client.models import BatchEvent, BillableMetric, Customer, Plan, Subscription

from examples.sandbox import Line, Sandbox, print_invoice

METRIC = {
    "name": "Messages",
    "code": "messages",
    "aggregation_type": "sum_agg",
    "field_name": "messages",
    "filters": [{"key": "region", "values": ["jp", "eu", "us", "br"]}],
}

USAGE = {
    "tokyo": [
        (datetime(2026, 1, 1, 1, tzinfo=UTC), "jp", 100_000),
        (datetime(2026, 1, 12, 8, tzinfo=UTC), "jp", 4_321),
        (datetime(2026, 1, 15, 8, tzinfo=UTC), "eu", 20_003),
        (datetime(2026, 1, 16, 8, tzinfo=UTC), "us", 10_000),
        (datetime(2026, 1, 20, 8, tzinfo=UTC), "br", 1_001),
        (datetime(2026, 1, 31, 15, tzinfo=UTC), "jp", 999),  # midnight in Tokyo: February's
    ],
    "berlin": [
        (datetime(2026, 1, 1, 1, tzinfo=UTC), "eu", 200_000),
        (datetime(2026, 1, 15, 8, tzinfo=UTC), "us", 40_000),
        (datetime(2026, 1, 16, 8, tzinfo=UTC), "jp", 1_234),
        (datetime(2026, 1, 20, 8, tzinfo=UTC), "br", 777),
        (datetime(2026, 1, 31, 15, tzinfo=UTC), "eu", 50_005),  # 16:00 in Berlin: still January's
    ],
}
"""Customer -> (at, region, messages)."""

EXPECTED = {
    "tokyo": {
        "IoT Japan": Line("1.0", "5000.0", 5000),
        "Messages: at home": Line("104321.0", "0.12", 12519),
        "Messages: abroad": Line("30003.0", "0.18", 5401),
        "Messages": Line("1001.0", "0.3", 300),
        "Total": 23220,
    },
    "berlin": {
        "IoT Europe": Line("1.0", "49.0", 4900),
        "Messages: at home": Line("250005.0", "0.0007", 17500),
        "Messages: abroad": Line("41234.0", "0.0011", 4536),
        "Messages": Line("777.0", "0.0019", 148),
        "Total": 27084,
    },
}


def plan(metric_id: str, name: str, currency: str, amount_cents: int, home: str, *prices: str) -> dict[str, Any]:
    """A plan as the API takes it; prices a message, in major units: at home, abroad, and where no filter names it."""
    at_home, abroad, elsewhere = prices
    regions = {"at home": [home], "abroad": [region for region in ("jp", "eu", "us") if region != home]}
    return {
        "name": name,
        "code": name.lower().replace(" ", "-"),
        "interval": "monthly",
        "amount_cents": amount_cents,
        "amount_currency": currency,
        "pay_in_advance": False,
        "charges": [
            {
                "billable_metric_id": metric_id,
                "charge_model": "standard",
                "properties": {"amount": elsewhere},
                "filters": [
                    {
                        "invoice_display_name": label,
                        "values": {"region": regions[label]},
                        "properties": {"amount": price},
                    }
                    for label, price in (("at home", at_home), ("abroad", abroad))
                ],
            }
        ],
    }


def main() -> None:
    sandbox = Sandbox("IoT regions", "2026-01-01T00:00:00Z")
    client = sandbox.client
    metric_id = client.billable_metrics.create(BillableMetric.parse_obj(METRIC)).lago_id
    japan = plan(metric_id, "IoT Japan", "JPY", 5000, "jp", "0.12", "0.18", "0.30")
    europe = plan(metric_id, "IoT Europe", "EUR", 4900, "eu", "0.0007", "0.0011", "0.0019")
    for customer, priced, zone in (("tokyo", japan, "Asia/Tokyo"), ("berlin", europe, "Europe/Berlin")):
        client.plans.create(Plan.parse_obj(priced))
        client.customers.create(
            Customer.parse_obj(
                {"external_id": customer, "name": customer, "currency": priced["amount_currency"], "timezone": zone}
            )
        )
        client.subscriptions.create(
            Subscription.parse_obj(
                {"external_customer_id": customer, "external_id": customer, "plan_code": priced["code"]}
            )
        )
        events = [
            {
                "transaction_id": f"{customer}-{number}",
                "external_subscription_id": customer,
                "code": "messages",
                "timestamp": int(at.timestamp()),
                "properties": {"region": region, "messages": messages},
            }
            for number, (at, region, messages) in enumerate(USAGE[customer])
        ]
        client.events.batch_create(BatchEvent.parse_obj({"events": events}))
    sandbox.move_clock("2026-02-01T00:00:00Z")
    for customer, expected in EXPECTED.items():
        found = print_invoice(client, customer)
        assert found == expected, f"{customer}: {found}, expected {expected}"


if __name__ == "__main__":
    main()
