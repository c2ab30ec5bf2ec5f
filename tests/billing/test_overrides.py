"""Terms of one subscription's own on a real ledger: it is billed by them, and nobody else is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from domain.catalog.add_on import AddOn
from domain.catalog.commands import update_plan
from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import MinimumCommitment, Plan, PlanDetails
from domain.customers.customer import Customer
from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices, replay_usage
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotAllowedError
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription, update_subscription
from domain.subscriptions.overrides import Overrides, OwnTerms, SetUnits
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop, arrive, instant

Billed = tuple[str, list[tuple[str, int]]]
"""Issuing date, and (item, cents) of the fees."""


def own(**details: Any) -> Overrides:
    """A copy of the plan with these."""
    return lambda before: OwnTerms(details=replace(before, **details))


def units(*numbers: str, immediately: bool = False) -> Overrides:
    """So many of the plan's fixed charges, and no copy."""

    def of(before: PlanDetails) -> OwnTerms:
        return OwnTerms(units=_set(before.fixed_charges, numbers, immediately=immediately))

    return of


def _set(fixed_charges: Sequence[FixedCharge], numbers: Sequence[str], *, immediately: bool) -> tuple[SetUnits, ...]:
    return tuple(
        SetUnits(fixed_charge_id=one.root_id, units=Decimal(number), immediately=immediately)
        for one, number in zip(fixed_charges, numbers, strict=True)
    )


async def change(shop: Shop, subscription: Subscription, overrides: Overrides, at: str) -> Subscription:
    return await update_subscription(
        shop.ledger, shop.organization, subscription.id, lambda before: before, overrides=overrides, at=instant(at)
    )


async def advance(shop: Shop, subscription: Subscription, at: str, usage: MemoryUsage | None = None) -> None:
    await advance_subscription(shop.ledger, usage or MemoryUsage(), shop.fees, subscription.id, at=instant(at))


async def billed(shop: Shop, subscription: Subscription) -> list[Billed]:
    """Its invoices in the order of time; each has been computed again."""
    found = await shop.ledger.find_all(Invoice, shop.organization.id)
    mine = [one for one in found if any(row.subscription_id == subscription.id for row in one.content.subscriptions)]
    for invoice in mine:
        assert list(replay_prices(invoice)) == []
    return [
        (str(one.content.issuing_date), [(fee.item.code, fee.amount_cents) for fee in one.content.fees])
        for one in sorted(mine, key=lambda one: one.created_on)
    ]


def commitment(cents: int) -> MinimumCommitment:
    return MinimumCommitment(id=ids.new(), amount_cents=cents, created_at=instant("2024-01-01"))


async def stocked(ledger: Ledger, **details: Any) -> tuple[Shop, AddOn]:
    """A plan of 31.00 a month in arrears with 10 seats at 10.00."""
    shop = await Shop.open(ledger)
    add_on = await shop.add_on("seats")
    await shop.plan(**{"fixed_charges": (shop.fixed_charge(add_on, "10"),), **details})
    return shop, add_on


@pytest.mark.parametrize(
    ("plan", "overrides", "expected", "why"),
    [
        ({}, own(amount_cents=900), [("2024-02-01", [("pro", 900), ("seats", 10000)])], "an amount in arrears"),
        (
            {"pay_in_advance": True},
            own(amount_cents=900),
            [("2024-01-01", [("pro", 900)]), ("2024-02-01", [("pro", 900), ("seats", 10000)])],
            "an amount in advance, from the first invoice on",
        ),
        (
            {"pay_in_advance": True},
            own(trial_period=Decimal(10)),
            [("2024-01-11", [("pro", 2100)]), ("2024-02-01", [("pro", 3100), ("seats", 10000)])],
            "a trial, of which the plan knows nothing: 21 of 31 days",
        ),
        (
            {"pay_in_advance": True, "trial_period": Decimal(10)},
            own(trial_period=Decimal(0)),
            [("2024-01-01", [("pro", 3100)]), ("2024-02-01", [("pro", 3100), ("seats", 10000)])],
            "no trial",
        ),
        (
            {},
            own(minimum_commitment=commitment(20000)),
            [("2024-02-01", [("pro", 3100), ("seats", 10000), ("pro", 6900)])],
            "a minimum",
        ),
        (
            {"minimum_commitment": commitment(20000)},
            own(minimum_commitment=None),
            [("2024-02-01", [("pro", 3100), ("seats", 10000)])],
            "no minimum",
        ),
        ({}, units("4"), [("2024-02-01", [("pro", 3100), ("seats", 4000)])], "units, from the start on"),
        (
            {},
            units("4", immediately=True),
            [("2024-02-01", [("pro", 3100), ("seats", 4000)])],
            "there is no earlier than the start",
        ),
        (
            {},
            lambda before: replace(
                OwnTerms(units=_set(before.fixed_charges, ["4"], immediately=False)),
                details=before.with_fixed_charge(replace(before.fixed_charges[0], properties={"amount": "3"})),
            ),
            [("2024-02-01", [("pro", 3100), ("seats", 1200)])],
            "units and a price",
        ),
    ],
)
async def test_from_the_start(
    ledger: Ledger, plan: dict[str, Any], overrides: Overrides, expected: list[Billed], why: str
) -> None:
    shop, _ = await stocked(ledger, **plan)
    mine = await shop.subscribe(at="2024-01-01", overrides=overrides)
    await advance(shop, mine, "2024-02-01")
    assert await billed(shop, mine) == expected, why
    other = await shop.subscribe("s2", at="2024-02-01", customer="c2")
    await advance(shop, other, "2024-03-01")
    details = (await shop.ledger.find_all(Plan, shop.organization.id, code="pro"))[0].details
    [*_, (_, fees)] = await billed(shop, other)
    assert fees[:2] == [("pro", details.amount_cents), ("seats", 10000)], "nobody else's"


@pytest.mark.parametrize("starts", ["2024-01-10", "2024-02-10"])
async def test_units_of_a_start_in_the_past_or_to_come(ledger: Ledger, starts: str) -> None:
    shop, _ = await stocked(ledger, amount_cents=0)
    mine = await shop.subscribe(at="2024-01-20", subscription_at=instant(starts), overrides=units("4"))
    await advance(shop, mine, "2024-03-01")
    assert [("pro", 0), ("seats", 4000)] in [fees for _, fees in await billed(shop, mine)]


async def test_another_currency(ledger: Ledger) -> None:
    shop, _ = await stocked(ledger)
    mine = await shop.subscribe(at="2024-01-01", overrides=own(amount_currency="JPY"))
    await shop.subscribe("s2", at="2024-01-01")
    await advance(shop, mine, "2024-02-01")
    found = await shop.ledger.find_all(Invoice, shop.organization.id)
    assert [(one.content.currency, one.content.totals.total_amount_cents) for one in found] == [("JPY", 3100 + 100)]
    customer = await shop.ledger.load(Customer, mine.customer_id)
    assert customer.details.currency == "JPY", "of the plan as it was bought first"


@pytest.mark.parametrize(
    ("old", "old_own", "new_own", "way", "expected", "why"),
    [
        (
            3100,
            {},
            {"amount_cents": 3099},
            "downgrade",
            [("2024-02-01", [("pro", 3100)]), ("2024-03-01", [("next", 3099)])],
            "the dearer plan is sold for less: it waits",
        ),
        (
            3100,
            {},
            {"amount_cents": 6200},
            "upgrade",
            [("2024-01-11", [("pro", 1000)]), ("2024-02-01", [("next", 4200)])],
            "for twice as much, at once: 10 and 21 of 31 days",
        ),
        (
            3100,
            {"amount_cents": 31000},
            {},
            "downgrade",
            [("2024-02-01", [("pro", 31000)]), ("2024-03-01", [("next", 9300)])],
            "from an own amount that is more",
        ),
        (
            31000,
            {"amount_cents": 3100},
            {},
            "upgrade",
            [("2024-01-11", [("pro", 1000)]), ("2024-02-01", [("next", 6300)])],
            "from an own amount that is less",
        ),
        (
            3100,
            {},
            {"name": "Next"},
            "upgrade",
            [("2024-01-11", [("pro", 1000)]), ("2024-02-01", [("next", 6300)])],
            "no amount of its own: the plan's counts",
        ),
    ],
)
async def test_changes_of_plan(
    ledger: Ledger,
    old: int,
    old_own: dict[str, Any],
    new_own: dict[str, Any],
    way: str,
    expected: list[Billed],
    why: str,
) -> None:
    """The amounts that the customer pays are compared, and billed (invoicing-money 1.2)."""
    shop = await Shop.open(ledger)
    await shop.plan(amount_cents=old)
    await shop.plan("next", amount_cents=9300)
    first = await shop.subscribe(at="2024-01-01", overrides=own(**old_own))
    answered = await shop.subscribe(at="2024-01-11", plan="next", overrides=own(**new_own))
    await advance(shop, first, "2024-02-01")
    line = await ledger.find_all(Subscription, shop.organization.id, external_id="s1")
    new = next(one for one in line if one.id != first.id)
    assert (new.predecessor, answered.id) == (way, new.id if way == "upgrade" else first.id), why
    await advance(shop, new, "2024-03-01")
    found = {str(row) for one in line for row in await billed(shop, one)}
    assert found >= {str(row) for row in expected}, why


async def test_a_price_of_usage(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    calls = await shop.metric("calls")
    charge = shop.charge(calls, "standard", {"amount": "1"})
    await shop.plan(amount_cents=0, charges=(charge,))
    dearer = replace(charge, properties={"amount": "7"}, min_amount_cents=10000)
    mine = await shop.subscribe(at="2024-01-01", overrides=own(charges=(dearer,)))
    other = await shop.subscribe("s2", at="2024-01-01", consolidate_invoice=False)
    for subscription in ("s1", "s2"):
        usage.add("calls", "2024-01-05", subscription)
    for one in (mine, other):
        await advance(shop, one, "2024-02-01", usage)
    assert await billed(shop, mine) == [("2024-02-01", [("pro", 0), ("calls", 700), ("calls", 9300)])]
    assert await billed(shop, other) == [("2024-02-01", [("pro", 0), ("calls", 100)])]
    assert await replay_usage(usage, await ledger.find_all(Invoice, shop.organization.id)) == []


async def test_in_flight(ledger: Ledger) -> None:
    """The first time a copy is made, then it changes; what is billed in arrears has the new price."""
    shop, _ = await stocked(ledger)
    mine = await shop.subscribe(at="2024-01-01")
    other = await shop.subscribe("s2", at="2024-01-01", customer="c2")
    await advance(shop, mine, "2024-02-01")
    for month, overrides in enumerate((own(amount_cents=900), units("4"), own(name="Mine"), own(amount_cents=800)), 2):
        mine = await change(shop, mine, overrides, f"2024-{month:02}-10")
        await advance(shop, mine, f"2024-{month + 1:02}-01")
    await advance(shop, other, "2024-06-01")
    assert [fees for _, fees in await billed(shop, mine)] == [
        [("pro", 3100), ("seats", 10000)],
        [("pro", 900), ("seats", 10000)],
        [("pro", 900), ("seats", 10000)],
        [("pro", 900), ("seats", 4000)],
        [("pro", 800), ("seats", 4000)],
    ], "units from the next period on"
    assert {str(fees) for _, fees in await billed(shop, other)} == {str([("pro", 3100), ("seats", 10000)])}
    [copy] = await ledger.find_all(Plan, shop.organization.id, parent_id=str(other.plan_id))
    assert (mine.plan_id, copy.details.name, copy.details.code) == (copy.id, "Mine", "pro")


async def test_units_that_change_at_once_are_one_invoice(ledger: Ledger) -> None:
    """W2, W8; the plan stays."""
    shop = await Shop.open(ledger)
    seats, desks = [
        shop.fixed_charge(await shop.add_on(code), "10", pay_in_advance=True) for code in ("seats", "desks")
    ]
    plan = await shop.plan(amount_cents=0, fixed_charges=(seats, desks))
    mine = await shop.subscribe(at="2024-03-01", overrides=units("5", "6"))
    await advance(shop, mine, "2024-03-01")
    await change(shop, mine, units("7", "6", immediately=True), "2024-03-10")
    mine = await change(shop, mine, units("1", "2"), "2024-03-20")
    await advance(shop, mine, "2024-04-01")
    assert await billed(shop, mine) == [
        ("2024-03-01", [("seats", 5000), ("desks", 6000)]),
        ("2024-03-10", [("seats", 2000), ("desks", 0)]),
        ("2024-04-01", [("pro", 0), ("seats", 1000), ("desks", 2000)]),
    ]
    assert mine.plan_id == plan.id


async def test_a_first_copy_bills_no_fixed_charge_again(ledger: Ledger) -> None:
    """What is paid in advance is known by its root: a price of its own is for the next period (1.8)."""
    shop = await Shop.open(ledger)
    seats = shop.fixed_charge(await shop.add_on("seats"), "10", pay_in_advance=True)
    await shop.plan(amount_cents=0, fixed_charges=(seats,))
    mine = await shop.subscribe(at="2024-03-01")
    await advance(shop, mine, "2024-03-01")
    dearer = own(fixed_charges=(replace(seats, properties={"amount": "20"}),))
    mine = await change(shop, mine, dearer, "2024-03-10")
    await change(shop, mine, units("12", immediately=True), "2024-03-11")
    await advance(shop, mine, "2024-04-01")
    assert await billed(shop, mine) == [
        ("2024-03-01", [("seats", 10000)]),
        ("2024-03-11", [("seats", 4000)]),
        ("2024-04-01", [("pro", 0), ("seats", 24000)]),
    ]


async def test_an_event_in_advance_is_paid_for_once(ledger: Ledger) -> None:
    """Also where it is handed over again after its subscription has got a copy of the plan."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    charge = shop.charge(await shop.metric("calls"), "standard", {"amount": "1"}, pay_in_advance=True)
    await shop.plan(amount_cents=0, charges=(charge,))
    mine = await shop.subscribe(at="2024-01-01")
    usage.add("calls", "2024-01-05")
    usage.add("calls", "2024-01-07")
    assert await arrive(shop, usage, 1) == 1
    mine = await change(shop, mine, own(charges=(replace(charge, properties={"amount": "7"}),)), "2024-01-06")
    assert [await arrive(shop, usage, number) for number in (1, 2, 2)] == [0, 1, 0]
    assert await billed(shop, mine) == [("2024-01-05", [("calls", 100)]), ("2024-01-07", [("calls", 700)])]


@pytest.mark.parametrize(
    ("days", "at", "longer", "expected", "why"),
    [
        (10, "2024-01-05", 20, [("2024-01-21", [("pro", 1100)])], "while it runs: 11 of 31 days"),
        (10, "2024-01-10T23:00", 11, [("2024-01-12", [("pro", 2000)])], "in its last hour"),
        (40, "2024-02-05", 45, [("2024-02-01", []), ("2024-02-15", [("pro", 1603)])], "in another month"),
        (10, "2024-01-05", 9, None, "it may not be made shorter"),
        (10, "2024-01-05", 0, None, "or none"),
        (10, "2024-01-11", 20, None, "the amount is owed by now"),
        (0, "2024-01-01", 20, None, "there was none"),
    ],
)
async def test_a_trial_that_runs_may_be_made_longer(
    ledger: Ledger, days: int, at: str, longer: int, expected: list[Billed] | None, why: str
) -> None:
    shop = await Shop.open(ledger)
    await shop.plan(pay_in_advance=True, trial_period=Decimal(days))
    mine = await shop.subscribe(at="2024-01-01")
    if expected is None:
        with pytest.raises(InvalidInputError) as refused:
            await change(shop, mine, own(trial_period=Decimal(longer)), at)
        assert refused.value.details == {"trial_period": ["value_is_out_of_range"]}, why
        return
    mine = await change(shop, mine, own(trial_period=Decimal(longer)), at)
    await advance(shop, mine, "2024-02-29")
    assert (await billed(shop, mine))[: len(expected)] == expected, why


async def test_what_is_paid_in_advance_is_given_back_by_the_own_amount(ledger: Ledger) -> None:
    """Also where that has changed since: a note is of what was billed."""
    shop = await Shop.open(ledger)
    await shop.plan(pay_in_advance=True)
    mine = await shop.subscribe(at="2024-01-01", overrides=own(amount_cents=6200))
    await advance(shop, mine, "2024-01-01")
    mine = await change(shop, mine, own(amount_cents=1), "2024-01-05")
    await terminate_subscription(
        ledger, mine.id, on_termination_credit_note=None, on_termination_invoice=None, at=instant("2024-01-10T12:00")
    )
    [invoice] = await ledger.find_all(Invoice, shop.organization.id)
    [note] = invoice.issued_credit_notes
    assert list(note.items.values()) == [4200], "21 of 31 days"


async def test_units_wait_with_a_downgrade_that_becomes_an_upgrade(ledger: Ledger) -> None:
    """A new price of the next plan does it at once (1.4); what was asked for it is kept."""
    shop, add_on = await stocked(ledger)
    await shop.plan("next", amount_cents=100, fixed_charges=(shop.fixed_charge(add_on, "10"),))
    first = await shop.subscribe(at="2024-01-01")
    await shop.subscribe(at="2024-01-11", plan="next", overrides=units("4"))
    await update_plan(
        ledger,
        shop.organization.id,
        "next",
        lambda before: replace(before, amount_cents=6200),
        at=instant("2024-01-21"),
    )
    line = await ledger.find_all(Subscription, shop.organization.id, external_id="s1", status="active")
    [new] = [one for one in line if one.id != first.id]
    await advance(shop, new, "2024-02-01")
    assert (await billed(shop, new))[-1] == ("2024-02-01", [("next", 2200), ("seats", 4000)]), "11 of 31 days"


async def test_what_has_ended_takes_no_terms(ledger: Ledger) -> None:
    shop, _ = await stocked(ledger)
    mine = await shop.subscribe(at="2024-01-01")
    await terminate_subscription(
        ledger, mine.id, on_termination_credit_note=None, on_termination_invoice=None, at=instant("2024-01-10")
    )
    for overrides in (own(amount_cents=1), units("1")):
        with pytest.raises(NotAllowedError):
            await change(shop, mine, overrides, "2024-01-11")
