"""Whatever is overridden, and when: a subscription costs what it would on a plan of these terms, its alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.catalog.commands import update_plan
from domain.catalog.plan import MinimumCommitment, PlanDetails
from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices, replay_usage
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import update_subscription
from domain.subscriptions.overrides import Overrides, OwnTerms, SetUnits
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop

START = datetime(2024, 1, 10, 12, tzinfo=UTC)
END = datetime(2024, 5, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Terms:
    """What is changed; None leaves it alone."""

    amount_cents: int | None = None
    usage_price: int | None = None
    fixed_price: int | None = None
    least_cents: int | None = None
    units: Decimal | None = None
    immediately: bool = False

    def on(self, plan: PlanDetails) -> PlanDetails:
        """The plan with these prices; units apart."""
        [charge], [fixed_charge] = plan.charges, plan.fixed_charges
        if self.amount_cents is not None:
            plan = replace(plan, amount_cents=self.amount_cents)
        if self.usage_price is not None:
            plan = plan.with_charge(replace(charge, properties={"amount": str(self.usage_price)}))
        if self.fixed_price is not None:
            plan = plan.with_fixed_charge(replace(fixed_charge, properties={"amount": str(self.fixed_price)}))
        if self.least_cents is not None:
            least = MinimumCommitment(id=ids.new(), amount_cents=self.least_cents, created_at=START)
            plan = replace(plan, minimum_commitment=least)
        return plan

    def whole(self, plan: PlanDetails, at: datetime) -> PlanDetails:
        plan = self.on(plan)
        if self.units is None:
            return plan
        [fixed_charge] = plan.fixed_charges
        return plan.with_fixed_charge(fixed_charge.with_units(self.units, immediately=self.immediately, at=at))

    @property
    def overrides(self) -> Overrides:
        def of(before: PlanDetails) -> OwnTerms:
            [fixed_charge] = before.fixed_charges
            asked = [] if self.units is None else [self.units]
            return OwnTerms(
                details=None if self.on(before) == before else self.on(before),
                units=tuple(
                    SetUnits(fixed_charge_id=fixed_charge.root_id, units=units, immediately=self.immediately)
                    for units in asked
                ),
            )

        return of


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[datetime, Terms]]:
    """What is overridden at the start and later, in the order of time; units are never what they were."""
    days = sorted(draw(st.sets(st.integers(1, 100), max_size=3)))
    numbers = draw(st.lists(st.integers(0, 20).filter(lambda n: n != 10), min_size=4, max_size=4, unique=True))
    prices = st.none() | st.integers(0, 50)
    return [
        (
            START + timedelta(days=day, minutes=7),
            Terms(
                amount_cents=draw(st.none() | st.integers(0, 9999)),
                usage_price=draw(prices),
                fixed_price=draw(prices),
                least_cents=draw(st.none() | st.integers(1, 99999)),
                units=draw(st.sampled_from([None, Decimal(number)])),
                immediately=draw(st.booleans()),
            ),
        )
        for day, number in zip([0, *days], numbers, strict=False)
    ]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=histories(),
    pay_in_advance=st.booleans(),
    fixed_in_advance=st.booleans(),
    prorated=st.booleans(),
    events=st.lists(st.integers(0, 110), max_size=6),
    own_from_the_start=st.booleans(),
)
async def test_own_terms_cost_what_they_would_in_a_plan(
    ledger: Ledger,
    changes: Sequence[tuple[datetime, Terms]],
    pay_in_advance: bool,
    fixed_in_advance: bool,
    prorated: bool,
    events: list[int],
    own_from_the_start: bool,
) -> None:
    """Two subscriptions: terms are overridden for one of them, for the other one they are the plan's."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    calls, seats = await shop.metric("calls"), await shop.add_on("seats")
    for code in ("shared", "alone"):
        fixed_charge = shop.fixed_charge(seats, "10", pay_in_advance=fixed_in_advance, prorated=prorated)
        charge = shop.charge(calls, "standard", {"amount": "1"})
        await shop.plan(code, pay_in_advance=pay_in_advance, charges=(charge,), fixed_charges=(fixed_charge,))
    for day in events:
        for subscription in ("s1", "s2"):
            usage.add("calls", (START + timedelta(days=day)).isoformat(), subscription)

    async def change_plan(at: datetime, terms: Terms) -> None:
        await update_plan(ledger, shop.organization.id, "alone", lambda before: terms.whole(before, at), at=at)

    async def advance(subscription: Subscription, at: datetime) -> None:
        await advance_subscription(ledger, usage, shop.fees, subscription.id, at=at)

    (_, first), *later = changes if own_from_the_start else [(START, Terms()), *changes[1:]]
    await change_plan(START, first)
    start = START.isoformat()
    mine = await shop.subscribe("s1", at=start, customer="c1", plan="shared", overrides=first.overrides)
    other = await shop.subscribe("s2", at=start, customer="c2", plan="alone")
    for at, terms in later:
        for one in (mine, other):
            await advance(one, at)
        await change_plan(at, terms)
        mine = await update_subscription(
            ledger, shop.organization, mine.id, lambda before: before, overrides=terms.overrides, at=at
        )
    for one in (mine, other):
        await advance(one, END)
    found = await ledger.find_all(Invoice, shop.organization.id)
    assert _of(found, mine) == _of(found, other)
    assert _of(found, mine)
    assert [difference for invoice in found for difference in replay_prices(invoice)] == []
    assert await replay_usage(usage, found) == []


def _of(invoices: Sequence[Invoice], subscription: Subscription) -> list[tuple[object, ...]]:
    """What its invoices say, but for the plan's code and ids."""
    return sorted(
        (
            invoice.created_on,
            str(invoice.content.issuing_date),
            invoice.content.totals.total_amount_cents,
            [
                (fee.fee_type, fee.units, fee.precise_amount_cents, fee.from_at, fee.to_at)
                for fee in invoice.content.fees
            ],
        )
        for invoice in invoices
        if invoice.customer_id == subscription.customer_id
    )
