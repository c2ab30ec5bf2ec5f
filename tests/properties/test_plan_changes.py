"""Whatever the day of a change of plan: no day and no event is billed twice, and none is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.invoicing.billing import advance_subscription
from domain.invoicing.invoice import Fee, Invoice
from domain.invoicing.replay import replay_prices, replay_usage
from domain.kernel.ledger import Ledger
from domain.kernel.zones import local_date
from domain.metering.usage_event import UsageEvent
from domain.subscriptions.billing_dates import billing_instant, downgrade_day, next_billing_day
from domain.subscriptions.due import lifetime_of, schedule_of
from domain.subscriptions.intervals import BillingTime, Interval
from domain.subscriptions.proration import unused_days
from domain.subscriptions.subscription import Subscription
from tests.builders import MemoryUsage, Shop

ZONES = ("UTC", "America/New_York", "Asia/Kolkata", "Europe/Paris", "Pacific/Chatham", "Pacific/Niue")
HORIZON = timedelta(days=200)
"""From the change on: what is left of a quarter, and one more."""

intervals = st.sampled_from(("weekly", "monthly", "quarterly"))
nearby = st.sampled_from([timedelta(microseconds=offset) for offset in (-1001, -1000, -1, 0, 1, 999, 1000)])


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    zone=st.sampled_from(ZONES),
    billing_time=st.sampled_from(("calendar", "anniversary")),
    of=st.tuples(intervals, intervals),
    in_advance=st.tuples(st.booleans(), st.booleans()),
    upgrades=st.booleans(),
    started_at=st.timedeltas(timedelta(0), timedelta(days=366)).map(
        lambda since: datetime(2024, 1, 1, tzinfo=UTC) + since
    ),
    later=st.timedeltas(timedelta(milliseconds=2), timedelta(days=130)),
    on_billing_day=st.none() | st.sampled_from([timedelta(0), timedelta(microseconds=300_000), timedelta(hours=10)]),
    events=st.lists(st.one_of(nearby, st.timedeltas(timedelta(days=-100), timedelta(days=100))), max_size=8),
    on_time=st.booleans(),
)
async def test_days_and_events_are_billed_once(
    ledger: Ledger,
    zone: str,
    billing_time: BillingTime,
    of: tuple[Interval, Interval],
    in_advance: tuple[bool, bool],
    upgrades: bool,
    started_at: datetime,
    later: timedelta,
    on_billing_day: timedelta | None,
    events: list[timedelta],
    on_time: bool,
) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await shop.customer(timezone=zone)
    charge = shop.charge(await shop.metric("calls"), "standard", {"amount": "1"})
    plans = [
        await shop.plan(code, interval=interval, amount_cents=amount, pay_in_advance=advance, charges=(charge,))
        for code, interval, advance, amount in zip(
            ("old", "new"), of, in_advance, (10**6, 10**9 if upgrades else 1000), strict=True
        )
    ]
    old = await shop.subscribe(at=started_at.isoformat(), plan="old", billing_time=billing_time)
    schedule, changed_at = schedule_of(old, plans[0], zone), started_at + later
    if on_billing_day is not None:
        changed_at = (
            billing_instant(schedule, next_billing_day(schedule, local_date(changed_at, zone))) + on_billing_day
        )
    switches_at = changed_at if upgrades else billing_instant(schedule, downgrade_day(schedule, changed_at))
    happened = sorted(at for offset in events if started_at <= (at := switches_at + offset))
    usage.events = [
        UsageEvent(
            transaction_id=str(number),
            code="calls",
            external_subscription_id="s1",
            timestamp=at,
            sequence=number,
            properties={},
        )
        for number, at in enumerate(happened, start=1)
    ]
    if on_time:
        await advance_subscription(ledger, usage, shop.fees, old.id, at=changed_at)
    await shop.subscribe(at=changed_at.isoformat(), plan="new")
    line = await ledger.find_all(Subscription, shop.organization.id, external_id="s1")
    for subscription in line:
        await advance_subscription(ledger, usage, shop.fees, subscription.id, at=changed_at + HORIZON)

    invoices = await ledger.find_all(Invoice, shop.organization.id, customer_id=str(old.customer_id))
    fees = [fee for invoice in invoices for fee in invoice.content.fees]
    plan_fees = [fee for fee in fees if fee.fee_type == "subscription"]
    old = await ledger.load(Subscription, old.id)
    given_back = 0
    if upgrades and in_advance[0]:
        given_back = unused_days(schedule, lifetime_of(old), trial_end=None)
    covered_to = max(local_date(fee.to_at, zone) for fee in plan_fees if fee.subscription_id != old.id and fee.to_at)
    assert sum(map(days_of, plan_fees)) - given_back == (covered_to - local_date(started_at, zone)).days + 1

    billed_to = max(
        row.charges_to_at for invoice in invoices for row in invoice.content.subscriptions if row.charges_to_at
    )
    calls = sum(fee.units for fee in fees if fee.fee_type == "charge")
    assert calls == sum(at <= billed_to for at in happened)
    assert [difference for invoice in invoices for difference in replay_prices(invoice)] == []
    assert await replay_usage(usage, invoices) == []


def days_of(fee: Fee) -> int:
    """How many days of the plan a fee bills."""
    assert fee.proration is not None
    days = fee.precise_amount_cents * fee.proration.boundaries.duration / fee.proration.plan_amount_cents
    assert abs(days - round(days)) < Decimal("1e-9"), fee
    return round(days)
