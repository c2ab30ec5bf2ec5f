"""Changes of plan on a real ledger: one invoice for what ends and what begins, whoever makes it, and when."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain.catalog.commands import delete_plan, update_plan
from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices, replay_usage
from domain.kernel.errors import ConflictError
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription, update_subscription
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop, instant

Billed = tuple[str, str, list[tuple[str, int]]]
"""Issuing date, reasons of the subscriptions, and (item, cents) of the fees."""


async def invoices(shop: Shop) -> list[Invoice]:
    found = await shop.ledger.find_all(Invoice, shop.organization.id)
    return sorted(found, key=lambda invoice: (invoice.created_on, [fee.item.code for fee in invoice.content.fees]))


async def billed(shop: Shop) -> list[Billed]:
    return [
        (
            str(invoice.content.issuing_date),
            " ".join(row.reason.removeprefix("subscription_") for row in invoice.content.subscriptions),
            [(fee.item.code, fee.amount_cents) for fee in invoice.content.fees],
        )
        for invoice in await invoices(shop)
    ]


async def line(shop: Shop, external_id: str = "s1") -> dict[str, Subscription]:
    """The subscriptions with the external id, by their plan; the last one of each."""
    found = await shop.ledger.find_all(Subscription, shop.organization.id, external_id=external_id)
    return {one.plan_code: one for one in sorted(found, key=lambda one: one.created_on)}


async def advance(shop: Shop, usage: MemoryUsage, at: str) -> None:
    """All workers do what is due, the last subscription first."""
    for subscription in reversed((await line(shop)).values()):
        await advance_subscription(shop.ledger, usage, shop.fees, subscription.id, at=instant(at))


@pytest.mark.parametrize(
    ("old", "new", "billing_time", "begun", "changed", "until", "expected", "why"),
    [
        (
            {"amount_cents": 1000, "pay_in_advance": True},
            {"amount_cents": 1500, "pay_in_advance": True},
            "calendar",
            "2024-03-05T12:12",
            "2024-03-12T12:12",
            "2024-04-01",
            [
                ("2024-03-05", "starting", [("old", 871)]),
                ("2024-03-12", "terminating starting", [("new", 968)]),
                ("2024-04-01", "periodic", [("new", 1500)]),
            ],
            "18.9: 27/31 of the old plan, 20/31 of the new one",
        ),
        (
            {"amount_cents": 1000, "pay_in_advance": True},
            {"amount_cents": 1500, "pay_in_advance": True},
            "anniversary",
            "2024-03-05T12:12",
            "2024-03-12T12:12",
            "2024-04-05",
            [
                ("2024-03-05", "starting", [("old", 1000)]),
                ("2024-03-12", "terminating starting", [("new", 1161)]),
                ("2024-04-05", "periodic", [("new", 1500)]),
            ],
            "18.9: 24/31, on the anniversary of the first",
        ),
        (
            {"amount_cents": 1000, "pay_in_advance": True},
            {"amount_cents": 12000, "pay_in_advance": True, "interval": "yearly"},
            "anniversary",
            "2023-06-29T12:12",
            "2023-09-28T05:00",
            "2024-06-29",
            [
                ("2023-06-29", "starting", [("old", 1000)]),
                ("2023-07-29", "periodic", [("old", 1000)]),
                ("2023-08-29", "periodic", [("old", 1000)]),
                ("2023-09-28", "terminating starting", [("new", 9016)]),
                ("2024-06-29", "periodic", [("new", 12000)]),
            ],
            "18.9: as much in a year is an upgrade, 275/366",
        ),
        (
            {"amount_cents": 100},
            {"amount_cents": 200},
            "calendar",
            "2024-07-19T12:12",
            "2024-08-21T12:00",
            "2024-09-01",
            [
                ("2024-08-01", "periodic", [("old", 42)]),
                ("2024-08-21", "terminating", [("old", 65)]),
                ("2024-09-01", "periodic", [("new", 71)]),
            ],
            "18.9: 20/31 up to the day before, then 11/31",
        ),
        (
            {"amount_cents": 45500, "interval": "quarterly"},
            {"amount_cents": 91000, "interval": "quarterly"},
            "anniversary",
            "2024-01-15T10:00",
            "2024-05-20T10:00",
            "2024-07-15",
            [
                ("2024-04-15", "periodic", [("old", 45500)]),
                ("2024-05-20", "terminating", [("old", 17500)]),
                ("2024-07-15", "periodic", [("new", 56000)]),
            ],
            "S6: 35 and 56 of 91 days",
        ),
        (
            {"amount_cents": 3100},
            {"amount_cents": 6200, "pay_in_advance": True},
            "calendar",
            "2024-01-01",
            "2024-03-11T08:00",
            "2024-04-01",
            [
                ("2024-02-01", "periodic", [("old", 3100)]),
                ("2024-03-01", "periodic", [("old", 3100)]),
                ("2024-03-11", "terminating starting", [("old", 1000), ("new", 4200)]),
                ("2024-04-01", "periodic", [("new", 6200)]),
            ],
            "L2: one invoice, 10 days of the old plan and 21 of the new",
        ),
        (
            {"amount_cents": 3100},
            {"amount_cents": 3100},
            "calendar",
            "2024-03-01T09:00",
            "2024-03-01T17:00",
            "2024-04-01",
            [("2024-03-01", "terminating", [("old", 0)]), ("2024-04-01", "periodic", [("new", 3100)])],
            "T4: no day is left for the old plan, and never less than none",
        ),
        (
            {"amount_cents": 12900, "pay_in_advance": True},
            {"amount_cents": 118800, "pay_in_advance": True, "interval": "yearly"},
            "anniversary",
            "2023-10-19T12:12",
            "2023-11-09",
            "2024-10-19",
            [
                ("2023-10-19", "starting", [("old", 12900)]),
                ("2023-11-19", "terminating starting", [("new", 108738)]),
                ("2024-10-19", "periodic", [("new", 118800)]),
            ],
            "L3: the new plan's own period on the old anniversary, 335/366",
        ),
        (
            {"amount_cents": 10000},
            {"amount_cents": 1000},
            "calendar",
            "2023-07-19T12:12",
            "2023-08-21T23:00",
            "2023-10-01",
            [
                ("2023-08-01", "periodic", [("old", 4194)]),
                ("2023-09-01", "terminating", [("old", 10000)]),
                ("2023-10-01", "periodic", [("new", 1000)]),
            ],
            "L3: a last full period at the old price",
        ),
        (
            {"amount_cents": 10000},
            {"amount_cents": 1000, "pay_in_advance": True},
            "calendar",
            "2023-07-19T12:12",
            "2023-07-21",
            "2023-09-01",
            [
                ("2023-08-01", "terminating starting", [("old", 4194), ("new", 1000)]),
                ("2023-09-01", "periodic", [("new", 1000)]),
            ],
            "the last period is the first: 13/31, and all of the new plan in advance",
        ),
        (
            {"amount_cents": 120000, "interval": "yearly", "bill_charges_monthly": True},
            {"amount_cents": 1000},
            "calendar",
            "2024-01-01",
            "2024-11-09",
            "2025-02-01",
            [
                *((f"2024-{month:02}-01", "periodic", []) for month in range(2, 13)),
                ("2025-01-01", "terminating", [("old", 120000)]),
                ("2025-02-01", "periodic", [("new", 1000)]),
            ],
            "a downgrade waits for the year, not for the next month of usage",
        ),
    ],
)
@pytest.mark.parametrize("on_time", [True, False])
async def test_changes_of_plan(
    ledger: Ledger,
    old: dict[str, Any],
    new: dict[str, Any],
    billing_time: str,
    begun: str,
    changed: str,
    until: str,
    expected: list[Billed],
    why: str,
    on_time: bool,
) -> None:
    """The same invoices whether the workers were there when it happened or came to it later."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan("old", **old)
    await shop.plan("new", **new)
    await shop.subscribe(at=begun, plan="old", billing_time=billing_time)
    if on_time:
        await advance(shop, usage, changed)
    await shop.subscribe(at=changed, plan="new")
    await advance(shop, usage, until)
    assert await billed(shop) == expected, why
    assert [difference for invoice in await invoices(shop) for difference in replay_prices(invoice)] == []


async def test_an_upgrade_in_trial_goes_on_with_the_trial(ledger: Ledger) -> None:
    """EX2, 18.8."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    calls = await shop.metric("calls")
    for code, amount, days, price in (("a", 5_000_000, 10, "10"), ("b", 10_000_000, 13, "12")):
        charge = shop.charge(calls, "standard", {"amount": price})
        await shop.plan(code, amount_cents=amount, trial_period=days, pay_in_advance=True, charges=(charge,))
    await shop.subscribe(at="2024-03-05T12:12", plan="a")
    usage.add("calls", "2024-03-06")
    usage.add("calls", "2024-03-12")
    await advance(shop, usage, "2024-03-10")
    await shop.subscribe(at="2024-03-10", plan="b")
    await advance(shop, usage, "2024-04-01")
    assert await billed(shop) == [
        ("2024-03-10", "terminating", [("calls", 1000)]),
        ("2024-03-18", "starting", [("b", 4_516_129)]),
        ("2024-04-01", "periodic", [("b", 10_000_000), ("calls", 1200)]),
    ]
    ended = (await line(shop))["b"].trial_ended_at
    assert ended == instant("2024-03-18T12:12")


async def test_the_next_one_inherits(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    for code, amount in (("small", 100), ("large", 200)):
        await shop.plan(code, amount_cents=amount)
    ending_at = instant("2025-06-01")
    first = await shop.subscribe(
        at="2024-01-15T10:00",
        plan="small",
        billing_time="anniversary",
        ending_at=ending_at,
        name="Small",
        consolidate_invoice=False,
        purchase_order_number="PO-1",
        on_termination_invoice="skip",
    )
    second = await shop.subscribe(at="2024-05-20", plan="large")
    assert (second.status, second.previous_subscription_id, second.external_id) == ("active", first.id, "s1")
    assert second.started_at == second.activated_at == instant("2024-05-20")
    assert second.details == replace(first.details, name=None, on_termination_invoice="generate")
    first = (await line(shop))["small"]
    assert (first.status, first.terminated_at) == ("terminated", second.started_at)
    assert first.owes_final_invoice, "what was chosen for an end is not about a change of plan"
    assert (await shop.subscribe(at="2024-06-01", plan="large")).id == second.id, "on the same plan nothing changes"


async def test_both_wake_at_once_and_bill_once(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan("old", amount_cents=3100)
    await shop.plan("new", amount_cents=6200, pay_in_advance=True)

    async def wake(subscription: Subscription, at: str) -> None:
        for _ in range(20):
            try:
                await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant(at))
                return
            except ConflictError:
                continue
        raise AssertionError("never got through")

    for external_id in ("s1", "s2"):
        await shop.subscribe(external_id, at="2024-01-01", plan="old", consolidate_invoice=False)
        await shop.subscribe(external_id, at="2024-01-11", plan="new")
        ends = (await line(shop, external_id)).values()
        await asyncio.gather(*(wake(one, "2024-01-12") for one in [*ends, *ends]))
    both = ("2024-01-11", "terminating starting", [("old", 1000), ("new", 4200)])
    assert await billed(shop) == [both, both]


async def test_different_purchase_orders_are_different_invoices(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan("old", amount_cents=3100)
    await shop.plan("new", amount_cents=6200, pay_in_advance=True)
    await shop.subscribe(at="2024-01-01", plan="old", purchase_order_number="1")
    await shop.subscribe(
        at="2024-01-11", plan="new", change=lambda handed_on: replace(handed_on, purchase_order_number="2")
    )
    await advance(shop, usage, "2024-01-12")
    assert await billed(shop) == [
        ("2024-01-11", "starting", [("new", 4200)]),
        ("2024-01-11", "terminating", [("old", 1000)]),
    ]
    numbers = {
        billed.content.fees[0].item.code: billed.content.purchase_order_number for billed in await invoices(shop)
    }
    assert numbers == {"old": "1", "new": "2"}


async def test_other_currencies_are_other_invoices(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan("old", amount_cents=3100)
    await shop.plan("new", amount_cents=6200, amount_currency="USD", pay_in_advance=True)
    await shop.subscribe(at="2024-01-01", plan="old")
    await shop.subscribe(at="2024-01-11", plan="new")
    await advance(shop, usage, "2024-01-12")
    found = sorted((one.content.currency, one.content.totals.total_amount_cents) for one in await invoices(shop))
    assert found == [("EUR", 1000), ("USD", 4200)]


@pytest.mark.parametrize("on_time", [True, False])
async def test_several_upgrades_at_one_instant(ledger: Ledger, on_time: bool) -> None:
    """A sandbox's time stands still between two calls."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    for code, amount in (("a", 1000), ("b", 1500), ("c", 1900)):
        await shop.plan(code, amount_cents=amount, pay_in_advance=True)
    for plan in "abc":
        await shop.subscribe(at="2024-03-05T12:12", plan=plan)
        if on_time:
            await advance(shop, usage, "2024-03-05T12:12")
    await advance(shop, usage, "2024-03-06")
    assert sorted(await billed(shop)) == [
        ("2024-03-05", "starting", [("a", 871)]),
        ("2024-03-05", "terminating starting", [("b", 1306)]),
        ("2024-03-05", "terminating starting", [("c", 1655)]),
    ]


async def test_carried_units_are_billed_by_one_of_the_plans(ledger: Ledger) -> None:
    """L8; what the next plan does not bill itself at the period's end, the old one bills."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    details: dict[str, Any] = {"aggregation_type": "sum_agg", "field_name": "n", "recurring": True}
    kept, gone, ahead, prorated = [await shop.metric(code, **details) for code in ("kept", "gone", "ahead", "days")]
    weighed = await shop.metric("weighed", **details | {"aggregation_type": "weighted_sum_agg"})
    one = {"amount": "1"}
    common = [shop.charge(kept, "standard", one), shop.charge(weighed, "standard", one)]
    prorated_charge = shop.charge(prorated, "standard", one, prorated=True)
    in_arrears = [shop.charge(metric, "standard", one) for metric in (gone, ahead)]
    await shop.plan("old", amount_cents=0, charges=(*common, *in_arrears, prorated_charge))
    in_advance = shop.charge(ahead, "standard", one, pay_in_advance=True)
    await shop.plan("new", amount_cents=0, charges=(*common, in_advance, prorated_charge))
    await shop.subscribe(at="2024-04-01", plan="old")
    for code in ("kept", "gone", "ahead", "days", "weighed"):
        usage.add(code, "2024-04-01", n=30)
    usage.add("days", "2024-04-11T09:00", n=30)  # on the day of the upgrade, which is the new plan's
    await shop.subscribe(at="2024-04-11T12:00", plan="new")
    await advance(shop, usage, "2024-05-01")
    [(_, _, at_upgrade), (_, _, at_end)] = await billed(shop)
    assert at_upgrade == [("old", 0), ("weighed", 1050), ("gone", 3000), ("ahead", 3000), ("days", 1000)]
    assert at_end == [("new", 0), ("kept", 3000), ("weighed", 1950), ("ahead", 3000), ("days", 4000)]
    assert await replay_usage(usage, await invoices(shop)) == []


async def test_charges_in_advance_are_renewed_when_a_downgrade_takes_effect_and_not_by_an_upgrade(
    ledger: Ledger,
) -> None:
    """L9, V11."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    seats = await shop.metric("seats", aggregation_type="unique_count_agg", field_name="id", recurring=True)
    charge = shop.charge(seats, "standard", {"amount": "1"}, pay_in_advance=True)
    await shop.plan("old", amount_cents=100, charges=(charge,))
    for plan, amount in (("cheaper", 10), ("dearer", 200)):
        await shop.plan(plan, amount_cents=amount)
        external_id = f"to {plan}"
        await shop.subscribe(external_id, at="2024-04-01", plan="old", consolidate_invoice=False)
        usage.add("seats", "2024-04-02", external_id, id="a")
        await shop.subscribe(external_id, at="2024-04-11", plan=plan)
        old = (await line(shop, external_id))["old"]
        await advance_subscription(ledger, usage, shop.fees, old.id, at=instant("2024-05-01"))
    fees = {fee.external_subscription_id: fee for one in await invoices(shop) for fee in one.content.fees}
    assert [name for name, fee in fees.items() if fee.fee_type == "charge"] == ["to cheaper"]
    renewed = fees["to cheaper"]
    assert (renewed.amount_cents, renewed.from_at, renewed.to_at) == (
        100,
        instant("2024-05-01"),
        instant("2024-05-31T23:59:59.999999"),
    )


async def test_before_it_begins_the_plan_is_swapped(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    for code, amount in (("small", 3100), ("large", 6200)):
        await shop.plan(code, amount_cents=amount)
    begun = await shop.subscribe(at="2024-01-01", plan="large", subscription_at=instant("2024-02-01"), name="Mine")
    swapped = await shop.subscribe(at="2024-01-05", plan="small")
    assert (swapped.id, swapped.status, swapped.plan_code, swapped.details.name) == (
        begun.id,
        "pending",
        "small",
        "Mine",
    )
    renamed = await shop.subscribe(
        at="2024-01-06", plan="large", change=lambda handed_on: replace(handed_on, name="Other")
    )
    assert (renamed.plan_code, renamed.details.name) == ("large", "Other")
    await advance_subscription(ledger, usage, shop.fees, begun.id, at=instant("2024-03-01"))
    assert await billed(shop) == [("2024-03-01", "periodic", [("large", 6200)])]


async def scheduled(ledger: Ledger) -> tuple[Shop, MemoryUsage]:
    """A downgrade from large to small on 1 February."""
    shop = await Shop.open(ledger)
    for code, amount in (("large", 3100), ("small", 1000), ("tiny", 100), ("huge", 9300)):
        await shop.plan(code, amount_cents=amount)
    await shop.subscribe(at="2024-01-01", plan="large")
    answered = await shop.subscribe(at="2024-01-10", plan="small")
    assert (answered.plan_code, answered.status) == ("large", "active"), "the current one is answered"
    return shop, MemoryUsage()


async def statuses(shop: Shop) -> dict[str, str]:
    return {code: one.status for code, one in (await line(shop)).items()}


async def test_a_downgrade_waits(ledger: Ledger) -> None:
    shop, usage = await scheduled(ledger)
    small = (await line(shop))["small"]
    due = await advance_subscription(ledger, usage, shop.fees, small.id, at=instant("2024-01-31"))
    assert due == instant("2024-02-01"), "both wake when the current one ends"
    assert await statuses(shop) == {"large": "active", "small": "pending"}
    await update_subscription(
        ledger, shop.organization, small.id, lambda before: replace(before, name="S"), at=instant("2024-01-12")
    )
    assert await statuses(shop) == {"large": "active", "small": "pending"}, "its start is not that of the line"
    await advance_subscription(ledger, usage, shop.fees, small.id, at=instant("2024-02-01"))
    assert await statuses(shop) == {"large": "terminated", "small": "active"}
    assert (
        await advance_subscription(ledger, usage, shop.fees, (await line(shop))["large"].id, at=instant("2024-02-01"))
        is None
    )
    small = (await line(shop))["small"]
    assert (small.started_at, small.details.name) == (instant("2024-02-01"), "S")


async def test_another_downgrade_takes_the_place_of_the_first(ledger: Ledger) -> None:
    shop, usage = await scheduled(ledger)
    await shop.subscribe(at="2024-01-11", plan="tiny")
    assert await statuses(shop) == {"large": "active", "small": "canceled", "tiny": "pending"}
    await advance(shop, usage, "2024-02-01")
    assert await statuses(shop) == {"large": "terminated", "small": "canceled", "tiny": "active"}


async def test_an_upgrade_calls_a_downgrade_off(ledger: Ledger) -> None:
    shop, usage = await scheduled(ledger)
    await shop.subscribe(at="2024-01-11", plan="huge")
    assert await statuses(shop) == {"large": "terminated", "small": "canceled", "huge": "active"}
    await advance(shop, usage, "2024-02-01")
    assert await billed(shop) == [
        ("2024-01-11", "terminating", [("large", 1000)]),
        ("2024-02-01", "periodic", [("huge", 6300)]),
    ]


@pytest.mark.parametrize("of", ["large", "small"])
async def test_either_end_calls_a_downgrade_off(ledger: Ledger, of: str) -> None:
    shop, usage = await scheduled(ledger)
    ended = (await line(shop))[of]
    await terminate_subscription(
        ledger,
        ended.id,
        on_termination_credit_note=None,
        on_termination_invoice=None,
        at=instant("2024-01-11"),
    )
    expected = {"large": "active" if of == "small" else "terminated", "small": "canceled"}
    assert await statuses(shop) == expected
    large = (await line(shop))["large"]
    assert (large.next_subscription_id, large.downgrade_asked_at) == (None, None)
    await advance(shop, usage, "2024-02-01")
    assert await statuses(shop) == expected


async def test_an_end_on_the_day_of_the_downgrade_is_an_end(ledger: Ledger) -> None:
    shop, usage = await scheduled(ledger)
    large = (await line(shop))["large"]
    await update_subscription(
        ledger,
        shop.organization,
        large.id,
        lambda before: replace(before, ending_at=instant("2024-02-01")),
        at=instant("2024-01-12"),
    )
    await advance(shop, usage, "2024-03-01")
    assert await statuses(shop) == {"large": "terminated", "small": "canceled"}
    assert await billed(shop) == [("2024-02-01", "terminating", [("large", 3100)])]


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [
        ("large", {"large": "terminated", "small": "canceled"}),
        ("small", {"large": "active", "small": "canceled"}),
    ],
)
async def test_a_deleted_plan_calls_downgrades_off(ledger: Ledger, deleted: str, expected: dict[str, str]) -> None:
    shop, usage = await scheduled(ledger)
    await delete_plan(ledger, shop.organization.id, deleted, at=instant("2024-01-12"))
    assert await statuses(shop) == expected
    await advance(shop, usage, "2024-02-01")
    assert await statuses(shop) == expected


@pytest.mark.parametrize(
    ("edited", "cents", "expected", "why"),
    [
        ("large", 1001, {"large": "active", "small": "pending"}, "still dearer"),
        ("large", 1000, {"large": "active", "small": "canceled"}, "no less is saved by it"),
        ("small", 3099, {"large": "active", "small": "pending"}, "still cheaper"),
        ("small", 3100, {"large": "terminated", "small": "active"}, "an upgrade now, so at once"),
        ("tiny", 9999, {"large": "active", "small": "pending"}, "another plan"),
    ],
)
async def test_a_new_price_looks_at_downgrades_again(
    ledger: Ledger, edited: str, cents: int, expected: dict[str, str], why: str
) -> None:
    shop, usage = await scheduled(ledger)
    await update_plan(
        ledger,
        shop.organization.id,
        edited,
        lambda before: replace(before, amount_cents=cents),
        at=instant("2024-01-11"),
    )
    assert await statuses(shop) == expected, why
    if expected["small"] == "active":
        await advance(shop, usage, "2024-02-01")
        assert await billed(shop) == [
            ("2024-01-11", "terminating", [("large", 1000)]),
            ("2024-02-01", "periodic", [("small", 2100)]),
        ]
