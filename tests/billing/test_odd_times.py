"""Lives at odd times: clocks that stand still, workers that come late, zones that change, starts that are backdated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog.commands import update_plan
from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import Plan
from domain.invoicing.billing import advance_subscription
from domain.invoicing.credit_note import CreditNote
from domain.invoicing.invoice import Fee, Invoice
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import begin_subscription, terminate_subscription
from domain.subscriptions.subscription import Subscription, SubscriptionDetails
from tests.builders import MemoryUsage, Shop, instant

D = Decimal


async def advance(shop: Shop, subscription: Subscription, at: str, usage: MemoryUsage | None = None) -> None:
    await advance_subscription(shop.ledger, usage or MemoryUsage(), shop.fees, subscription.id, at=instant(at))


async def everybody(shop: Shop, at: str, usage: MemoryUsage | None = None) -> None:
    found = await shop.ledger.find_all(Subscription, shop.organization.id)
    for subscription in sorted(found, key=lambda one: one.created_on):
        await advance(shop, subscription, at, usage)


async def invoices(shop: Shop) -> Sequence[Invoice]:
    found = await shop.ledger.find_all(Invoice, shop.organization.id)
    return sorted(found, key=lambda one: (one.created_on, one.id))


async def fees(shop: Shop, kind: str) -> list[Fee]:
    return [fee for invoice in await invoices(shop) for fee in invoice.content.fees if fee.fee_type == kind]


async def cents(shop: Shop, kind: str) -> int:
    return sum(fee.amount_cents for fee in await fees(shop, kind))


async def total(shop: Shop) -> int:
    return sum(invoice.content.totals.total_amount_cents for invoice in await invoices(shop))


async def set_units(shop: Shop, subscription: Subscription, seats: FixedCharge, units: int, at: str) -> None:
    own = await shop.ledger.load(Subscription, subscription.id)
    own.set_fixed_charge_units(seats.root_id, D(units), immediately=True, at=instant(at))
    await shop.ledger.append(own)


async def notes(shop: Shop) -> list[CreditNote]:
    return await shop.ledger.find_all(CreditNote, shop.organization.id)


async def end(shop: Shop, subscription: Subscription, at: str) -> None:
    await terminate_subscription(
        shop.ledger, subscription.id, on_termination_credit_note=None, on_termination_invoice=None, at=instant(at)
    )


async def seats_of(shop: Shop, units: str = "10", **more: Any) -> FixedCharge:
    return shop.fixed_charge(await shop.add_on("seats"), units, pay_in_advance=True, **more)


async def test_two_changes_of_units_at_one_instant(ledger: Ledger) -> None:
    """A sandbox's clock stands still: each has an invoice of its own (W8)."""
    shop = await Shop.open(ledger)
    seats = await seats_of(shop)
    await shop.plan(amount_cents=0, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-01")
    for units in (15, 20):
        await set_units(shop, subscription, seats, units, "2024-03-10")
        await advance(shop, subscription, "2024-03-10")
    assert await cents(shop, "fixed_charge") == 20_000


async def test_units_changed_at_the_instant_of_the_start(ledger: Ledger) -> None:
    """W8: 5 units more are owed at once."""
    shop = await Shop.open(ledger)
    seats = await seats_of(shop)
    await shop.plan(amount_cents=0, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-01")
    await set_units(shop, subscription, seats, 15, "2024-03-01")
    await advance(shop, subscription, "2024-03-31")
    assert await cents(shop, "fixed_charge") == 15_000


async def test_the_plan_and_the_subscription_at_one_instant(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    seats = await seats_of(shop)
    plan = await shop.plan(amount_cents=0, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-01")
    plan = await ledger.load(Plan, plan.id)
    more = seats.with_units(D(12), immediately=True, at=instant("2024-03-10"))
    plan.update(replace(plan.details, fixed_charges=(more,)), at=instant("2024-03-10"))
    await ledger.append(plan)
    await advance(shop, subscription, "2024-03-10")
    await set_units(shop, subscription, seats, 20, "2024-03-10")
    await advance(shop, subscription, "2024-03-20")
    assert await cents(shop, "fixed_charge") == 20_000


async def test_a_fixed_charge_that_comes_at_the_instant_of_the_start(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    plan = await shop.plan(amount_cents=3100, pay_in_advance=True)
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-01")
    seats = await seats_of(shop, immediately=True, at="2024-03-01")
    plan = await ledger.load(Plan, plan.id)
    plan.update(replace(plan.details, fixed_charges=(seats,)), at=instant("2024-03-01"))
    await ledger.append(plan)
    await advance(shop, subscription, "2024-03-20")
    assert await cents(shop, "fixed_charge") == 10_000


async def test_a_start_to_come_whose_trial_is_used_up(ledger: Ledger) -> None:
    """L7: the trial does not begin anew, so March is owed on 1 March."""
    shop = await Shop.open(ledger)
    await shop.plan(amount_cents=3100, pay_in_advance=True, trial_period=D(10))
    first = await shop.subscribe("s1", at="2024-01-01")
    await end(shop, first, "2024-01-02")
    await advance(shop, first, "2024-01-02")
    second = await begin_subscription(
        ledger,
        shop.organization,
        external_customer_id="c1",
        plan_code="pro",
        external_id="s1",
        details=SubscriptionDetails(subscription_at=instant("2024-03-01")),
        at=instant("2024-02-06"),
    )
    await advance(shop, second, "2024-03-02")
    billed = [(str(one.content.issuing_date), one.content.totals.total_amount_cents) for one in await invoices(shop)]
    assert billed[-1] == ("2024-03-01", 3100)


@pytest.mark.parametrize("trial", [0, 12])
async def test_another_time_zone_in_mid_period(ledger: Ledger, trial: int) -> None:
    """W7, W8: the period is paid for 10 units, 5 more are owed, and none at a trial's end."""
    shop = await Shop.open(ledger)
    await shop.customer()
    seats = await seats_of(shop)
    await shop.plan(amount_cents=0, pay_in_advance=True, trial_period=D(trial), fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-05")
    await shop.customer(timezone="Europe/Paris")
    if not trial:
        await set_units(shop, subscription, seats, 15, "2024-03-10")
    await advance(shop, subscription, "2024-03-31")
    assert await cents(shop, "fixed_charge") == (10_000 if trial else 15_000)


async def test_a_second_upgrade_in_the_period(ledger: Ledger) -> None:
    """W9: what was paid ahead for the same days is taken off each time."""
    shop = await Shop.open(ledger)
    seats = await shop.add_on("seats")
    for plan, amount in (("a", 0), ("b", 1), ("c", 2)):
        ahead = shop.fixed_charge(seats, "31", prorated=True, pay_in_advance=True)
        await shop.plan(plan, amount_cents=amount, fixed_charges=(ahead,))
    for plan, at in (("a", "2024-01-01"), ("b", "2024-01-17"), ("c", "2024-01-20")):
        await shop.subscribe(at=at, plan=plan)
        await everybody(shop, at)
    assert await cents(shop, "fixed_charge") == 31_000


async def test_two_fixed_charges_of_one_add_on(ledger: Ledger) -> None:
    """15 days of the old one are paid: of two new ones one is paid, not both."""
    shop = await Shop.open(ledger)
    seats = await shop.add_on("seats")

    def ahead(code: str) -> FixedCharge:
        return shop.fixed_charge(seats, "31", code=code, prorated=True, pay_in_advance=True)

    await shop.plan("a", amount_cents=0, fixed_charges=(ahead("seats"),))
    await shop.plan("b", amount_cents=1, fixed_charges=(ahead("seats"), ahead("more")))
    for plan, at in (("a", "2024-01-01"), ("b", "2024-01-17")):
        await shop.subscribe(at=at, plan=plan)
        await everybody(shop, at)
    assert await cents(shop, "fixed_charge") == 31_000 + 15_000


async def test_the_day_of_an_upgrade_of_fixed_charges_in_arrears(ledger: Ledger) -> None:
    """T4: the day is the new plan's, so a month of 31 days costs 31."""
    shop = await Shop.open(ledger)
    seats = await shop.add_on("seats")
    for plan, amount in (("a", 0), ("b", 1)):
        behind = shop.fixed_charge(seats, "31", prorated=True)
        await shop.plan(plan, amount_cents=amount, fixed_charges=(behind,))
    for plan, at in (("a", "2024-01-01"), ("b", "2024-01-17T12:00")):
        await shop.subscribe(at=at, plan=plan)
    await everybody(shop, "2024-02-01")
    assert await cents(shop, "fixed_charge") == 31_000


async def test_new_prices_of_a_plan_that_two_of_one_invoice_wait_for(ledger: Ledger) -> None:
    """1.4: both are upgraded, and each is credited, although one invoice billed them."""
    shop = await Shop.open(ledger)
    await shop.plan("big", amount_cents=3100, pay_in_advance=True)
    await shop.plan("small", amount_cents=310, pay_in_advance=True)
    for external_id in ("s1", "s2"):
        await shop.subscribe(external_id, at="2024-01-01", plan="big")
    await everybody(shop, "2024-01-01")
    await everybody(shop, "2024-02-01")
    for external_id in ("s1", "s2"):
        await shop.subscribe(external_id, at="2024-02-05", plan="small")
    await update_plan(
        ledger,
        shop.organization.id,
        "small",
        lambda details: replace(details, amount_cents=6200),
        at=instant("2024-02-10"),
    )
    for external_id in ("s1", "s2"):
        for one in await ledger.find_all(Subscription, shop.organization.id, external_id=external_id):
            await advance(shop, one, "2024-02-10")
    assert [note.given_back.total_amount_cents for note in [one.content for one in await notes(shop)]] == [2138, 2138]


@pytest.mark.parametrize("in_advance", [False, True])
async def test_an_end_on_a_billing_day_whose_bill_is_late(ledger: Ledger, in_advance: bool) -> None:
    """The same end, with workers that were there and with workers that were not."""
    totals = []
    for late in (False, True):
        shop, usage = await Shop.open(ledger), MemoryUsage()
        charge = shop.charge(await shop.metric("calls"), "standard", {"amount": "1"})
        await shop.plan(amount_cents=3100, pay_in_advance=in_advance, charges=(charge,))
        subscription = await shop.subscribe(at="2024-01-01")
        await advance(shop, subscription, "2024-01-20", usage)
        usage.add("calls", "2024-02-01T05:00")
        if not late:
            await advance(shop, subscription, "2024-02-01T10:00", usage)
        await end(shop, subscription, "2024-02-01T10:00")
        await advance(shop, subscription, "2024-02-05", usage)
        totals.append((await cents(shop, "charge"), await cents(shop, "subscription")))
    assert totals[0] == totals[1]


async def test_fixed_charges_of_a_start_whose_plan_changes_at_the_same_instant(ledger: Ledger) -> None:
    totals = []
    for late in (False, True):
        shop = await Shop.open(ledger)
        await shop.plan("a", amount_cents=0, fixed_charges=(await seats_of(shop),))
        await shop.plan("b", amount_cents=1)
        await shop.subscribe(at="2024-01-01", plan="a")
        if not late:
            await everybody(shop, "2024-01-01")
        await shop.subscribe(at="2024-01-01", plan="b")
        await everybody(shop, "2024-01-31")
        totals.append(await cents(shop, "fixed_charge"))
    assert totals[0] == totals[1]


async def test_one_that_is_begun_anew_with_its_old_anniversary(ledger: Ledger) -> None:
    """L6: nothing is invoiced at once."""
    shop = await Shop.open(ledger)
    await shop.plan(amount_cents=3100, pay_in_advance=True)
    first = await shop.subscribe(at="2024-01-01", billing_time="anniversary")
    await advance(shop, first, "2024-01-20")
    await end(shop, first, "2024-01-20")
    await shop.subscribe(at="2024-01-20", subscription_at=instant("2024-01-01"), billing_time="anniversary")
    await everybody(shop, "2024-01-31")
    assert [fee.amount_cents for fee in await fees(shop, "subscription")] == [3100]


async def test_a_trial_that_was_over_before_the_subscription_was_made(ledger: Ledger) -> None:
    """L6: what has elapsed is not billed."""
    shop = await Shop.open(ledger)
    await shop.plan(amount_cents=3100, pay_in_advance=True, trial_period=D(10))
    subscription = await shop.subscribe(at="2024-03-20", subscription_at=instant("2024-01-01"))
    await advance(shop, subscription, "2024-03-31")
    assert [one.content.issuing_date for one in await invoices(shop) if one.created_on < instant("2024-03-20")] == []


async def test_units_that_are_decided_at_the_instant_of_a_bill(ledger: Ledger) -> None:
    """The bill comes first, however late it is made, and fewer units are not paid back."""
    totals = []
    for late in (False, True):
        shop = await Shop.open(ledger)
        seats = await seats_of(shop)
        await shop.plan(amount_cents=0, fixed_charges=(seats,))
        subscription = await shop.subscribe(at="2024-01-01")
        if not late:
            await advance(shop, subscription, "2024-02-01")
        await set_units(shop, subscription, seats, 4, "2024-02-01")
        await advance(shop, subscription, "2024-02-20")
        totals.append(await cents(shop, "fixed_charge"))
    assert totals[0] == totals[1]
