"""Paid fees on a real ledger: gathered on an invoice that is paid, every one once (metering-pricing V12, B5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Literal
from uuid import UUID

import pytest

from domain.catalog.plan import Plan
from domain.invoicing.billing import advance_subscription
from domain.invoicing.commands import change_fee_payment_status, delete_fee
from domain.invoicing.document import document_of
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices, replay_usage
from domain.invoicing.standalone_fee import FeePaymentStatus, StandaloneFee
from domain.kernel.errors import ConflictError, NotAllowedError
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription
from domain.subscriptions.subscription import Subscription
from domain.taxation.commands import create_tax
from domain.taxation.tax import TaxDetails
from projections.postgres import Database
from tests.builders import MemoryUsage, Shop, arrive, instant
from workflows import subjects

D = Decimal


async def open_shop(ledger: Ledger, *, plan: dict[str, Any] | None = None, **charge: Any) -> tuple[Shop, MemoryUsage]:
    """A call costs 10.00 at once, on the plan `pro`."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await shop.metric("calls")
    terms = {"pay_in_advance": True, "invoiceable": False, "regroup_paid_fees": "invoice", **charge}
    await shop.plan(charges=(shop.charge(metric, "standard", {"amount": "10"}, **terms),), **(plan or {}))
    return shop, usage


async def call(shop: Shop, usage: MemoryUsage, at: str, subscription: str = "s1") -> StandaloneFee:
    """An event, and its fee."""
    known = {fee.id for fee in await fees(shop)}
    usage.add("calls", at, subscription=subscription)
    assert await arrive(shop, usage, len(usage.events)) == 1
    [made] = [fee for fee in await fees(shop) if fee.id not in known]
    return made


async def fees(shop: Shop) -> list[StandaloneFee]:
    return await shop.ledger.find_all(StandaloneFee, shop.organization.id)


async def pay(shop: Shop, fee: StandaloneFee, at: str, status: FeePaymentStatus = "succeeded") -> None:
    await change_fee_payment_status(shop.ledger, fee.id, status, at=instant(at))


async def bill(shop: Shop, usage: MemoryUsage, subscription: Subscription, at: str) -> None:
    await advance_subscription(shop.ledger, usage, shop.fees, subscription.id, at=instant(at))


async def gathered(shop: Shop) -> list[Invoice]:
    """The invoices of paid fees; each replays, and can be printed."""
    found = await shop.ledger.find_all(Invoice, shop.organization.id, status="finalized")
    invoices = [one for one in found if one.content.invoice_type == "advance_charges"]
    for invoice in invoices:
        assert list(replay_prices(invoice)) == []
        assert document_of(invoice).totals == invoice.content.totals
    return sorted(invoices, key=lambda one: (one.content.issuing_date, one.content.currency, one.id))


async def end(shop: Shop, subscription: Subscription, at: str, invoice: Literal["generate", "skip"]) -> None:
    await terminate_subscription(
        shop.ledger, subscription.id, on_termination_credit_note=None, on_termination_invoice=invoice, at=instant(at)
    )


async def insist(do: Callable[[], Awaitable[object]]) -> None:
    """As activities and the API do it when another append was faster."""
    while True:
        try:
            await do()
            return
        except ConflictError:
            continue


async def test_paid_fees_are_on_one_invoice_that_is_paid(ledger: Ledger) -> None:
    shop, usage = await open_shop(ledger)
    await create_tax(
        ledger,
        shop.organization.id,
        TaxDetails(name="VAT", code="vat", rate=D("20.05")),
        applied_to_organization=True,
        at=instant("2024-01-01"),
    )
    await shop.customer(timezone="America/New_York", net_payment_term=30)
    subscription = await shop.subscribe(at="2024-01-01T05:00")
    first, second, third = [await call(shop, usage, f"2024-01-{day}") for day in ("05", "06", "07")]
    await pay(shop, first, "2024-01-10")
    await pay(shop, second, "2024-02-01T05:00")
    await pay(shop, third, "2024-02-01T05:00:01")
    await bill(shop, usage, subscription, "2024-02-03")
    [invoice] = await gathered(shop)
    content = invoice.content
    assert [fee.id for fee in content.fees] == [first.id, second.id]
    assert content.fees == (first.fee, second.fee), "as they were"
    assert (invoice.status, invoice.payment_status, invoice.total_paid_amount_cents) == ("finalized", "succeeded", 2402)
    assert (content.totals.fees_amount_cents, content.totals.taxes_amount_cents) == (2000, 402), "201 twice"
    assert content.totals.total_amount_cents == 2402
    assert (content.taxes_rate, [row.amount_cents for row in content.applied_taxes]) == (D("20.1"), [402])
    assert (content.issuing_date, content.payment_due_date) == (date(2024, 2, 1), date(2024, 3, 2))
    [row] = content.subscriptions
    assert (row.reason, row.recurring, row.subscription_id) == ("in_advance_charge_periodic", False, subscription.id)
    assert (row.charges_from_at, row.timestamp) == (instant("2024-01-01T05:00"), instant("2024-02-01T05:00"))
    assert invoice.numbering is not None
    assert invoice.numbering.number.endswith("-001-002"), "after the invoice of its bill"

    for fee in (first, second):
        assert (await ledger.load(StandaloneFee, fee.id)).invoice_id == invoice.id
        with pytest.raises(NotAllowedError, match="invoiced_fee"):
            await pay(shop, fee, "2024-02-10", "refunded")
        with pytest.raises(NotAllowedError, match="invoiced_fee"):
            await delete_fee(ledger, fee.id, at=instant("2024-02-10"))
    await bill(shop, usage, subscription, "2024-03-02")
    assert [[fee.id for fee in one.content.fees] for one in await gathered(shop)] == [[first.id, second.id], [third.id]]
    await bill(shop, usage, subscription, "2024-05-02")
    assert len(await gathered(shop)) == 2, "nothing is paid, so there is no invoice"


@pytest.mark.parametrize(
    ("charge", "status", "deleted", "why"),
    [
        ({"regroup_paid_fees": None}, "succeeded", False, "never invoiced (V12)"),
        ({}, "pending", False, "not paid"),
        ({}, "failed", False, "not paid"),
        ({}, "refunded", False, "given back"),
        ({}, "succeeded", True, "taken back"),
    ],
)
async def test_what_is_not_gathered(
    ledger: Ledger, charge: dict[str, Any], status: FeePaymentStatus, deleted: bool, why: str
) -> None:
    shop, usage = await open_shop(ledger, **charge)
    subscription = await shop.subscribe(at="2024-01-01")
    fee = await call(shop, usage, "2024-01-05")
    await pay(shop, fee, "2024-01-06")
    await pay(shop, fee, "2024-01-07", status)
    if deleted:
        await delete_fee(ledger, fee.id, at=instant("2024-01-08"))
    await bill(shop, usage, subscription, "2024-02-01")
    await end(shop, subscription, "2024-02-05", "generate")
    await bill(shop, usage, subscription, "2024-02-05")
    assert await gathered(shop) == [], why


@pytest.mark.parametrize("invoice", ["generate", "skip"])
async def test_an_end_gathers_what_was_paid_by_then(ledger: Ledger, invoice: Literal["generate", "skip"]) -> None:
    shop, usage = await open_shop(ledger)
    subscription = await shop.subscribe(at="2024-01-01")
    before, at_the_end, after = [await call(shop, usage, f"2024-01-{day}") for day in ("05", "06", "07")]
    await pay(shop, before, "2024-01-09")
    await pay(shop, at_the_end, "2024-01-10T12:00")
    await end(shop, subscription, "2024-01-10T12:00", invoice)
    await pay(shop, after, "2024-01-10T12:01")
    await bill(shop, usage, subscription, "2024-01-11")
    [issued] = await gathered(shop)
    assert [fee.id for fee in issued.content.fees] == [before.id, at_the_end.id]
    assert issued.content.issuing_date == date(2024, 1, 10)
    others = await ledger.find_all(Invoice, shop.organization.id)
    assert len(others) - 1 == (1 if invoice == "generate" else 0)
    await bill(shop, usage, subscription, "2024-04-01")
    assert len(await gathered(shop)) == 1


async def test_an_end_without_an_invoice_is_waited_for_until_it_is_done(ledger: Ledger, database: Database) -> None:
    async def living() -> list[UUID]:
        return [one.subscription_id async for page in subjects.living(database) for one in page]

    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan()
    subscription = await shop.subscribe(at="2024-01-01")
    await end(shop, subscription, "2024-01-10", "skip")
    assert await living() == [subscription.id]
    assert await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant("2024-01-11")) is None
    assert await living() == []
    assert await ledger.find_all(Invoice, shop.organization.id) == []


async def test_fees_of_a_running_period_wait_for_its_end(ledger: Ledger) -> None:
    """A year's charges on a plan whose fixed charges are billed by the month: eleven bills in between (V12)."""
    shop, usage = await open_shop(ledger, plan={"interval": "yearly", "bill_fixed_charges_monthly": True})
    subscription = await shop.subscribe(at="2024-01-01")
    fee = await call(shop, usage, "2024-01-05")
    await pay(shop, fee, "2024-01-06")
    await bill(shop, usage, subscription, "2024-12-31")
    assert await gathered(shop) == []
    await bill(shop, usage, subscription, "2025-01-01")
    [invoice] = await gathered(shop)
    assert [one.id for one in invoice.content.fees] == [fee.id]


async def test_renewals_are_gathered_by_the_usage_that_they_are_for(ledger: Ledger) -> None:
    """A renewal shows the period ahead; what it was computed from has ended. Each keeps its own watermark."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    seats = await shop.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=True)
    terms = {"pay_in_advance": True, "invoiceable": False, "regroup_paid_fees": "invoice"}
    await shop.plan(charges=(shop.charge(seats, "standard", {"amount": "1"}, **terms),))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("calls", "2024-01-05", n="3")
    await bill(shop, usage, subscription, "2024-02-01")
    usage.add("calls", "2024-01-06", n="4")  # late: the first renewal has been made without it
    await bill(shop, usage, subscription, "2024-03-01")
    renewals = sorted(await fees(shop), key=lambda one: one.created_on)
    assert [one.fee.amount_cents for one in renewals] == [300, 700]
    assert renewals[1].fee.to_at == instant("2024-03-31T23:59:59.999999")
    for renewal in renewals:
        await pay(shop, renewal, "2024-03-05")
    await bill(shop, usage, subscription, "2024-04-01")
    [invoice] = await gathered(shop)
    assert [fee.id for fee in invoice.content.fees] == [one.id for one in renewals]
    assert await replay_usage(usage, [invoice]) == []
    usage.events.pop(0)
    assert [one.what for one in await replay_usage(usage, [invoice])] == ["usage of calls"] * 2


async def test_a_fee_is_gathered_whatever_becomes_of_its_charge(ledger: Ledger) -> None:
    shop, usage = await open_shop(ledger)
    subscription = await shop.subscribe(at="2024-01-01")
    fee = await call(shop, usage, "2024-01-05")
    plan = await ledger.load(Plan, subscription.plan_id)
    plan.update(replace(plan.details, charges=()), at=instant("2024-01-06"))
    await ledger.append(plan)
    await bill(shop, usage, subscription, "2024-02-01")
    await pay(shop, fee, "2024-02-10")
    await bill(shop, usage, subscription, "2024-03-01")
    [invoice] = await gathered(shop)
    assert [one.id for one in invoice.content.fees] == [fee.id]


async def test_subscriptions_that_are_billed_together_share_the_invoice(ledger: Ledger) -> None:
    shop, usage = await open_shop(ledger)
    begun = [await shop.subscribe(name, at="2024-01-01") for name in ("s1", "s2", "s3")]
    paid = [await call(shop, usage, "2024-01-05", name) for name in ("s2", "s1", "s1")]
    for fee in paid:
        await pay(shop, fee, "2024-01-06")
    await bill(shop, usage, begun[2], "2024-02-01")
    [invoice] = await gathered(shop)
    assert {fee.id for fee in invoice.content.fees} == {fee.id for fee in paid}
    assert [row.external_id for row in invoice.content.subscriptions] == ["s1", "s2"], "s3 has no fees"
    assert [len(part.lines) for part in document_of(invoice).sections] == [2, 1]


async def test_one_invoice_for_each_currency_and_order_number(ledger: Ledger) -> None:
    """What follows under an external id gathers the fees of before, which keep their currency and order number."""
    shop, usage = await open_shop(ledger)
    charges = (await ledger.find_all(Plan, shop.organization.id, code="pro"))[0].details.charges
    await shop.plan("dollars", amount_currency="USD", charges=charges)
    paid = []
    for month, (plan, order_number) in enumerate((("pro", "A"), ("pro", None), ("dollars", None), ("dollars", "A")), 1):
        subscription = await shop.subscribe(at=f"2024-0{month}-01", plan=plan, purchase_order_number=order_number)
        paid.append(await call(shop, usage, f"2024-0{month}-05"))
        paid.append(await call(shop, usage, f"2024-0{month}-06"))
        if month < 4:
            await end(shop, subscription, f"2024-0{month}-10", "generate")
            await bill(shop, usage, subscription, f"2024-0{month}-10")
    for fee in paid:
        await pay(shop, fee, "2024-04-07")
    await bill(shop, usage, subscription, "2024-05-01")
    found = await gathered(shop)
    assert [(one.content.currency, one.content.totals.total_amount_cents) for one in found] == [
        *[("EUR", 2000)] * 2,
        *[("USD", 2000)] * 2,
    ]
    ids = [[fee.id for fee in one.content.fees] for one in found]
    assert sorted(ids) == sorted([paid[n].id, paid[n + 1].id] for n in (0, 2, 4, 6))
    windows = {(row.charges_from_at, row.charges_to_at) for one in found for row in one.content.subscriptions}
    assert windows == {
        (instant(f"2024-0{month}-01"), instant(f"2024-0{month}-{last}T23:59:59.999999"))
        for month, last in ((1, 31), (2, 29), (3, 31), (4, 30))
    }, "the rows of those that ended cover the periods of their fees"


async def test_another_customer_with_the_same_external_id_pays_nothing(ledger: Ledger) -> None:
    shop, usage = await open_shop(ledger)
    ended = await shop.subscribe(at="2024-01-01", customer="c1")
    of_first = await call(shop, usage, "2024-01-05")
    await end(shop, ended, "2024-01-10", "generate")
    await bill(shop, usage, ended, "2024-01-10")
    follower = await shop.subscribe(at="2024-01-11", customer="c2")
    of_second = await call(shop, usage, "2024-01-12")
    for fee in (of_first, of_second):
        await pay(shop, fee, "2024-01-13")
    await bill(shop, usage, follower, "2024-02-01")
    [invoice] = await gathered(shop)
    assert (invoice.customer_id, [fee.id for fee in invoice.content.fees]) == (follower.customer_id, [of_second.id])


async def test_fees_of_nothing_are_closed_with_their_invoice_where_that_is_skipped(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.customer(finalize_zero_amount_invoice="skip")
    metric = await shop.metric("calls")
    terms = {"pay_in_advance": True, "invoiceable": False, "regroup_paid_fees": "invoice"}
    await shop.plan(charges=(shop.charge(metric, "standard", {"amount": "0"}, **terms),))
    subscription = await shop.subscribe(at="2024-01-01")
    fee = await call(shop, usage, "2024-01-05")
    await pay(shop, fee, "2024-01-06")
    await bill(shop, usage, subscription, "2024-02-01")
    [invoice] = await ledger.find_all(Invoice, shop.organization.id, status="closed")
    assert (invoice.numbering, invoice.payment_status, invoice.total_paid_amount_cents) == (None, "succeeded", 0)
    assert (await ledger.load(StandaloneFee, fee.id)).invoice_status == "closed"


async def test_whatever_happens_at_once_a_fee_is_gathered_once(ledger: Ledger) -> None:
    """Workers bill the same month, and people pay, take back and delete fees meanwhile."""
    shop, usage = await open_shop(ledger)
    begun = [await shop.subscribe(name, at="2024-01-01") for name in ("s1", "s2")]
    paid = [await call(shop, usage, "2024-01-05", name) for name in ("s1", "s2") for _ in range(6)]
    for fee in paid[::2]:
        await pay(shop, fee, "2024-01-06")

    async def change(number: int, fee: StandaloneFee) -> None:
        with suppress(NotAllowedError):  # it is on its invoice already
            if number % 3 == 0:
                await insist(partial(pay, shop, fee, "2024-01-20", "refunded"))
            elif number % 3 == 1:
                await insist(partial(pay, shop, fee, "2024-01-20"))
            else:
                await insist(partial(delete_fee, ledger, fee.id, at=instant("2024-01-20")))

    await asyncio.gather(
        *(insist(partial(bill, shop, usage, one, "2024-02-01")) for one in begun for _ in range(3)),
        *(change(number, fee) for number, fee in enumerate(paid)),
    )
    for one in begun:
        await bill(shop, usage, one, "2024-03-01")
    found = await gathered(shop)
    on_invoices = [fee.id for invoice in found for fee in invoice.content.fees]
    kept = [await ledger.load(StandaloneFee, fee.id) for fee in paid]
    owed = [one.id for one in kept if one.payment_status == "succeeded" and one.deleted_at is None]
    assert sorted(on_invoices) == sorted(owed)
    assert {one.id: one.invoice_id for one in kept if one.id in owed} == {
        fee.id: invoice.id for invoice in found for fee in invoice.content.fees
    }
    bills = await ledger.find_all(Invoice, shop.organization.id)
    assert len(bills) - len(found) == 2, "two months, one bill each"


async def test_monthly_runs_of_fixed_charges_alone_renew_nothing(ledger: Ledger) -> None:
    """A year of units is paid for once, whatever its fixed charges do."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    seats = await shop.metric("seats", aggregation_type="sum_agg", field_name="n", recurring=True)
    charge = shop.charge(seats, "standard", {"amount": "1"}, pay_in_advance=True, invoiceable=False)
    await shop.plan(interval="yearly", bill_fixed_charges_monthly=True, charges=(charge,))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("seats", "2024-01-02", n="3")
    await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant("2025-01-01"))
    fees = await ledger.find_all(StandaloneFee, shop.organization.id)
    assert [(fee.created_on, fee.fee.amount_cents) for fee in fees] == [(instant("2025-01-01"), 300)]
