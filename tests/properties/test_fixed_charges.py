"""Laws of fixed charges and minimum commitments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.zones import end_of_day, local_date, start_of_day
from domain.pricing.commitment import CommitmentInputs, price_commitment
from domain.pricing.fixed_charge import UnexpiredFee, less_unexpired, price_change, price_window
from domain.subscriptions.fixed_charge_units import UnitsEvent, full_units, in_window, prorated_units

ZONES = ("UTC", "Europe/Paris", "America/Los_Angeles", "Pacific/Apia")
FIRST = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 31
units = st.decimals(min_value=0, max_value=1000, places=2)
offsets = st.integers(min_value=-40 * 1440, max_value=(DAYS - 1) * 1440)


@st.composite
def histories(draw: st.DrawFn) -> list[UnitsEvent]:
    """Decisions in the order of their making; each takes effect at once or on the day after the window's end."""
    decided = sorted(draw(st.lists(offsets, min_size=1, max_size=8)))
    events = []
    for minutes in decided:
        at, immediately = FIRST + timedelta(minutes=minutes), draw(st.booleans())
        effective_at = at if immediately else FIRST + timedelta(days=DAYS if minutes >= 0 else 0)
        events.append(UnitsEvent(units=draw(units), decided_at=at, effective_at=effective_at, immediately=immediately))
    return events


@given(histories(), st.sampled_from(ZONES))
def test_a_share_of_units_lies_between_the_least_and_the_most(events: Sequence[UnitsEvent], zone: str) -> None:
    day = local_date(FIRST, "UTC")
    from_at, to_at = start_of_day(day, zone), end_of_day(day + timedelta(days=DAYS - 1), zone)
    counted = in_window(events, from_at, to_at)
    weighted = prorated_units(counted, from_at, to_at, duration_days=DAYS, timezone=zone)
    most = max((event.units for event in counted), default=Decimal(0))
    assert 0 <= weighted <= most + Decimal("0.00001")
    if counted and min(event.effective_at for event in counted) <= from_at:
        assert weighted >= min(event.units for event in counted) - Decimal("0.00001")


@given(histories(), st.integers(1, DAYS - 1), st.sampled_from(ZONES))
def test_a_window_cut_in_two_has_the_same_share(events: Sequence[UnitsEvent], cut: int, zone: str) -> None:
    """As a change of plan cuts it: no day is lost, and none counts twice.

    A decision of a later day is one of the later part alone, so that those scheduled for the end stay aside.
    """
    day = local_date(FIRST, "UTC")
    events = [event for event in events if event.immediately]
    from_at, to_at = start_of_day(day, zone), end_of_day(day + timedelta(days=DAYS - 1), zone)
    middle = day + timedelta(days=cut)
    parts = [(from_at, end_of_day(middle - timedelta(days=1), zone)), (start_of_day(middle, zone), to_at)]
    whole, *shares = (
        prorated_units(in_window(events, *window), *window, duration_days=DAYS, timezone=zone)
        for window in [(from_at, to_at), *parts]
    )
    assert abs(whole - sum(shares)) < Decimal("0.00002")


@given(st.lists(units, min_size=1, max_size=10))
def test_changes_in_advance_come_to_the_most_units_there_were(log: Sequence[Decimal]) -> None:
    """Every change bills what is beyond all that is paid, so the period costs its peak, whatever came between."""
    price = {"amount": "10"}
    billed = log[0]
    cents = price_window("standard", price, units=log[0], prorated_units=None, currency="EUR").amount_cents
    for now in log[1:]:
        fee = price_change(
            "standard", price, units=now, billed_units=billed, days_left=None, duration_days=DAYS, currency="EUR"
        )
        billed += fee.units
        cents += fee.amount_cents
    assert billed == max(log)
    assert cents == max(log) * 1000


@given(units, st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 31), st.integers(31, 31)), max_size=3))
def test_what_is_paid_already_never_turns_a_fee_negative(priced: Decimal, paid: Sequence[tuple[int, int, int]]) -> None:
    fee = price_window("standard", {"amount": "10"}, units=priced, prorated_units=None, currency="EUR")
    unexpired = [UnexpiredFee(amount_cents=cents, days_left=left, days=days) for cents, left, days in paid]
    less = less_unexpired(fee, unexpired, "EUR")
    assert 0 <= less.amount_cents <= fee.amount_cents
    assert fee.amount_cents - less.amount_cents <= sum(one.amount_cents for one in unexpired)
    assert abs(less.precise_amount_cents - less.amount_cents) < 1


@given(
    st.integers(1, 10**9),
    st.integers(0, 366),
    st.integers(365, 366),
    st.decimals(min_value=0, max_value=10**9, places=6),
)
def test_a_period_costs_its_fees_or_its_commitment(amount: int, days: int, duration: int, fees: Decimal) -> None:
    cents = int(fees.to_integral_value())
    inputs = CommitmentInputs(
        amount_cents=amount,
        days=min(days, duration),
        duration_days=duration,
        fees_cents=cents,
        fees_precise_cents=fees,
    )
    missing = price_commitment(inputs, "EUR")
    owed = Decimal(amount) * min(days, duration) / duration
    total = cents + (0 if missing is None else missing.amount_cents)
    assert total >= cents
    assert abs(total - max(owed, Decimal(cents))) <= Decimal("0.5")


@given(histories())
def test_the_last_decision_in_force_counts(events: Sequence[UnitsEvent]) -> None:
    to_at = FIRST + timedelta(days=DAYS) - timedelta(microseconds=1)
    known = [event for event in events if event.effective_at < to_at]
    if known:
        latest = sorted(known, key=lambda event: event.decided_at)[-1]  # of those of one instant the last
        assert full_units(in_window(events, FIRST, to_at)) == latest.units
