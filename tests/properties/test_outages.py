"""Whatever happens to a subscription, it is billed the same by workers that are there, that come months later, or that
crowd around it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.catalog.plan import MinimumCommitment, Plan
from domain.invoicing.billing import advance_subscription
from domain.invoicing.billing_case import look_up
from domain.invoicing.credit_note import CreditNote
from domain.invoicing.invoice import Fee, Invoice, InvoiceSubscription
from domain.invoicing.replay import replay_credit_note, replay_prices, replay_usage
from domain.kernel import ids
from domain.kernel.errors import ConflictError
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription, update_subscription
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop, instant

START = instant("2024-01-01T09:17:05.300")
"""So that no step falls on the very instant of a bill, where who comes first decides."""
ZONES = ("UTC", "America/Los_Angeles", "Asia/Kolkata", "Europe/Paris", "Pacific/Apia")
RANGES = (
    {"from_value": 0, "to_value": 5, "per_unit_amount": "3", "flat_amount": "1"},
    {"from_value": 6, "to_value": None, "per_unit_amount": "2", "flat_amount": "0.5"},
)
Workers = Literal["present", "away", "crowded"]
Kind = Literal["use", "units", "plan units", "change", "end", "limit"]
Step = tuple[Kind, timedelta, int]
"""What is done, how long after the step before, and a number that chooses among what there is."""

fixed_charges = st.fixed_dictionaries(
    {
        "add_on": st.integers(0, 1),
        "units": st.integers(3, 12).map(str),
        "graduated": st.booleans(),
        "pay_in_advance": st.sampled_from((True, False)),
        "prorated": st.booleans(),
    }
).filter(lambda one: not (one["graduated"] and one["pay_in_advance"] and one["prorated"]))
plans = st.fixed_dictionaries(
    {
        "amount_cents": st.sampled_from((3100, 100, 9999, 31000, 0)),
        "interval": st.sampled_from(("monthly", "weekly", "quarterly", "semiannual", "yearly")),
        "pay_in_advance": st.sampled_from((True, False)),
        "trial_period": st.sampled_from(("0", "0", "3.5", "10", "40")).map(Decimal),
        "bill_charges_monthly": st.booleans(),
        "bill_fixed_charges_monthly": st.booleans(),
        "has_usage": st.sampled_from((True, False)),
        "committed_cents": st.sampled_from((0, 0, 5000, 60000)),
        "fixed_charges": st.lists(fixed_charges, min_size=1, max_size=3),
    }
)
gaps = st.one_of(
    st.integers(0, 60).map(lambda hours: timedelta(days=20, hours=hours)),
    st.integers(1, 10**5).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(1, 40).map(lambda days: timedelta(days=days)),
)
kinds = st.sampled_from(("use", "use", "units", "units", "plan units", "change", "change", "change", "end", "limit"))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    terms=st.lists(plans, min_size=2, max_size=4),
    steps=st.lists(st.tuples(kinds, gaps, st.integers(0, 10**4)), min_size=4, max_size=10),
    rest=st.integers(10, 100).map(lambda days: timedelta(days=days)),
    others=st.sampled_from(("away", "away", "crowded")),
)
async def test_a_life_is_billed_the_same_whenever_the_workers_come(
    ledger: Ledger, zone: str, terms: list[dict[str, Any]], steps: Sequence[Step], rest: timedelta, others: Workers
) -> None:
    billed = []
    for workers in ("present", others):
        story = await Story.begin(ledger, zone, terms, workers)
        for kind, after, number in (("change", timedelta(0), 0), *steps):
            await story.do(kind, after, number)
        await story.end(rest)
        billed.append(await story.billed())
    assert billed[0] == billed[1]


@dataclass(slots=True)
class Story:
    """A customer with one external id."""

    shop: Shop
    workers: Workers
    now: datetime = START
    usage: MemoryUsage = field(default_factory=MemoryUsage)
    plans: list[Plan] = field(default_factory=list)

    @classmethod
    async def begin(cls, ledger: Ledger, zone: str, terms: Sequence[dict[str, Any]], workers: Workers) -> Story:
        story = cls(await Shop.open(ledger), workers)
        await story.shop.customer(timezone=zone)
        calls = await story.shop.metric("calls")
        add_ons = [await story.shop.add_on(code) for code in ("seat", "desk")]
        for number, plan in enumerate(terms):
            own = dict(plan)
            has_usage, committed = own.pop("has_usage"), own.pop("committed_cents")
            story.plans.append(
                await story.shop.plan(
                    f"plan {number}",
                    **{**own, "fixed_charges": tuple(story._fixed_charges(add_ons, own["fixed_charges"]))},
                    charges=(story.shop.charge(calls, "standard", {"amount": "0.07"}),) if has_usage else (),
                    minimum_commitment=MinimumCommitment(id=ids.new(), amount_cents=committed, created_at=START)
                    if committed
                    else None,
                )
            )
        return story

    def _fixed_charges(self, add_ons: Sequence[Any], terms: Sequence[dict[str, Any]]) -> Any:
        graduated: dict[str, Any] = {"charge_model": "graduated", "properties": {"graduated_ranges": RANGES}}
        for number, one in enumerate(terms):
            yield self.shop.fixed_charge(
                add_ons[one["add_on"]],
                one["units"],
                code=f"fixed {number}",
                pay_in_advance=one["pay_in_advance"],
                prorated=one["prorated"],
                **(graduated if one["graduated"] else {}),
            )

    async def do(self, kind: Kind, after: timedelta, number: int) -> None:
        self.now += after
        if self.workers != "away" or kind == "end" or await self._must_be_there():
            await self._work()
        active = next((one for one in await self._line() if one.status == "active"), None)
        match kind:
            case "use":
                self.usage.add("calls", self.now.isoformat())
            case "change":
                plan = self.plans[number % len(self.plans)].details.code
                billing_time = ("calendar", "anniversary")[number // 11 % 2]
                await self.shop.subscribe(at=self.now.isoformat(), plan=plan, billing_time=billing_time)
            case "plan units":
                await self._change_units(self.plans[number % len(self.plans)].id, number)
            case "units" if active is not None:
                plan_of = await self.shop.ledger.load(Plan, active.plan_id)
                for one in plan_of.details.fixed_charges[number % 3 :][:1]:
                    active.set_fixed_charge_units(
                        one.root_id, Decimal(number // 7 % 20), immediately=number % 2 > 0, at=self.now
                    )
                await self.shop.ledger.append(active)
            case "end" if active is not None:
                await terminate_subscription(
                    self.shop.ledger,
                    active.id,
                    on_termination_credit_note=None if number % 3 else "skip",
                    on_termination_invoice=None if number % 5 else "skip",
                    at=self.now,
                )
            case "limit" if active is not None:
                ending_at = self.now + timedelta(days=1 + number % 50)
                await update_subscription(
                    self.shop.ledger,
                    self.shop.organization,
                    active.id,
                    lambda details: replace(details, ending_at=ending_at),
                    at=self.now,
                )
        if self.workers != "away":
            await self._work()

    async def _change_units(self, plan_id: UUID, number: int) -> None:
        plan = await self.shop.ledger.load(Plan, plan_id)
        details = plan.details
        for one in details.fixed_charges[number % 3 :][:1]:
            units = Decimal(number // 7 % 20)
            details = details.with_fixed_charge(one.with_units(units, immediately=number % 2 > 0, at=self.now))
        plan.update(details, at=self.now)
        await self.shop.ledger.append(plan)

    async def end(self, rest: timedelta) -> None:
        self.now += rest
        if self.workers == "away":
            for subscription in await self._line():
                await self._advance(subscription, self.now)
        await self._work()

    async def _line(self) -> list[Subscription]:
        found = await self.shop.ledger.find_all(Subscription, self.shop.organization.id)
        return sorted(found, key=lambda one: (one.created_on, one.id))

    async def _must_be_there(self) -> bool:
        """A command is about what the last switch has left; while none is at hand, it does not wait for workers."""
        soon = self.now + timedelta(days=1)
        return any(
            one.status == "pending"
            or (one.status == "active" and one.details.ending_at is not None and one.details.ending_at <= soon)
            for one in await self._line()
        )

    async def _work(self) -> None:
        """All that is due, instant by instant."""
        while True:
            line = await self._line()
            dues = [(await look_up(self.shop.ledger, one))[1].due for one in line]
            due_at = min((due.at for due in dues if due is not None), default=None)
            if due_at is None or due_at > self.now:
                return
            if self.workers == "crowded":
                await asyncio.gather(*(self._advance(one, due_at) for one in (*line, *reversed(line))))
            else:
                for one in line:
                    await self._advance(one, due_at)

    async def _advance(self, subscription: Subscription, at: datetime) -> None:
        for _ in range(50):
            try:
                await advance_subscription(self.shop.ledger, self.usage, self.shop.fees, subscription.id, at=at)
                return
            except ConflictError:
                continue
        raise AssertionError("never got through")

    async def billed(self) -> tuple[list[Any], list[Any]]:
        """Invoices and credit notes without the ids of this telling; all are as they are when computed again."""
        ledger, organization_id = self.shop.ledger, self.shop.organization.id
        names: dict[UUID, str] = {one.id: f"{number}" for number, one in enumerate(await self._line())}
        names |= {plan.id: plan.details.code for plan in self.plans}
        invoices = await ledger.find_all(Invoice, organization_id)
        notes = await ledger.find_all(CreditNote, organization_id)
        assert [difference for one in invoices for difference in replay_prices(one)] == []
        assert await replay_usage(self.usage, invoices) == []
        for note in notes:
            assert list(replay_credit_note(note, await ledger.load(Invoice, note.invoice_id))) == []
        return (
            sorted(
                (
                    str(one.created_on),
                    [_row(row, names) for row in one.content.subscriptions],
                    [_line_of(fee, names) for fee in one.content.fees],
                    str(one.content.totals),
                )
                for one in invoices
            ),
            sorted((str(note.created_on), str(note.content.given_back), note.balance_amount_cents) for note in notes),
        )


def _row(row: InvoiceSubscription, names: dict[UUID, str]) -> str:
    return f"{replace(row, subscription_id=ids.of(names[row.subscription_id]), plan_id=ids.of(names[row.plan_id]))}"


def _line_of(fee: Fee, names: dict[UUID, str]) -> str:
    assert fee.subscription_id is not None
    figures = (fee.units, fee.amount_cents, fee.precise_amount_cents, fee.taxes_amount_cents, fee.from_at, fee.to_at)
    return f"{names[fee.subscription_id]} {fee.fee_type} {fee.item.code} {figures}"
