"""Fixed charges on a real ledger: at the start, each period, at the end, and when their units change."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import Plan
from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop, instant

Line = tuple[str, str, int]
"""Code, units, minor units."""


async def billed(shop: Shop) -> list[tuple[str, str, list[Line]]]:
    """Issuing date, reason and lines of every invoice; each has been computed again."""
    found = await shop.ledger.find_all(Invoice, shop.organization.id)
    for invoice in found:
        assert list(replay_prices(invoice)) == []
    rows = [
        (
            invoice.content.issuing_date.isoformat(),
            invoice.content.subscriptions[0].reason,
            [(fee.item.code, format(fee.units.normalize(), "f"), fee.amount_cents) for fee in invoice.content.fees],
        )
        for invoice in found
    ]
    return sorted(rows, key=lambda row: (row[0], row[1], str(row[2])))


async def advance(shop: Shop, subscription: Subscription, at: str) -> None:
    await advance_subscription(shop.ledger, MemoryUsage(), shop.fees, subscription.id, at=instant(at))


async def set_plan(shop: Shop, plan: Plan, *fixed_charges: FixedCharge, at: str) -> None:
    plan = await shop.ledger.load(Plan, plan.id)
    plan.update(replace(plan.details, fixed_charges=fixed_charges), at=instant(at))
    await shop.ledger.append(plan)


async def change(shop: Shop, plan: Plan, units: str, *, immediately: bool, at: str) -> None:
    plan = await shop.ledger.load(Plan, plan.id)
    [seats] = plan.details.fixed_charges
    await set_plan(shop, plan, seats.with_units(Decimal(units), immediately=immediately, at=instant(at)), at=at)


async def end(shop: Shop, subscription: Subscription, at: str) -> None:
    await terminate_subscription(
        shop.ledger, subscription.id, on_termination_credit_note=None, on_termination_invoice=None, at=instant(at)
    )
    await advance(shop, subscription, at)


async def test_in_advance_at_the_start_and_in_arrears_at_the_end(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    kinds: dict[str, dict[str, Any]] = {
        f"{when}_{how}": {"pay_in_advance": when == "early", "prorated": how == "days"}
        for when in ("late", "early")
        for how in ("whole", "days")
    }
    charges = [
        shop.fixed_charge(await shop.add_on(code), "10", properties={"amount": "200"}, **kind)
        for code, kind in kinds.items()
    ]
    await shop.plan(amount_cents=5_000_000, fixed_charges=tuple(charges))
    subscription = await shop.subscribe(at="2024-02-04")
    await advance(shop, subscription, "2024-02-04")
    start: tuple[str, str, list[Line]] = (
        "2024-02-04",
        "in_advance_charge",
        [("early_whole", "10", 200000), ("early_days", "10", 179310)],
    )
    assert await billed(shop) == [start]
    await advance(shop, subscription, "2024-02-20")
    assert await billed(shop) == [start], "once"
    await advance(shop, subscription, "2024-03-01")
    assert (await billed(shop))[1] == (
        "2024-03-01",
        "subscription_periodic",
        [
            ("pro", "1", 4482759),
            ("late_whole", "10", 200000),
            ("late_days", "10", 179310),
            ("early_whole", "10", 200000),
            ("early_days", "10", 200000),
        ],
    )
    await end(shop, subscription, "2024-03-16T12:00")
    assert (await billed(shop))[2] == (
        "2024-03-16",
        "subscription_terminating",
        [("pro", "1", 2580645), ("late_whole", "10", 200000), ("late_days", "10", 103226)],
    ), "16 of 31 days; what is paid in advance is not paid back"


@pytest.mark.parametrize(
    ("plan", "expected", "why"),
    [
        (
            {"pay_in_advance": True, "amount_cents": 3100},
            [("2024-01-01", "subscription_starting", [("pro", "1", 3100), ("seats", "10", 10000)])],
            "on the invoice of the plan's own amount",
        ),
        (
            {"pay_in_advance": True, "amount_cents": 3100, "trial_period": Decimal(10)},
            [
                ("2024-01-01", "in_advance_charge", [("seats", "10", 10000)]),
                ("2024-01-11", "subscription_starting", [("pro", "1", 2100)]),
            ],
            "a trial is of the plan's own amount alone; what was paid for the month is not paid again at its end",
        ),
        (
            {"amount_cents": 3100},
            [("2024-01-01", "in_advance_charge", [("seats", "10", 10000)])],
            "of a plan in arrears",
        ),
    ],
)
async def test_how_a_start_is_billed(
    ledger: Ledger, plan: dict[str, Any], expected: list[tuple[str, str, list[Line]]], why: str
) -> None:
    shop = await Shop.open(ledger)
    seats = shop.fixed_charge(await shop.add_on("seats"), "10", pay_in_advance=True)
    await shop.plan(fixed_charges=(seats,), **plan)
    subscription = await shop.subscribe(at="2024-01-01")
    await advance(shop, subscription, "2024-01-20")
    assert await billed(shop) == expected, why


async def test_a_start_in_the_past_bills_nothing_at_once(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    seats = shop.fixed_charge(await shop.add_on("seats"), "10", pay_in_advance=True)
    await shop.plan(amount_cents=0, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-01-20", subscription_at=instant("2024-01-02"))
    await advance(shop, subscription, "2024-01-31")
    assert await billed(shop) == []
    await advance(shop, subscription, "2024-02-01")
    assert [lines for _, _, lines in await billed(shop)] == [[("pro", "1", 0), ("seats", "10", 10000)]]


async def test_units_that_change_at_once(ledger: Ledger) -> None:
    """Fewer are documented, more are billed beyond those that are paid: metering-pricing W8."""
    shop = await Shop.open(ledger)
    seats = shop.fixed_charge(await shop.add_on("seats"), "10", pay_in_advance=True)
    plan = await shop.plan(amount_cents=0, pay_in_advance=True, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-01")
    await change(shop, plan, "5", immediately=True, at="2024-03-06")
    await advance(shop, subscription, "2024-03-06")
    await change(shop, plan, "15", immediately=True, at="2024-03-11T08:00")
    await change(shop, plan, "20", immediately=True, at="2024-03-11T09:00")
    await change(shop, plan, "30", immediately=False, at="2024-03-20")
    await advance(shop, subscription, "2024-04-01")
    assert await billed(shop) == [
        ("2024-03-01", "subscription_starting", [("pro", "1", 0), ("seats", "10", 10000)]),
        ("2024-03-06", "in_advance_charge", [("seats", "0", 0)]),
        ("2024-03-11", "in_advance_charge", [("seats", "5", 5000)]),
        ("2024-03-11", "in_advance_charge", [("seats", "5", 5000)]),
        ("2024-04-01", "subscription_periodic", [("pro", "1", 0), ("seats", "30", 30000)]),
    ]


async def test_a_prorated_change_and_a_new_fixed_charge(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    seats = shop.fixed_charge(await shop.add_on("seats"), "10", pay_in_advance=True, prorated=True)
    desks = await shop.add_on("desks")
    plan = await shop.plan(amount_cents=0, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-02")
    at = "2024-03-15T10:00"
    more = seats.with_units(Decimal(20), immediately=True, at=instant(at))
    late = shop.fixed_charge(desks, "3", at=at)
    early = shop.fixed_charge(desks, "4", at=at, immediately=True, pay_in_advance=True)
    await set_plan(shop, plan, more, late, early, at=at)
    await advance(shop, subscription, "2024-04-01")
    assert (await billed(shop))[1:] == [
        ("2024-03-15", "in_advance_charge", [("seats", "10", 5484), ("desks", "4", 4000)]),
        (
            "2024-04-01",
            "subscription_periodic",
            [("pro", "1", 0), ("seats", "20", 20000), ("desks", "4", 4000)],
        ),
    ], "one invoice for all that one request changed, 17 of 31 days; what is new in arrears begins with April"
    await advance(shop, subscription, "2024-05-01")
    assert (await billed(shop))[3][2][1:] == [("seats", "20", 20000), ("desks", "3", 3000), ("desks", "4", 4000)]


@pytest.mark.parametrize("late", [False, True])
async def test_units_of_one_subscription(ledger: Ledger, late: bool) -> None:
    """Also when all is billed late: what was decided after a billing instant does not count for it."""
    shop = await Shop.open(ledger)
    seats = shop.fixed_charge(await shop.add_on("seats"), "10", pay_in_advance=True)
    plan = await shop.plan(amount_cents=0, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    other = await shop.subscribe("s2", at="2024-03-01", consolidate_invoice=False)
    for at, units, immediately in (("2024-03-10", "15", True), ("2024-03-20", "15", True), ("2024-04-05", "16", True)):
        if not late:
            await advance(shop, subscription, at)
        own = await shop.ledger.load(Subscription, subscription.id)
        own.set_fixed_charge_units(seats.id, Decimal(units), immediately=immediately, at=instant(at))
        await shop.ledger.append(own)
    await change(shop, plan, "99", immediately=False, at="2024-04-06")
    await advance(shop, subscription, "2024-05-01")
    await advance(shop, other, "2024-05-01")
    mine = [invoice for invoice in await billed(shop) if invoice[2][-1][1] != "99"]
    assert [(on, lines[-1]) for on, _, lines in mine] == [
        ("2024-03-01", ("seats", "10", 10000)),
        ("2024-03-01", ("seats", "10", 10000)),
        ("2024-03-10", ("seats", "5", 5000)),
        ("2024-03-20", ("seats", "0", 0)),
        ("2024-04-01", ("seats", "10", 10000)),
        ("2024-04-01", ("seats", "15", 15000)),
        ("2024-04-05", ("seats", "1", 1000)),
        ("2024-05-01", ("seats", "16", 16000)),
    ]


async def test_a_change_before_an_end_is_billed_for_the_whole_period(ledger: Ledger) -> None:
    """However late: the window that was paid is found although the subscription has ended meanwhile."""
    shop = await Shop.open(ledger)
    seats = shop.fixed_charge(await shop.add_on("seats"), "10", pay_in_advance=True)
    plan = await shop.plan(amount_cents=0, fixed_charges=(seats,))
    subscription = await shop.subscribe(at="2024-03-01")
    await advance(shop, subscription, "2024-03-01")
    await change(shop, plan, "12", immediately=True, at="2024-03-10")
    await end(shop, subscription, "2024-03-11")
    assert [lines for _, _, lines in await billed(shop)] == [
        [("seats", "10", 10000)],
        [("seats", "2", 2000)],
        [("pro", "1", 0)],
    ]


@pytest.mark.parametrize(
    ("flags", "expected", "why"),
    [
        (
            {},
            {"2024-01-01": [("early", 10000)], "2025-01-01": [("late", 10000), ("early", 10000)]},
            "once a year",
        ),
        (
            {"bill_fixed_charges_monthly": True},
            {
                "2024-01-01": [("early", 10000)],
                **{f"2024-{month:02}-01": [("late", 10000), ("early", 10000)] for month in range(2, 13)},
                "2025-01-01": [("late", 10000), ("early", 10000)],
            },
            "every month",
        ),
        (
            {"bill_charges_monthly": True},
            {
                "2024-01-01": [("early", 10000)],
                **{f"2024-{month:02}-01": [] for month in range(2, 13)},
                "2025-01-01": [("late", 10000), ("early", 10000)],
            },
            "the monthly runs of usage hold none",
        ),
    ],
)
async def test_yearly_plans(
    ledger: Ledger, flags: dict[str, Any], expected: dict[str, list[tuple[str, int]]], why: str
) -> None:
    shop = await Shop.open(ledger)
    late = shop.fixed_charge(await shop.add_on("late"), "10")
    early = shop.fixed_charge(await shop.add_on("early"), "10", pay_in_advance=True)
    await shop.plan(interval="yearly", amount_cents=1, fixed_charges=(late, early), **flags)
    subscription = await shop.subscribe(at="2024-01-01")
    await advance(shop, subscription, "2025-01-01")
    found = {on: [(code, cents) for code, _, cents in lines if code != "pro"] for on, _, lines in await billed(shop)}
    assert found == expected, why


async def test_an_upgrade_takes_off_what_is_paid_for(ledger: Ledger) -> None:
    """Figures: metering-pricing W9."""
    shop = await Shop.open(ledger, at="2023-07-01")
    a, b, c = [await shop.add_on(code) for code in "abc"]
    ahead: dict[str, Any] = {"pay_in_advance": True, "prorated": True, "at": "2023-07-01"}
    old = (
        shop.fixed_charge(a, "10", properties={"amount": "1"}, **ahead),
        shop.fixed_charge(b, "5", properties={"amount": "3"}, **ahead),
    )
    new = (
        shop.fixed_charge(b, "10", properties={"amount": "10"}, **ahead),
        shop.fixed_charge(c, "1", properties={"amount": "20"}, **ahead),
    )
    await shop.plan("small", amount_cents=100, fixed_charges=old)
    await shop.plan("large", amount_cents=200, fixed_charges=new)
    subscription = await shop.subscribe(at="2023-07-19T12:12", plan="small")
    await advance(shop, subscription, "2023-08-01")
    larger = await shop.subscribe(at="2023-08-21T12:00", plan="large")
    await advance(shop, larger, "2023-09-01")
    assert await billed(shop) == [
        ("2023-07-19", "in_advance_charge", [("a", "10", 419), ("b", "5", 629)]),
        ("2023-08-01", "subscription_periodic", [("small", "1", 42), ("a", "10", 1000), ("b", "5", 1500)]),
        ("2023-08-21", "subscription_terminating", [("small", "1", 65), ("b", "10", 3016), ("c", "1", 710)]),
        ("2023-09-01", "subscription_periodic", [("large", "1", 71), ("b", "10", 10000), ("c", "1", 2000)]),
    ]


async def test_an_upgrade_of_what_is_not_prorated_takes_off_nothing(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    seats = await shop.add_on("seats")
    for plan, units, cents in (("small", "5", 100), ("large", "10", 200)):
        fixed_charge = shop.fixed_charge(seats, units, pay_in_advance=True)
        await shop.plan(plan, amount_cents=cents, pay_in_advance=True, fixed_charges=(fixed_charge,))
    await advance(shop, await shop.subscribe(at="2024-01-01", plan="small"), "2024-01-01")
    await advance(shop, await shop.subscribe(at="2024-01-17", plan="large"), "2024-01-17")
    assert await billed(shop) == [
        ("2024-01-01", "subscription_starting", [("small", "1", 100), ("seats", "5", 5000)]),
        ("2024-01-17", "subscription_terminating", [("large", "1", 97), ("seats", "10", 10000)]),
    ]


async def test_an_upgrade_into_another_currency_takes_off_nothing(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    seats = await shop.add_on("seats")
    for plan, currency in (("small", "EUR"), ("large", "USD")):
        fixed_charge = shop.fixed_charge(seats, "10", pay_in_advance=True, prorated=True)
        await shop.plan(plan, amount_cents=100, amount_currency=currency, fixed_charges=(fixed_charge,))
    await advance(shop, await shop.subscribe(at="2024-01-01", plan="small"), "2024-01-01")
    await advance(shop, await shop.subscribe(at="2024-01-17", plan="large"), "2024-01-17")
    assert [lines for _, _, lines in await billed(shop)] == [
        [("seats", "10", 10000)],
        [("seats", "10", 4839)],
        [("small", "1", 52)],
    ]
