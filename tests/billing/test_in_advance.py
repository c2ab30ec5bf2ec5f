"""Charges in advance on a real ledger: every event is paid for once, by a fee of its own (metering-pricing 13, 21)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from activities.in_advance import price_arrivals
from domain.invoicing.billing import advance_subscription
from domain.invoicing.credit_note import CreditNote
from domain.invoicing.invoice import Fee, Invoice
from domain.invoicing.replay import replay_prices
from domain.invoicing.standalone_fee import StandaloneFee
from domain.kernel import ids
from domain.kernel.errors import RefusedError, UnavailableError
from domain.kernel.ledger import Ledger
from domain.metering.ports import EventPosition, Usage, UsageQuery
from domain.subscriptions.commands import terminate_subscription
from projections.usage.arrivals import ArrivedEvent
from tests.builders import MemoryUsage, Shop, arrive, instant


async def fees(shop: Shop) -> list[Fee]:
    """All fees in advance, on invoices and alone, by their event."""
    invoices = await shop.ledger.find_all(Invoice, shop.organization.id, status="finalized")
    standalone = await shop.ledger.find_all(StandaloneFee, shop.organization.id)
    found = [fee for invoice in invoices for fee in invoice.content.fees] + [one.fee for one in standalone]
    return sorted((fee for fee in found if fee.event is not None), key=lambda fee: fee.event_transaction_id or "")


@pytest.mark.parametrize("invoiceable", [True, False])
async def test_each_event_has_its_fee_and_no_second_one(ledger: Ledger, invoiceable: bool) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await shop.metric("calls")
    properties = {"amount": "10"}
    charge = shop.charge(metric, "standard", properties, pay_in_advance=True, invoiceable=invoiceable)
    await shop.plan(amount_cents=0, charges=(charge,))
    await shop.subscribe(at="2024-01-01")
    usage.add("calls", "2024-01-05")
    usage.add("calls", "2024-01-06")
    assert [await arrive(shop, usage, number) for number in (1, 2, 1, 2)] == [1, 1, 0, 0]
    assert [(fee.amount_cents, fee.units) for fee in await fees(shop)] == [(1000, Decimal(1)), (1000, Decimal(1))]
    invoices = await shop.ledger.find_all(Invoice, shop.organization.id)
    assert len(invoices) == (2 if invoiceable else 0)
    standalone = await shop.ledger.find_all(StandaloneFee, shop.organization.id)
    assert len(standalone) == (0 if invoiceable else 2)
    issued: list[Invoice | StandaloneFee] = [*invoices, *standalone]
    assert [difference for one in issued for difference in replay_prices(one)] == []


async def test_an_event_outside_of_every_subscription_costs_nothing(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await shop.metric("calls")
    await shop.plan(charges=(shop.charge(metric, "standard", {"amount": "10"}, pay_in_advance=True),))
    await shop.subscribe(at="2024-01-10")
    usage.add("calls", "2024-01-05")
    usage.add("calls", "2024-01-11", subscription="another")
    assert [await arrive(shop, usage, number) for number in (1, 2)] == [0, 0]


@pytest.mark.parametrize(
    ("values", "cents", "why"),
    [
        (("3", "1", "2"), [7, 2, 4], "the first carries the first flat amount, the third crosses into the next tier"),
        (("10", "-4", "8"), [17, 0, 4], "what went and came back is neither given back nor paid twice"),
    ],
)
async def test_graduated_sums(ledger: Ledger, values: tuple[str, ...], cents: list[int], why: str) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await shop.metric("gb", aggregation_type="sum_agg", field_name="gb")
    ranges = [
        {"from_value": 0, "to_value": 5, "per_unit_amount": "0.02", "flat_amount": "0.01"},
        {"from_value": 6, "to_value": None, "per_unit_amount": "0.01", "flat_amount": "0.01"},
    ]
    charge = shop.charge(metric, "graduated", {"graduated_ranges": ranges}, pay_in_advance=True, invoiceable=False)
    await shop.plan(charges=(charge,))
    await shop.subscribe(at="2024-01-01")
    for number, value in enumerate(values, 1):
        usage.add("gb", f"2024-01-{number + 1:02}", gb=value)
        await arrive(shop, usage, number)
    assert [fee.amount_cents for fee in await fees(shop)] == cents, why


async def test_seats_are_paid_by_the_day_and_renewed(ledger: Ledger) -> None:
    """EX3 of metering-pricing 21: 30.00 a seat and month, from the day it is taken, in full on the next billing day."""
    shop, usage = await Shop.open(ledger, at="2023-06-01"), MemoryUsage()
    details: dict[str, Any] = {"aggregation_type": "unique_count_agg", "field_name": "user", "recurring": True}
    metric = await shop.metric("seats", **details)
    charge = shop.charge(metric, "standard", {"amount": "30"}, pay_in_advance=True, invoiceable=False, prorated=True)
    await shop.plan(pay_in_advance=True, charges=(charge,))
    subscription = await shop.subscribe(at="2023-06-05")
    for number, day in enumerate(range(11, 16), 1):
        usage.add("seats", f"2023-06-{day}T10:00", user=f"u{number}")
        await arrive(shop, usage, number)
    assert [fee.amount_cents for fee in await fees(shop)] == [2000, 1900, 1800, 1700, 1600]

    await advance_subscription(ledger, usage, shop.fees, subscription.id, at=instant("2023-07-01"))
    [renewed] = [one.fee for one in await ledger.find_all(StandaloneFee, shop.organization.id) if one.fee.event is None]
    assert (renewed.units, renewed.amount_cents) == (Decimal(5), 15000)
    assert renewed.from_at == instant("2023-07-01")

    for number in (6, 7):
        usage.add("seats", "2023-07-12T10:00", user=f"u{number}")
        await arrive(shop, usage, number)
    assert [fee.amount_cents for fee in await fees(shop)][-2:] == [1936, 1936], "20 of 31 days, rounded up at 5 places"


@pytest.mark.parametrize(
    ("arrived_at", "cents", "why"),
    [
        ("2023-06-11T10:00", 2000, "it was priced after the end, by chance: to the end of the period all the same"),
        ("2023-06-20T10:00", 2000, "the end came at the same instant of a test clock"),
        ("2023-06-20T10:01", 900, "it arrived late: the period had ended with the subscription"),
    ],
)
async def test_an_end_after_the_event_does_not_change_its_fee(
    ledger: Ledger, arrived_at: str, cents: int, why: str
) -> None:
    shop, usage = await Shop.open(ledger, at="2023-06-01"), MemoryUsage()
    details: dict[str, Any] = {"aggregation_type": "unique_count_agg", "field_name": "user", "recurring": True}
    metric = await shop.metric("seats", **details)
    charge = shop.charge(metric, "standard", {"amount": "30"}, pay_in_advance=True, invoiceable=False, prorated=True)
    await shop.plan(charges=(charge,))
    subscription = await shop.subscribe(at="2023-06-01")
    usage.add("seats", "2023-06-11T10:00", user="u")
    ended_at = instant("2023-06-20T10:00")
    await terminate_subscription(
        ledger, subscription.id, on_termination_credit_note=None, on_termination_invoice=None, at=ended_at
    )
    await arrive(shop, usage, 1, at=arrived_at)
    assert [fee.amount_cents for fee in await fees(shop)] == [cents], why


async def test_many_subscriptions_that_want_one_credit_are_all_billed(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of their invoices takes from the same credit note, so of those made at one time only one is appended."""
    monkeypatch.setattr("activities.in_advance.CONFLICTS", 1)  # with five it takes some 30 subscriptions
    shop, usage, count = await Shop.open(ledger), MemoryUsage(), 5
    metric = await shop.metric("calls")
    await shop.plan(amount_cents=10_000, pay_in_advance=True)
    charge = shop.charge(metric, "standard", {"amount": "1"}, pay_in_advance=True)
    await shop.plan("metered", amount_cents=0, charges=(charge,))
    ended = await shop.subscribe("ended", at="2024-01-01")
    await advance_subscription(ledger, usage, shop.fees, ended.id, at=instant("2024-01-01"))
    await terminate_subscription(
        ledger, ended.id, on_termination_credit_note=None, on_termination_invoice=None, at=instant("2024-01-03")
    )
    await advance_subscription(ledger, usage, shop.fees, ended.id, at=instant("2024-01-03"))
    [note] = await ledger.find_all(CreditNote, shop.organization.id)
    for number in range(count):
        await shop.subscribe(f"s{number}", plan="metered", at="2024-01-04")
        usage.add("calls", "2024-01-05", subscription=f"s{number}")
    assert await price_arrivals(ledger, usage, arrived(shop, usage)) == {}
    assert [fee.amount_cents for fee in await fees(shop)] == [100] * count
    used = note.balance_amount_cents - (await ledger.load(CreditNote, note.id)).balance_amount_cents
    assert used == 100 * count


async def test_the_events_of_a_page_are_read_for_side_by_side_and_numbered_in_order(ledger: Ledger) -> None:
    """Usage is asked for once for many of them, also where they are of one subscription."""
    shop, usage = await Shop.open(ledger), Together(3)
    charge = shop.charge(await shop.metric("calls"), "standard", {"amount": "1"}, pay_in_advance=True)
    await shop.plan(amount_cents=0, charges=(charge,))
    await shop.subscribe("s1", at="2024-01-04")
    await shop.subscribe("s2", at="2024-01-04")
    for day, subscription in ((5, "s1"), (6, "s2"), (7, "s1")):
        usage.add("calls", f"2024-01-0{day}", subscription=subscription)
    async with asyncio.timeout(60):
        assert await price_arrivals(ledger, usage, arrived(shop, usage)) == {}
    invoices = await ledger.find_all(Invoice, shop.organization.id)
    days = {one.numbering and one.numbering.number[-1]: one.content.subscriptions[0].timestamp.day for one in invoices}
    assert days == {"1": 5, "2": 6, "3": 7}


async def test_an_event_that_cannot_be_priced_holds_no_other_up(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    metric = await shop.metric("gb", aggregation_type="sum_agg", field_name="gb")
    charge = shop.charge(metric, "standard", {"amount": "5"}, pay_in_advance=True)
    await shop.plan(amount_cents=0, charges=(charge,))
    await shop.subscribe(at="2024-01-04")
    for day, gb in ((5, "1"), (6, "1" + 18 * "0"), (7, "2")):
        usage.add("gb", f"2024-01-0{day}", gb=gb)
    failures = await price_arrivals(ledger, usage, arrived(shop, usage))
    assert [("AmountOutOfRange" in reason) for reason in failures.values()] == [True]
    assert sorted(fee.amount_cents for fee in await fees(shop)) == [500, 1000]


async def test_an_event_whose_usage_is_refused_holds_no_other_up(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), Refusing({"s1"})
    charge = shop.charge(await shop.metric("calls"), "standard", {"amount": "1"}, pay_in_advance=True)
    await shop.plan(amount_cents=0, charges=(charge,))
    for subscription in ("s1", "s2"):
        await shop.subscribe(subscription, at="2024-01-04")
        usage.add("calls", "2024-01-05", subscription=subscription)
    failures = await price_arrivals(ledger, usage, arrived(shop, usage))
    assert failures == {ids.of("event", 1): "RefusedError: service_unavailable: usage"}
    assert [fee.external_subscription_id for fee in await fees(shop)] == ["s2"]
    usage.refused.clear()
    assert await price_arrivals(ledger, usage, arrived(shop, usage)) == {}
    assert [fee.external_subscription_id for fee in await fees(shop)] == ["s1", "s2"]


async def test_where_everything_is_refused_no_event_is_given_up(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), Refusing({"s1", ""})
    charge = shop.charge(await shop.metric("calls"), "standard", {"amount": "1"}, pay_in_advance=True)
    await shop.plan(amount_cents=0, charges=(charge,))
    await shop.subscribe(at="2024-01-04")
    usage.add("calls", "2024-01-05")
    with pytest.raises(UnavailableError):
        await price_arrivals(ledger, usage, arrived(shop, usage))


class Refusing(MemoryUsage):
    """Does not answer what is asked of some subscriptions, "" for none."""

    def __init__(self, refused: set[str]) -> None:
        super().__init__()
        self.refused = refused

    async def aggregate(self, queries: Sequence[UsageQuery], watermark: int) -> list[tuple[Usage, ...]]:
        if any(query.external_subscription_id in self.refused for query in queries):
            raise RefusedError("usage")
        return await super().aggregate(queries, watermark)


class Together(MemoryUsage):
    """Answers only when this many ask at one time."""

    def __init__(self, askers: int) -> None:
        super().__init__()
        self._barrier = asyncio.Barrier(askers)

    async def aggregate(self, queries: Sequence[UsageQuery], watermark: int) -> list[tuple[Usage, ...]]:
        await self._barrier.wait()
        return await super().aggregate(queries, watermark)


def arrived(shop: Shop, usage: MemoryUsage) -> list[ArrivedEvent]:
    return [
        ArrivedEvent(
            organization_id=shop.organization.id,
            event_id=ids.of("event", event.sequence),
            event=event,
            position=EventPosition(timestamp=event.timestamp, sequence=event.sequence, index=0),
            received_at=event.timestamp,
        )
        for event in usage.events
    ]
