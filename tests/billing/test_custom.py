"""Custom aggregations on a real ledger: what expressions make of events is billed once, and replays (A20)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.catalog.billable_metric import BillableMetric, MetricFilter
from domain.catalog.charge import ChargeFilter
from domain.invoicing.billing import advance_subscription
from domain.invoicing.current_usage import current_usage
from domain.invoicing.invoice import Fee, Invoice
from domain.invoicing.replay import replay_prices, replay_usage
from domain.invoicing.standalone_fee import StandaloneFee
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.metering.ports import CustomAggregator
from tests.billing.test_in_advance import fees
from tests.builders import MemoryUsage, Shop, arrive, instant

SEATS = CustomAggregator(
    total_units="state.total_units + event.properties.seats",
    amount="event.properties.seats * custom_properties.price",
)


async def seats(shop: Shop, **details: Any) -> BillableMetric:
    return await shop.metric("seats", aggregation_type="custom_agg", custom_aggregator=SEATS, **details)


def price(amount: str) -> dict[str, Any]:
    return {"custom_properties": {"price": amount}}


async def issued(shop: Shop) -> list[Invoice]:
    found = await shop.ledger.find_all(Invoice, shop.organization.id, status="finalized")
    return sorted(found, key=lambda invoice: invoice.content.issuing_date)


def figures(invoice: Invoice) -> list[tuple[str, int, int | None]]:
    return [(str(fee.units), fee.amount_cents, fee.events_count) for fee in invoice.content.fees if fee.charge_id]


async def test_filters_and_groups_are_folded_each_for_itself(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await seats(shop, filters=(MetricFilter(key="region", values=("eu", "us")),))
    filters = (
        ChargeFilter(id=ids.new(), values={"region": ("eu",)}, properties=price("3"), created_at=metric.created_on),
    )
    properties = {**price("1.005"), "pricing_group_keys": ["team"]}
    charge = shop.charge(metric, "custom", properties, filters=filters)
    await shop.plan(amount_cents=0, charges=(charge,))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("seats", "2024-01-05", seats="2", region="eu")
    usage.add("seats", "2024-01-06", seats="1", team="a")
    usage.add("seats", "2024-01-07", seats="4", team="b", region="us")
    usage.add("seats", "2024-01-08", seats="many", team="b")
    usage.add("seats", "2024-01-09", team="b")
    usage.add("seats", "2024-01-10", seats="1", region="eu")
    await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant("2024-02-01"))
    [invoice] = await issued(shop)
    assert figures(invoice) == [("3", 900, 2), ("1", 101, 1), ("4", 402, 1)], "the broken events cost nothing"
    assert {fee.precise_unit_amount for fee in invoice.content.fees if fee.charge_id} == {Decimal(3), Decimal("1.005")}
    assert usage.calls == 1

    usage.add("seats", "2024-01-05", seats="100")  # late: after the watermark
    assert list(replay_prices(invoice)) == []
    assert await replay_usage(usage, [invoice]) == []


async def test_recurring_units_carry_over_and_amounts_are_owed_once(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await seats(shop, recurring=True, rounding_function="ceil")
    plan = await shop.plan(amount_cents=0, charges=(shop.charge(metric, "custom", price("2")),))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("seats", "2024-01-05", seats="10")
    usage.add("seats", "2024-02-10", seats="-4.5")
    usage.add("seats", "2024-02-11", seats="6")
    usage.add("seats", "2024-04-01", seats="1")
    await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant("2024-04-01"))
    invoices = await issued(shop)
    assert [figures(invoice) for invoice in invoices] == [
        [("10", 2000, 1)],
        [("12", 300, 2)],  # 11.5 seats, as the metric rounds them; 1.5 of them are new
        [("12", 0, 0)],
    ]
    assert [difference for invoice in invoices for difference in replay_prices(invoice)] == []
    assert await replay_usage(usage, invoices) == []

    now = await current_usage(ledger, usage, subscription, plan, "UTC", at=instant("2024-04-02"))
    assert [(bucket.fee.units, bucket.fee.amount_cents) for bucket in now.buckets] == [(Decimal(13), 200)]


async def test_a_fall_of_the_amount_owes_nothing(ledger: Ledger) -> None:
    """K4."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await seats(shop, recurring=True)
    await shop.plan(amount_cents=0, charges=(shop.charge(metric, "custom", price("2")),))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("seats", "2024-01-05", seats="10")
    usage.add("seats", "2024-02-10", seats="-4")
    await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant("2024-03-01"))
    assert [figures(invoice) for invoice in await issued(shop)] == [[("10", 2000, 1)], [("0", 0, 1)]]


@pytest.mark.parametrize("invoiceable", [True, False])
@pytest.mark.parametrize("recurring", [True, False])
async def test_events_in_advance_pay_what_they_add_and_are_not_billed_again(
    ledger: Ledger, invoiceable: bool, recurring: bool
) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await seats(shop, recurring=recurring, field_name="note")
    charge = shop.charge(
        metric,
        "custom",
        {**price("2"), "pricing_group_keys": ["team"]},
        pay_in_advance=True,
        invoiceable=invoiceable,
    )
    plan = await shop.plan(amount_cents=0, charges=(charge,))
    subscription = await shop.subscribe(at="2024-01-01")
    for at, count in (("01-05", "3"), ("01-06", "-1"), ("01-07", "x"), ("02-05", "2")):
        usage.add("seats", f"2024-{at}", seats=count, team="a")
    assert [await arrive(shop, usage, number) for number in (1, 2, 3, 1)] == [1, 1, 0, 0]
    now = await current_usage(ledger, usage, subscription, plan, "UTC", at=instant("2024-01-20"))
    assert [(bucket.fee.units, bucket.fee.amount_cents) for bucket in now.buckets] == [(Decimal(2), 400)]

    await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant("2024-02-01"))
    assert await arrive(shop, usage, 4) == 1
    made = await fees(shop)
    assert [(str(fee.units), fee.amount_cents) for fee in made] == [("3", 600), ("0", 0), ("2", 400)]
    everything: list[Invoice | StandaloneFee] = [
        *await issued(shop),
        *await ledger.find_all(StandaloneFee, shop.organization.id),
    ]
    assert _charged(everything) == [fee.id for fee in made], "the period's end bills none of it again"
    assert [difference for one in everything for difference in replay_prices(one)] == []


def _charged(everything: list[Invoice | StandaloneFee]) -> list[Any]:
    found: list[Fee] = []
    for one in everything:
        found += [one.fee] if isinstance(one, StandaloneFee) else [fee for fee in one.content.fees if fee.charge_id]
    return [fee.id for fee in sorted(found, key=lambda fee: fee.event_transaction_id or "")]
