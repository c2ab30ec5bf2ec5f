"""Credit notes on a real ledger: made by the end of a plan in advance, used by what is invoiced after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog.commands import delete_plan
from domain.customers.commands import delete_customer
from domain.invoicing.billing import advance_subscription
from domain.invoicing.credit_note import CreditNote
from domain.invoicing.document import document_of
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_credit_note, replay_prices
from domain.kernel.errors import ConflictError
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription
from domain.subscriptions.subscription import OnTerminationCreditNote, OnTerminationInvoice, Subscription
from domain.taxation.commands import create_tax
from domain.taxation.tax import TaxDetails
from tests.builders import MemoryUsage, Shop, arrive, instant

D = Decimal


async def shop_with_tax(ledger: Ledger, **details: Any) -> Shop:
    shop = await Shop.open(ledger, **details)
    vat = TaxDetails(name="VAT", code="vat", rate=D(20))
    await create_tax(ledger, shop.organization.id, vat, applied_to_organization=True, at=instant("2024-01-01"))
    return shop


async def notes(shop: Shop) -> list[CreditNote]:
    """All, in the order of their making; they replay."""
    found = await shop.ledger.find_all(CreditNote, shop.organization.id)
    for note in found:
        assert list(replay_credit_note(note, await shop.ledger.load(Invoice, note.invoice_id))) == []
    return sorted(found, key=lambda note: (note.created_on, note.number))


async def invoices(shop: Shop) -> list[Invoice]:
    """All that have a number, by it; they replay, and can be printed."""
    found = await shop.ledger.find_all(Invoice, shop.organization.id, status="finalized")
    for invoice in found:
        assert list(replay_prices(invoice)) == []
        assert document_of(invoice)
    return sorted(found, key=lambda invoice: invoice.numbering.number if invoice.numbering else "")


async def totals(shop: Shop) -> list[tuple[str, int, int]]:
    """Issuing date, credit that was used, and what is left to pay."""
    return [
        (str(one.content.issuing_date), one.content.totals.credit_notes_amount_cents, total_of(one))
        for one in await invoices(shop)
    ]


def total_of(invoice: Invoice) -> int:
    return invoice.content.totals.total_amount_cents


async def advance(shop: Shop, subscription: Subscription, at: str, usage: MemoryUsage | None = None) -> None:
    await advance_subscription(shop.ledger, usage or MemoryUsage(), shop.fees, subscription.id, at=instant(at))


async def end(
    shop: Shop,
    subscription: Subscription,
    at: str,
    *,
    mode: OnTerminationCreditNote | None = None,
    invoice: OnTerminationInvoice | None = None,
) -> None:
    await terminate_subscription(
        shop.ledger, subscription.id, on_termination_credit_note=mode, on_termination_invoice=invoice, at=instant(at)
    )


async def test_the_final_invoice_uses_the_credit_for_the_days_left(ledger: Ledger) -> None:
    """18.6: 7 of 28 days of 10000 are 2500 and 500 of tax, and 6000 are owed for usage."""
    shop, usage = await shop_with_tax(ledger), MemoryUsage()
    items = await shop.metric("items", aggregation_type="sum_agg", field_name="n")
    charges = (shop.charge(items, "standard", {"amount": "1"}),)
    await shop.plan(amount_cents=10_000, pay_in_advance=True, charges=charges)
    subscription = await shop.subscribe(at="2023-02-08")
    await advance(shop, subscription, "2023-02-20", usage)
    usage.add("items", "2023-02-10", n="50")
    await end(shop, subscription, "2023-02-21T10:00")
    [note] = await notes(shop)
    [first] = await invoices(shop)
    assert first.numbering is not None
    assert (note.number, note.invoice_number) == (f"{first.numbering.number}-CN001", first.numbering.number)
    assert (note.total_amount_cents, note.balance_amount_cents, note.credit_status) == (3000, 3000, "available")
    assert (note.content.reason, note.content.issuing_date) == ("order_cancellation", date(2023, 2, 21))
    assert (note.refund_status, note.content.offset_amount_cents) == (None, 0)
    [item] = note.content.items
    assert (item.fee_id, item.precise_amount_cents) == (first.content.fees[0].id, D(2500))
    assert [kept.credit_note_id for kept in first.issued_credit_notes] == [note.id]

    await advance(shop, subscription, "2023-02-21T10:00", usage)
    assert await totals(shop) == [("2023-02-08", 0, 9000), ("2023-02-21", 3000, 3000)]
    final = (await invoices(shop))[1]
    [used] = final.content.applied_credit_notes
    assert (used.credit_note_id, used.number, used.invoice_number) == (note.id, note.number, first.numbering.number)
    assert [(row.kind, row.name, row.amount_cents) for row in document_of(final).credits] == [
        ("credit_note", note.number, 3000)
    ]
    [spent] = await notes(shop)
    assert (spent.balance_amount_cents, spent.credit_status, spent.total_amount_cents) == (0, "consumed", 3000)


@pytest.mark.parametrize(
    ("plan", "begun", "ended", "wish", "made", "billed", "why"),
    [
        ({}, "2024-01-01", "2024-01-10", {}, [2100], [(0, 3100), (0, 0)], "21 of 31 days stay at hand"),
        ({}, "2024-01-01", "2024-01-10", {"invoice": "skip"}, [2100], [(0, 3100)], "also without a final invoice"),
        ({}, "2024-01-01", "2024-01-10", {"mode": "skip"}, [], [(0, 3100), (0, 0)], "no credit is wished for"),
        ({}, "2024-01-01", "2024-01-31", {}, [], [(0, 3100), (0, 0)], "the last day is used, and nothing is left"),
        ({}, "2024-01-01", "2024-02-01", {}, [2993], [(0, 3100), (0, 3100), (0, 0)],
         "28 of 29 days of the second period, which is billed already"),
        ({"pay_in_advance": False}, "2024-01-01", "2024-01-10", {}, [], [(0, 1000)], "in arrears nothing is paid for"),
        ({"amount_cents": 0}, "2024-01-01", "2024-01-10", {}, [], [(0, 0), (0, 0)], "nothing was paid"),
        ({"trial_period": 20}, "2024-01-01", "2024-01-10", {}, [], [(0, 0)], "on trial nothing is billed yet"),
        ({"trial_period": 20}, "2024-01-01", "2024-01-25", {}, [600], [(0, 1100), (0, 0)], "6 of 31 days"),
        ({"interval": "yearly", "amount_cents": 36_600, "bill_charges_monthly": True}, "2024-01-01", "2024-03-10", {},
         [29_600], [(0, 36_600), (0, 0), (0, 0), (0, 0)], "of the year, although months were billed since"),
    ],
)  # fmt: skip
async def test_ends(
    ledger: Ledger,
    plan: dict[str, Any],
    begun: str,
    ended: str,
    wish: dict[str, Any],
    made: list[int],
    billed: list[tuple[int, int]],
    why: str,
) -> None:
    shop = await Shop.open(ledger)
    await shop.plan(**{"pay_in_advance": True, **plan})
    subscription = await shop.subscribe(at=begun)
    await advance(shop, subscription, ended)
    await end(shop, subscription, f"{ended}T12:00", **wish)
    assert [note.balance_amount_cents for note in await notes(shop)] == made, why
    await advance(shop, subscription, "2024-12-31")
    assert [note.balance_amount_cents for note in await notes(shop)] == made, why
    assert [row[1:] for row in await totals(shop)] == billed, why
    ended_one = await ledger.load(Subscription, subscription.id)
    assert not ended_one.owes_credit_note


async def test_an_end_of_its_own_gives_credit_as_well(ledger: Ledger) -> None:
    """By its `ending_at`, with its plan, and with its customer."""
    shop = await Shop.open(ledger)
    await shop.plan("a", pay_in_advance=True)
    await shop.plan("b", pay_in_advance=True)
    begun = [
        await shop.subscribe("s1", at="2024-01-01", plan="a", customer="c1", ending_at=instant("2024-01-10")),
        await shop.subscribe("s2", at="2024-01-01", plan="b", customer="c2"),
        await shop.subscribe("s3", at="2024-01-01", plan="a", customer="c3"),
    ]
    for subscription in begun:
        await advance(shop, subscription, "2024-01-02")
    await delete_plan(ledger, shop.organization.id, "b", at=instant("2024-01-10"))
    await delete_customer(ledger, shop.organization.id, "c3", at=instant("2024-01-10"))
    assert await notes(shop) == [], "their workflows make them"
    for subscription in begun:
        await advance(shop, subscription, "2024-01-10")
    assert {note.external_customer_id: note.balance_amount_cents for note in await notes(shop)} == {
        "c1": 2100,
        "c2": 2100,
        "c3": 2100,
    }
    assert {str(note.content.issuing_date) for note in await notes(shop)} == {"2024-01-10"}


async def test_an_end_on_a_billing_day_neither_bills_nor_credits_the_next_period(ledger: Ledger) -> None:
    """18.10."""
    shop = await Shop.open(ledger)
    await shop.plan(pay_in_advance=True)
    subscription = await shop.subscribe(at="2024-01-01", ending_at=instant("2024-02-01"))
    await advance(shop, subscription, "2024-03-01")
    assert await totals(shop) == [("2024-01-01", 0, 3100), ("2024-02-01", 0, 0)]
    assert await notes(shop) == []


async def test_a_fee_that_is_billed_after_the_end_is_credited_then(ledger: Ledger) -> None:
    """The workers were away: what was due is billed first, then credited, then used by the final invoice."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    calls = await shop.metric("calls")
    await shop.plan(pay_in_advance=True, charges=(shop.charge(calls, "standard", {"amount": "5"}),))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("calls", "2024-03-05")
    await end(shop, subscription, "2024-03-10T12:00")
    assert await notes(shop) == []
    await advance(shop, subscription, "2024-03-11", usage)
    assert await totals(shop) == [
        ("2024-01-01", 0, 3100),
        ("2024-02-01", 0, 3100),
        ("2024-03-01", 0, 3100),
        ("2024-03-10", 500, 0),
    ]
    [note] = await notes(shop)
    assert (note.total_amount_cents, note.balance_amount_cents) == (2100, 1600)
    assert note.created_on == instant("2024-03-10T12:00")
    final = (await invoices(shop))[-1]
    assert final.payment_status == "succeeded"


async def test_later_invoices_use_the_credit_the_oldest_first(ledger: Ledger) -> None:
    shop = await shop_with_tax(ledger)
    await shop.plan(pay_in_advance=True)
    await shop.plan("small", amount_cents=1000)
    first, second = await shop.subscribe("s1", at="2024-01-01"), await shop.subscribe("s2", at="2024-01-01")
    stays = await shop.subscribe("s3", at="2024-01-01", plan="small")
    for subscription in (first, second):
        await advance(shop, subscription, "2024-01-01")
    await end(shop, second, "2024-01-30", invoice="skip")
    await end(shop, first, "2024-01-20", invoice="skip")
    older, newer = await notes(shop)
    assert (older.total_amount_cents, newer.total_amount_cents) == (1320, 120), "by when they were made"
    await advance(shop, stays, "2024-04-01")
    assert [row for row in await totals(shop) if row[0] > "2024-01-01"] == [
        ("2024-02-01", 1200, 0),
        ("2024-03-01", 240, 960),
        ("2024-04-01", 0, 1200),
    ]
    paid, partly = (await invoices(shop))[-3:-1]
    assert [(row.credit_note_id, row.amount_cents) for row in paid.content.applied_credit_notes] == [(older.id, 1200)]
    assert [(row.credit_note_id, row.amount_cents) for row in partly.content.applied_credit_notes] == [
        (older.id, 120),
        (newer.id, 120),
    ]
    assert (paid.payment_status, partly.payment_status) == ("succeeded", "pending")
    assert [(note.balance_amount_cents, note.credit_status) for note in await notes(shop)] == [(0, "consumed")] * 2


async def test_credit_of_another_currency_or_customer_is_left(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    await shop.plan(pay_in_advance=True)
    await shop.plan("dollars", amount_currency="USD")
    ended = await shop.subscribe("s1", at="2024-01-01")
    others = [
        await shop.subscribe("s2", at="2024-01-01", plan="dollars"),
        await shop.subscribe("s3", at="2024-01-01", plan="pro", customer="c2"),
    ]
    await advance(shop, ended, "2024-01-01")
    await end(shop, ended, "2024-01-10", invoice="skip")
    for other in others:
        await advance(shop, other, "2024-02-01")
    assert {row[1] for row in await totals(shop)} == {0}
    assert [note.balance_amount_cents for note in await notes(shop)] == [2100]


async def test_an_invoice_in_advance_uses_credit(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    calls = await shop.metric("calls")
    charges = (shop.charge(calls, "standard", {"amount": "15"}, pay_in_advance=True),)
    await shop.plan(pay_in_advance=True)
    await shop.plan("calls", amount_cents=0, charges=charges)
    ended = await shop.subscribe("s1", at="2024-01-01")
    await shop.subscribe("s2", at="2024-01-01", plan="calls")
    await advance(shop, ended, "2024-01-01")
    await end(shop, ended, "2024-01-10", invoice="skip")
    for number in (1, 2):
        usage.add("calls", f"2024-01-1{number}", subscription="s2")
        await arrive(shop, usage, number)
    assert await totals(shop) == [("2024-01-01", 0, 3100), ("2024-01-11", 1500, 0), ("2024-01-12", 600, 900)]
    assert [note.credit_status for note in await notes(shop)] == ["consumed"]


async def test_a_balance_is_spent_once_however_many_ask_for_it(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    await shop.plan(pay_in_advance=True)
    ended = await shop.subscribe("s0", at="2024-01-01")
    await advance(shop, ended, "2024-01-01")
    await end(shop, ended, "2024-01-10", invoice="skip")
    begun = [await shop.subscribe(f"s{n}", at="2024-01-15") for n in range(1, 9)]

    async def wake(subscription: Subscription) -> None:
        for _ in range(30):
            try:
                await advance(shop, subscription, "2024-01-15")
            except ConflictError:
                continue
            return
        raise AssertionError("never got through")

    await asyncio.gather(*map(wake, begun))
    rows = (await totals(shop))[1:]
    assert sum(credit for _, credit, _ in rows) == 2100
    assert sum(credit + total for _, credit, total in rows) == 8 * 1700
    [note] = await notes(shop)
    assert (note.balance_amount_cents, note.credit_status) == (0, "consumed")


@pytest.mark.parametrize(
    ("mode", "credit", "refund", "offset", "payment_status", "why"),
    [
        ("refund", 2100, 0, 0, "pending", "nothing was paid, so nothing is paid back"),
        ("offset", 0, 0, 2100, "pending", "what is due is less"),
    ],
)
async def test_a_refund_and_an_offset_are_wished_for(
    ledger: Ledger,
    mode: OnTerminationCreditNote,
    credit: int,
    refund: int,
    offset: int,
    payment_status: str,
    why: str,
) -> None:
    shop = await Shop.open(ledger)
    await shop.plan(pay_in_advance=True)
    subscription = await shop.subscribe(at="2024-01-01")
    await advance(shop, subscription, "2024-01-01")
    await end(shop, subscription, "2024-01-10", mode=mode)
    [note] = await notes(shop)
    content = note.content
    found = content.credit_amount_cents, content.refund_amount_cents, content.offset_amount_cents
    assert found == (credit, refund, offset), why
    assert note.credit_status == ("available" if credit else None)
    [invoice] = await invoices(shop)
    assert invoice.payment_status == payment_status
    assert sum(kept.offset_amount_cents for kept in invoice.issued_credit_notes) == offset


async def test_an_offset_of_all_that_is_due_settles_the_invoice(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    await shop.plan(pay_in_advance=True)
    await shop.plan("large", amount_cents=6200, pay_in_advance=True)
    spent = await shop.subscribe("s1", at="2024-01-01")
    await advance(shop, spent, "2024-01-01")
    await end(shop, spent, "2024-01-16", invoice="skip")
    subscription = await shop.subscribe("s2", at="2024-01-17", plan="large")
    await advance(shop, subscription, "2024-01-17")
    assert (await totals(shop))[-1] == ("2024-01-17", 1500, 1500)
    await end(shop, subscription, "2024-01-17T10:00", mode="offset")
    _, note = await notes(shop)
    assert (note.content.offset_amount_cents, note.balance_amount_cents) == (1500, 1300), "2800 in all"
    _, invoice = await invoices(shop)
    assert (total_of(invoice), invoice.payment_status) == (1500, "succeeded")


async def test_a_replay_finds_what_is_not_what_it_was(ledger: Ledger) -> None:
    shop = await shop_with_tax(ledger)
    await shop.plan(pay_in_advance=True)
    await shop.plan("small")
    subscription = await shop.subscribe(at="2024-01-01")
    await advance(shop, subscription, "2024-01-01")
    await end(shop, subscription, "2024-01-10", invoice="skip")
    other = await shop.subscribe("s2", at="2024-01-01", plan="small")
    await advance(shop, other, "2024-02-01")
    first, last = await invoices(shop)
    [used] = last.content.applied_credit_notes
    last.content = replace(last.content, applied_credit_notes=(replace(used, amount_cents=1),))
    assert differing(list(replay_prices(last))) == ["totals"]
    [note] = await notes(shop)
    note.content = replace(note.content, credit_amount_cents=1)
    assert differing(list(replay_credit_note(note, first))) == ["credit_amount_cents"]


def differing(found: Sequence[Any]) -> list[str]:
    return [difference.what for difference in found]
