"""Units of fixed charges, however they change and however late that is billed, against a model told day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.catalog.fixed_charge import FixedCharge
from domain.catalog.plan import Plan
from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Fee, Invoice
from domain.invoicing.replay import replay_prices
from domain.kernel.ledger import Ledger
from domain.kernel.zones import DAY, end_of_day, local_date, start_of_day
from domain.subscriptions.billing_dates import billing_instant, next_billing_day, period_of
from domain.subscriptions.due import schedule_of
from domain.subscriptions.intervals import BillingTime, Interval
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop, instant

START = instant("2024-01-01T00:00:00.007")
"""So that nothing is decided at the very instant of a bill, where who comes first decides."""
PRICE = 1000
"""Minor units for a unit."""
ZONES = ("UTC", "America/Los_Angeles", "Asia/Kolkata", "Pacific/Chatham")
KINDS = {"ahead": (True, False), "ahead_days": (True, True), "behind": (False, False), "behind_days": (False, True)}
"""Code -> whether it is paid in advance, and prorated."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`units` from `at` on, or from the next period on; for the one subscription or by its plan."""

    at: datetime
    units: int
    immediately: bool
    own: bool


decisions = st.lists(
    st.tuples(
        st.one_of(
            st.integers(1, 10**5).map(lambda seconds: timedelta(seconds=seconds)),
            st.integers(1, 40).map(lambda days: timedelta(days=days)),
        ),
        st.integers(0, 9),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    interval=st.sampled_from(("weekly", "monthly", "quarterly")),
    billing_time=st.sampled_from(("calendar", "anniversary")),
    plan_in_advance=st.booleans(),
    started_after=st.integers(0, 120 * 86400).map(lambda seconds: timedelta(seconds=seconds)),
    steps=decisions,
    on_time=st.booleans(),
)
async def test_every_period_bills_the_units_it_had(
    ledger: Ledger,
    zone: str,
    interval: Interval,
    billing_time: BillingTime,
    plan_in_advance: bool,
    started_after: timedelta,
    steps: Sequence[tuple[timedelta, int, bool, bool]],
    on_time: bool,
) -> None:
    shop, now = await Shop.open(ledger), START + started_after
    await shop.customer(timezone=zone)
    charges = [
        shop.fixed_charge(await shop.add_on(code), "5", pay_in_advance=ahead, prorated=prorated)
        for code, (ahead, prorated) in KINDS.items()
    ]
    terms: dict[str, Any] = {"interval": interval, "amount_cents": 0, "pay_in_advance": plan_in_advance}
    plan = await shop.plan(fixed_charges=tuple(charges), **terms)
    subscription = await shop.subscribe(at=now.isoformat(), billing_time=billing_time)
    started_at = now
    log = [Decision(now, 5, immediately=False, own=False)]
    for after, units, immediately, own in steps:
        now += after
        if on_time:
            await advance_subscription(ledger, MemoryUsage(), shop.fees, subscription.id, at=now)
        decision = Decision(now, units, immediately, own)
        log += await decide(shop, plan, subscription, decision, log)
    schedule = schedule_of(subscription, plan, zone)
    last = billing_instant(schedule, next_billing_day(schedule, local_date(now, zone)))
    await advance_subscription(ledger, MemoryUsage(), shop.fees, subscription.id, at=last)

    invoices = await ledger.find_all(Invoice, shop.organization.id)
    assert [difference for invoice in invoices for difference in replay_prices(invoice)] == []
    found: dict[tuple[str, date], list[Fee]] = {}
    for fee in (fee for invoice in invoices for fee in invoice.content.fees if fee.fee_type == "fixed_charge"):
        assert fee.from_at is not None
        found.setdefault((fee.item.code, local_date(fee.from_at, zone)), []).append(fee)
    day = local_date(started_at, zone)
    while start_of_day(day, zone) <= last:
        period = period_of(schedule, day)
        window = Window(
            from_at=max(start_of_day(day, zone), started_at),
            to_at=end_of_day(period.last, zone),
            days=period.days,
            zone=zone,
            is_over=start_of_day(period.last + DAY, zone) <= last,
        )
        for code, (ahead, prorated) in KINDS.items():
            expected = owed(window, log, ahead=ahead, prorated=prorated)
            billed = sum(fee.amount_cents for fee in found.pop((code, day), []))
            assert billed == expected, (code, day)
        day = period.last + DAY
    assert found == {}


async def decide(
    shop: Shop, plan: Plan, subscription: Subscription, decision: Decision, log: Sequence[Decision]
) -> list[Decision]:
    """Let the plan or the subscription change the units of all charges; answer what of that counts for it."""
    if decision.own:
        own = await shop.ledger.load(Subscription, subscription.id)
        for fixed_charge in plan.details.fixed_charges:
            own.set_fixed_charge_units(
                fixed_charge.id, Decimal(decision.units), immediately=decision.immediately, at=decision.at
            )
        await shop.ledger.append(own)
        return [decision]
    plan = await shop.ledger.load(Plan, plan.id)
    before = plan.details.fixed_charges
    after = tuple(_changed(one, decision) for one in before)
    plan.update(replace(plan.details, fixed_charges=after), at=decision.at)
    await shop.ledger.append(plan)
    counts = after != before and not any(one.own for one in log)
    return [decision] if counts else []


def _changed(fixed_charge: FixedCharge, decision: Decision) -> FixedCharge:
    return fixed_charge.with_units(Decimal(decision.units), immediately=decision.immediately, at=decision.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A period of the subscription from its start on; `days` are those of the whole period."""

    from_at: datetime
    to_at: datetime
    days: int
    zone: str
    is_over: bool


def owed(window: Window, log: Sequence[Decision], *, ahead: bool, prorated: bool) -> int:
    """Minor units for a window: whatever was decided last before it began, and what changed at once within it."""
    units = [one for one in log if one.at <= window.from_at][-1].units
    changes = [one for one in log if one.immediately and window.from_at < one.at <= window.to_at]
    first, end = local_date(window.from_at, window.zone), local_date(window.to_at, window.zone) + DAY
    share = Decimal((end - first).days) / window.days if prorated else Decimal(1)
    if ahead:
        cents, paid = cents_of(units * share), units
        for change in changes:
            more = max(change.units - paid, 0)
            left = Decimal((end - local_date(change.at, window.zone)).days) / window.days if prorated else Decimal(1)
            cents += rounded(more * left * PRICE)
            paid += more
        return cents
    if not window.is_over:
        return 0
    if not prorated:
        return [units, *(change.units for change in changes)][-1] * PRICE
    held = [(first, units), *((local_date(change.at, window.zone), change.units) for change in changes), (end, 0)]
    weights = [
        (Decimal(count) * (until - since).days / window.days).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        for (since, count), (until, _) in pairwise(held)
    ]
    return rounded(sum(weights, Decimal(0)) * PRICE)


def cents_of(units: Decimal) -> int:
    """Of units that count for a part of the period, 6 decimals."""
    return rounded(units.quantize(Decimal("0.000001"), ROUND_HALF_UP) * PRICE)


def rounded(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))
