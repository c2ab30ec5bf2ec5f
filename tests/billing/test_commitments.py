"""Minimum commitments on a real ledger, and the sum of fees that they ask for. Figures: metering-pricing D7."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.catalog.plan import MinimumCommitment
from domain.invoicing.billing import advance_subscription
from domain.invoicing.commitment_fees import CommitmentWindow
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription
from domain.subscriptions.subscription import Subscription
from projections.postgres import Database
from projections.views.fees import PostgresBilledFees
from tests.builders import LedgerFees, MemoryUsage, Shop, arrive, instant

MILLION = 1_000_000


def commitment(amount_cents: int = MILLION) -> MinimumCommitment:
    return MinimumCommitment(id=ids.new(), amount_cents=amount_cents, created_at=instant("2024-01-01"))


async def billed(shop: Shop) -> list[tuple[str, list[tuple[str, int]]]]:
    """Issuing date and lines of every invoice, by type; each has been computed again."""
    found = await shop.ledger.find_all(Invoice, shop.organization.id)
    for invoice in found:
        assert list(replay_prices(invoice)) == []
    rows = [
        (
            invoice.content.issuing_date.isoformat(),
            [
                (fee.item.code if fee.fee_type in ("charge", "fixed_charge") else fee.fee_type, fee.amount_cents)
                for fee in invoice.content.fees
            ],
        )
        for invoice in found
    ]
    return sorted(rows, key=lambda row: (row[0], str(row[1])))


async def advance(shop: Shop, usage: MemoryUsage, subscription: Subscription, at: str) -> None:
    await advance_subscription(shop.ledger, usage, shop.fees, subscription.id, at=instant(at))


async def end(shop: Shop, usage: MemoryUsage, subscription: Subscription, at: str) -> None:
    await terminate_subscription(
        shop.ledger, subscription.id, on_termination_credit_note=None, on_termination_invoice=None, at=instant(at)
    )
    await advance(shop, usage, subscription, at)


@pytest.mark.parametrize(
    ("plan", "begun", "until", "fee", "missing", "why"),
    [
        ({"interval": "weekly"}, "2023-02-01", "2023-02-06", 71429, 642_857, "weekly, from a Wednesday"),
        ({}, "2023-02-04", "2023-03-01", 89286, 803_571, "monthly from the 4th"),
        ({"interval": "quarterly"}, "2023-02-04", "2023-04-01", 62222, 560_000, "a quarter from 4 February"),
        ({"interval": "yearly"}, "2023-02-01", "2024-01-01", 91507, 823_561, "a year from 1 February"),
    ],
)
async def test_in_arrears(
    ledger: Ledger, plan: dict[str, Any], begun: str, until: str, fee: int, missing: int, why: str
) -> None:
    shop = await Shop.open(ledger)
    await shop.plan(amount_cents=100_000, minimum_commitment=commitment(), **plan)
    subscription = await shop.subscribe(at=begun)
    await advance(shop, MemoryUsage(), subscription, until)
    assert await billed(shop) == [(until, [("subscription", fee), ("commitment", missing)])], why


async def test_in_advance(ledger: Ledger) -> None:
    """A plan in advance reconciles the week behind; at the end the days of the one that is running."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan(interval="weekly", amount_cents=100_000, pay_in_advance=True, minimum_commitment=commitment())
    subscription = await shop.subscribe(at="2023-02-01")
    await advance(shop, usage, subscription, "2023-02-13")
    await end(shop, usage, subscription, "2023-02-15T10:00")
    assert await billed(shop) == [
        ("2023-02-01", [("subscription", 71429)]),
        ("2023-02-06", [("subscription", 100_000), ("commitment", 642_857)]),
        ("2023-02-13", [("subscription", 100_000), ("commitment", 900_000)]),
        ("2023-02-15", [("commitment", 328_571)]),
    ]


async def test_all_that_is_billed_counts(ledger: Ledger) -> None:
    """Usage in arrears and in advance, units that carry over, fixed charges; what is for the next month does not."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    summed = {"aggregation_type": "sum_agg", "field_name": "n"}
    metered, instantly = await shop.metric("metered", **summed), await shop.metric("instant", **summed)
    lasting = await shop.metric("lasting", recurring=True, **summed)
    one = {"amount": "1"}
    await shop.plan(
        amount_cents=10_000,
        minimum_commitment=commitment(),
        charges=(
            shop.charge(metered, "standard", one),
            shop.charge(instantly, "standard", one, pay_in_advance=True),
            shop.charge(lasting, "standard", one, pay_in_advance=True, invoiceable=False),
        ),
        fixed_charges=(
            shop.fixed_charge(await shop.add_on("late"), "1"),
            shop.fixed_charge(await shop.add_on("early"), "1", pay_in_advance=True),
        ),
    )
    subscription = await shop.subscribe(at="2024-02-28T10:00")
    for number, code in enumerate(("metered", "instant", "lasting"), 1):
        usage.add(code, "2024-02-28T11:00", n=10)
        await arrive(shop, usage, number)
    await advance(shop, usage, subscription, "2024-03-01")
    assert (await billed(shop))[-1] == (
        "2024-03-01",
        [
            ("subscription", 690),
            ("metered", 1000),
            ("late", 1000),
            ("early", 1000),
            ("commitment", 68966 - 690 - 5 * 1000),
        ],
    )
    await advance(shop, usage, subscription, "2024-04-01")
    assert (await billed(shop))[-1][1][-1] == ("commitment", MILLION - 10_000 - 1000 - 1000 - 1000)


async def test_events_that_are_not_priced_yet_are_waited_for(ledger: Ledger) -> None:
    """An event of the last moment has its fee a moment after the bill is due: it counts, or it would be paid twice."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await shop.metric("calls")
    charge = shop.charge(metric, "standard", {"amount": "70"}, pay_in_advance=True, invoiceable=False)
    await shop.plan(amount_cents=10_000, minimum_commitment=commitment(), charges=(charge,))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("calls", "2024-01-31T23:59")

    class Pending(LedgerFees):
        async def reach(self, watermark: int) -> None:
            assert await arrive(shop, usage, watermark) == 1

    await advance_subscription(ledger, usage, Pending(ledger), subscription.id, at=instant("2024-02-01"))
    assert await billed(shop) == [
        ("2024-02-01", [("subscription", 10_000), ("commitment", MILLION - 10_000 - 7000)]),
    ]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({}, 990_000 - 12_000),
        ({"pay_in_advance": True}, 990_000 - 12_000),
    ],
)
async def test_a_year_by_the_month_is_reconciled_when_it_closes(
    ledger: Ledger, plan: dict[str, Any], expected: int
) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    calls = await shop.metric("calls")
    await shop.plan(
        interval="yearly",
        amount_cents=10_000,
        bill_charges_monthly=True,
        minimum_commitment=commitment(),
        charges=(shop.charge(calls, "standard", {"amount": "10"}),),
        **plan,
    )
    subscription = await shop.subscribe(at="2024-01-01")
    for month in range(1, 13):
        usage.add("calls", f"2024-{month:02}-15")
    await advance(shop, usage, subscription, "2025-01-01")
    found = [(on, dict(lines)["commitment"]) for on, lines in await billed(shop) if "commitment" in dict(lines)]
    assert found == [("2025-01-01", expected)]


async def test_an_end_on_a_billing_day(ledger: Ledger) -> None:
    """Whenever the workers come: the month that has closed, and the day that was begun."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.plan(amount_cents=100_000, minimum_commitment=commitment())
    subscription = await shop.subscribe(at="2024-01-01")
    await end(shop, usage, subscription, "2024-02-01T10:00")
    assert await billed(shop) == [
        ("2024-02-01", [("subscription", 100_000), ("commitment", 900_000)]),
        ("2024-02-01", [("subscription", 3448), ("commitment", 34_483 - 3448)]),
    ]


async def test_sums_in_the_database(ledger: Ledger, database: Database) -> None:
    """The port's two adapters agree, whatever the window."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    seats = await shop.metric("seats", aggregation_type="sum_agg", field_name="n", recurring=True)
    await shop.plan(
        amount_cents=3100,
        pay_in_advance=True,
        minimum_commitment=commitment(),
        charges=(shop.charge(seats, "standard", {"amount": "1"}, pay_in_advance=True, invoiceable=False),),
    )
    subscription = await shop.subscribe(at="2024-01-10")
    other = await shop.subscribe("s2", at="2024-01-10")
    usage.add("seats", "2024-01-12", n="2.5")
    await advance(shop, usage, subscription, "2024-03-10")
    await advance(shop, usage, other, "2024-03-10")

    def window(of: Subscription, from_at: str, ends_at: str) -> CommitmentWindow:
        return CommitmentWindow(
            subscription=of,
            from_at=instant(from_at),
            to_at=instant(ends_at),
            ends_at=instant(ends_at),
            days=1,
            duration_days=1,
        )

    windows = [
        window(of, from_at, ends_at)
        for of in (subscription, other)
        for from_at, ends_at in (
            ("2024-01-01", "2024-01-31T23:59:59.999999"),
            ("2024-02-01", "2024-02-29T23:59:59.999999"),
            ("2024-01-01", "2024-12-31"),
            ("2023-01-01", "2023-12-31"),
        )
    ]
    expected = await shop.fees.totals(shop.organization.id, windows)
    assert await PostgresBilledFees(database).totals(shop.organization.id, windows) == expected
    assert [total.amount_cents for total in expected] == [2200, 3350, 8900, 0, 2200, 3100, 8400, 0]
    assert expected[0].precise_amount_cents == Decimal("2200")
