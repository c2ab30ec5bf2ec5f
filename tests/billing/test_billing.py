"""Billing on a real ledger: what is due is done in order, once, and dated when it was due."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog.commands import update_plan
from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices, replay_usage
from domain.kernel.errors import AmountOutOfRangeError, ConflictError, UnavailableError
from domain.kernel.ledger import Ledger
from domain.metering.ports import Usage
from domain.subscriptions.commands import terminate_subscription
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop, instant


async def invoices(shop: Shop) -> list[Invoice]:
    found = await shop.ledger.find_all(Invoice, shop.organization.id, status="finalized")
    return sorted(found, key=lambda invoice: (invoice.content.issuing_date, invoice.id))


async def advance(shop: Shop, usage: MemoryUsage, subscription: Subscription, at: str) -> str | None:
    due = await advance_subscription(shop.ledger, usage, shop.fees, subscription.id, at=instant(at))
    return None if due is None else due.isoformat()


async def test_a_month_of_usage_becomes_an_invoice_that_replays(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.customer(timezone="America/New_York", currency="USD")
    calls = await shop.metric("calls")
    storage = await shop.metric("gb", aggregation_type="sum_agg", field_name="gb")
    tiers = [
        {"from_value": 0, "to_value": 2, "per_unit_amount": "0", "flat_amount": "0"},
        {"from_value": 3, "to_value": None, "per_unit_amount": "0.10", "flat_amount": "0"},
    ]
    await shop.plan(
        amount_cents=5000,
        amount_currency="USD",
        charges=(
            shop.charge(calls, "graduated", {"graduated_ranges": tiers}),
            shop.charge(storage, "standard", {"amount": "0.255"}),
        ),
    )
    subscription = await shop.subscribe(at="2024-01-01T05:00")
    for day in ("03", "10", "17", "31"):
        usage.add("calls", f"2024-01-{day}T12:00")
    usage.add("calls", "2024-02-01T04:59:59.999")  # still January in New York
    usage.add("calls", "2024-02-01T05:00")
    usage.add("gb", "2024-01-20", gb="1.5")

    assert await advance(shop, usage, subscription, "2024-01-20") == "2024-02-01T05:00:00+00:00"
    assert await advance(shop, usage, subscription, "2024-02-01T09:00") == "2024-03-01T05:00:00+00:00"
    [invoice] = await invoices(shop)
    assert [(fee.item.code, str(fee.units), fee.amount_cents) for fee in invoice.content.fees] == [
        ("pro", "1", 5000),
        ("calls", "5", 30),
        ("gb", "1.5", 38),
    ]
    assert invoice.content.totals.total_amount_cents == 5068
    assert invoice.content.issuing_date == date(2024, 2, 1)
    assert invoice.numbering is not None
    assert invoice.numbering.number.endswith("-001-001")
    assert usage.calls == 1, "all charges are aggregated at once"

    usage.add("calls", "2024-01-15T12:00")  # late: after the watermark
    assert list(replay_prices(invoice)) == []
    assert await replay_usage(usage, [invoice]) == []


@pytest.mark.parametrize(
    ("plan", "begun", "until", "expected", "why"),
    [
        ({}, "2024-01-16", "2024-02-01", [("2024-02-01", 1600)], "16 of 31 days in arrears"),
        (
            {"pay_in_advance": True},
            "2024-01-16",
            "2024-02-01",
            [("2024-01-16", 1600), ("2024-02-01", 3100)],
            "the first month by the day and at once, the next in advance",
        ),
        (
            {"interval": "daily", "amount_cents": 100},
            "2024-01-01",
            "2024-01-03",
            [("2024-01-02", 100), ("2024-01-03", 100)],
            "every day",
        ),
        (
            {"interval": "weekly", "amount_cents": 700},
            "2024-01-03",
            "2024-01-15",
            [("2024-01-08", 500), ("2024-01-15", 700)],
            "Mondays",
        ),
        ({"interval": "quarterly"}, "2024-02-01", "2024-04-01", [("2024-04-01", 2044)], "60 of 91 days"),
        ({"interval": "semiannual"}, "2024-01-01", "2024-07-01", [("2024-07-01", 3100)], "whole"),
        ({"interval": "yearly"}, "2024-01-01", "2025-01-01", [("2025-01-01", 3100)], "whole"),
        (
            {"pay_in_advance": True, "trial_period": 10},
            "2024-01-01T12:00",
            "2024-02-01",
            [("2024-01-11", 2100), ("2024-02-01", 3100)],
            "the trial's last day is billed",
        ),
    ],
)
async def test_intervals(
    ledger: Ledger, plan: dict[str, Any], begun: str, until: str, expected: list[tuple[str, int]], why: str
) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan(**plan)
    subscription = await shop.subscribe(at=begun)
    await advance(shop, usage, subscription, until)
    found = [(str(one.content.issuing_date), one.content.totals.total_amount_cents) for one in await invoices(shop)]
    assert found == expected, why


async def test_next_to_no_units_under_a_flat_amount_are_billed(ledger: Ledger) -> None:
    """A unit amount of 5e44 is shown nowhere, and in nobody's way."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    gb = await shop.metric("gb", aggregation_type="sum_agg", field_name="gb")
    tier = {"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "5"}
    await shop.plan(charges=(shop.charge(gb, "volume", {"volume_ranges": [tier]}),))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("gb", "2024-01-20", gb="0." + 43 * "0" + "1")
    await advance(shop, usage, subscription, "2024-02-01")
    [invoice] = await invoices(shop)
    [fee] = [fee for fee in invoice.content.fees if fee.fee_type == "charge"]
    assert (fee.units, fee.amount_cents) == (Decimal("1e-44"), 500)
    assert fee.unit_amount_cents == fee.precise_unit_amount == 0
    assert list(replay_prices(invoice)) == []
    assert await replay_usage(usage, [invoice]) == []


async def test_what_is_more_than_money_can_be_holds_up_its_own_invoice_alone(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    gb = await shop.metric("gb", aggregation_type="sum_agg", field_name="gb")
    plan = await shop.plan(charges=(shop.charge(gb, "standard", {"amount": "5"}),))
    await shop.customer("c2")
    broken, sharing = await shop.subscribe("s1", at="2024-01-01"), await shop.subscribe("s2", at="2024-01-01")
    other = await shop.subscribe("s3", at="2024-01-01", customer="c2")
    usage.add("gb", "2024-01-20", gb="1" + 18 * "0")

    for subscription in (broken, sharing):
        with pytest.raises(AmountOutOfRangeError, match="gb"):
            await advance(shop, usage, subscription, "2024-02-01")
    await advance(shop, usage, other, "2024-02-01")
    [invoice] = await invoices(shop)
    assert [row.external_id for row in invoice.content.subscriptions] == ["s3"]

    [charge] = plan.details.charges
    mended = replace(charge, properties={"amount": "0.000000001"})
    await update_plan(
        shop.ledger,
        shop.organization.id,
        "pro",
        lambda before: replace(before, charges=(mended,)),
        at=instant("2024-02-02"),
    )
    await advance(shop, usage, broken, "2024-02-01")
    await advance(shop, usage, sharing, "2024-02-01")
    [invoice] = [one for one in await invoices(shop) if one.id != invoice.id]
    assert [row.external_id for row in invoice.content.subscriptions] == ["s1", "s2"]
    assert invoice.content.totals.total_amount_cents == 10**11 + 2 * 3100


async def test_subscriptions_due_together_share_an_invoice_whoever_wakes_first(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan()
    begun = [await shop.subscribe(f"s{number}", at="2024-01-01") for number in range(8)]
    await shop.subscribe("alone", at="2024-01-01", consolidate_invoice=False)

    async def wake(subscription: Subscription) -> None:
        for _ in range(20):
            try:
                await advance(shop, usage, subscription, "2024-02-01")
                return
            except ConflictError:
                continue
        raise AssertionError("never got through")

    await asyncio.gather(*map(wake, begun))
    [invoice] = await invoices(shop)
    assert len(invoice.content.subscriptions) == 8
    assert invoice.content.totals.total_amount_cents == 8 * 3100


async def test_unknown_usage_is_never_billed_as_zero(ledger: Ledger) -> None:
    class Away(MemoryUsage):
        async def aggregate(self, queries: Any, watermark: int) -> list[tuple[Usage, ...]]:
            raise UnavailableError("clickhouse")

    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await shop.metric("calls")
    await shop.plan(charges=(shop.charge(metric, "standard", {"amount": "1"}),))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("calls", "2024-01-05")
    with pytest.raises(UnavailableError):
        await advance_subscription(ledger, Away(), shop.fees, subscription.id, at=instant("2024-02-01"))
    assert await invoices(shop) == []
    await advance(shop, usage, subscription, "2024-02-03")
    [invoice] = await invoices(shop)
    assert invoice.content.totals.total_amount_cents == 3200
    assert invoice.content.issuing_date == date(2024, 2, 1), "dated by the boundary, however late"


async def test_a_start_in_the_past_is_billed_from_the_next_billing_day_on(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan(pay_in_advance=True)
    subscription = await shop.subscribe(at="2024-03-10", subscription_at=instant("2023-11-20"))
    assert subscription.status == "active"
    await advance(shop, usage, subscription, "2024-04-02")
    found = [(str(one.content.issuing_date), one.content.totals.total_amount_cents) for one in await invoices(shop)]
    assert found == [("2024-04-01", 3100)]


async def test_an_end_bills_the_days_until_then(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan()
    subscription = await shop.subscribe(at="2024-01-01", ending_at=instant("2024-02-10"))
    assert await advance(shop, usage, subscription, "2024-03-01") is None
    found = [(str(one.content.issuing_date), one.content.totals.total_amount_cents) for one in await invoices(shop)]
    assert found == [("2024-02-01", 3100), ("2024-02-10", 1069)], "10 of 29 days"


async def test_nothing_is_issued_for_zero_where_that_is_skipped(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.customer(finalize_zero_amount_invoice="skip")
    await shop.plan(amount_cents=0)
    subscription = await shop.subscribe(at="2024-01-01")
    assert await advance(shop, usage, subscription, "2024-02-01") == "2024-03-01T00:00:00+00:00"
    assert await invoices(shop) == []
    [closed] = await ledger.find_all(Invoice, shop.organization.id, status="closed")
    assert closed.numbering is None


async def test_what_was_due_before_an_end_is_billed_however_late(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan()
    await shop.plan("advance", pay_in_advance=True)
    arrears = await shop.subscribe(at="2024-01-01")
    advance_ = await shop.subscribe("s2", at="2024-01-01", plan="advance")
    await shop.subscribe("s3", at="2024-01-20")  # lives on, and is due at other times
    for subscription in (arrears, advance_):  # nothing has been billed: the workers were away since January
        await terminate_subscription(
            ledger,
            subscription.id,
            on_termination_credit_note=None,
            on_termination_invoice=None,
            at=instant("2024-03-10T12:00"),
        )
    assert await advance(shop, usage, arrears, "2024-03-11") is None
    assert await advance(shop, usage, advance_, "2024-03-11") is None
    found = [
        (str(one.content.issuing_date), row.external_id, one.content.totals.total_amount_cents)
        for one in await invoices(shop)
        for row in one.content.subscriptions
        if row.external_id != "s3"
    ]
    assert sorted(found) == [
        ("2024-01-01", "s2", 3100),
        ("2024-02-01", "s1", 4300),
        ("2024-02-01", "s2", 3100),
        ("2024-03-01", "s1", 6200),
        ("2024-03-01", "s2", 3100),
        ("2024-03-10", "s1", 1000),
        ("2024-03-10", "s2", 0),
    ], "s1 shares its periodic invoices with s3, which brings 12 of 31 days and then 31 of 31"
