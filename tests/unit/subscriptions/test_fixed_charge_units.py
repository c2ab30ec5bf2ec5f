"""Units of fixed charges over time. Figures: metering-pricing W2 to W4."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest

from domain.catalog.fixed_charge import FixedCharge, UnitsChange
from domain.kernel import ids
from domain.kernel.zones import end_of_day, local_date
from domain.subscriptions.billing_dates import Schedule
from domain.subscriptions.fixed_charge_units import UnitsEvent, full_units, in_window, prorated_units, units_events
from domain.subscriptions.subscription import Subscription, SubscriptionDetails
from tests.builders import instant

Log = list[tuple[str, str, str]]
"""Units, decided on, effective on; in the order of the decisions."""


def events(log: Log) -> tuple[UnitsEvent, ...]:
    return tuple(
        UnitsEvent(
            units=Decimal(units),
            decided_at=instant(decided),
            effective_at=instant(effective),
            immediately=decided == effective,
        )
        for units, decided, effective in log
    )


def last_of(day: str, zone: str = "UTC") -> datetime:
    return end_of_day(local_date(instant(day), "UTC"), zone)


@pytest.mark.parametrize(
    ("log", "window", "duration", "weighted", "full", "why"),
    [
        ([("2", "01-06", "01-06")], ("01-01", "01-10"), 10, "1", "2", "2 units for the last 5 of 10 days"),
        (
            [("100", "01-01", "01-01"), ("10", "01-10", "01-10")],
            ("01-01", "01-10"),
            10,
            "91",
            "10",
            "100 for 9 days, 10 on the last one",
        ),
        (
            [("20", "01-01", "01-01"), ("50", "01-05", "01-11")],
            ("01-01", "01-10"),
            10,
            "20",
            "20",
            "a change for the next period does not count in this one",
        ),
        (
            [("20", "01-01", "01-01"), ("70", "01-03", "01-11"), ("100", "01-10", "01-10")],
            ("01-01", "01-10"),
            10,
            "28",
            "100",
            "20 for 9 days and 100 for one; the scheduled 70 lie beyond",
        ),
        (
            [("20", "01-01", "01-01"), ("70", "01-03", "01-11"), ("100", "01-10", "01-10")],
            ("01-11", "01-20"),
            10,
            "100",
            "100",
            "a newer decision that holds already supersedes one that was scheduled for then",
        ),
        (
            [("10", "01-01", "01-01"), ("7", "01-20", "01-20"), ("70", "01-28", "02-01")],
            ("01-01", "01-31"),
            31,
            "8.838709",
            "7",
            "10 x 19/31 + 7 x 12/31, each rounded to 6 decimals",
        ),
        (
            [("7", "01-20", "01-20"), ("70", "02-10", "02-10")],
            ("02-01", "02-28"),
            28,
            "49.75",
            "70",
            "7 for 9 days and 70 for 19",
        ),
        ([("5", "01-20", "01-20")], ("01-01", "01-10"), 10, "0", "0", "what comes later does not count"),
        ([], ("01-01", "01-10"), 10, "0", "0", "nothing was ever decided"),
        (
            [("5", "01-01", "01-01"), ("6", "01-04", "01-04"), ("9", "01-04", "01-04")],
            ("01-01", "01-10"),
            10,
            "7.8",
            "9",
            "of two decisions on one day the later holds: 5 x 3/10 + 9 x 7/10",
        ),
    ],
)
def test_units_of_a_window(
    log: Log, window: tuple[str, str], duration: int, weighted: str, full: str, why: str
) -> None:
    year = [(units, f"2023-{decided}", f"2023-{effective}") for units, decided, effective in log]
    from_at, to_at = instant(f"2023-{window[0]}"), last_of(f"2023-{window[1]}")
    counted = in_window(events(year), from_at, to_at)
    assert full_units(counted) == Decimal(full), why
    found = prorated_units(counted, from_at, to_at, duration_days=duration, timezone="UTC")
    assert found == Decimal(weighted), why


def test_days_are_the_customers() -> None:
    """22:30 UTC is the next day in Paris: 11 days of 31 are left, not 12."""
    from_at, to_at = instant("2023-08-01T00:00+02:00"), last_of("2023-08-31", "Europe/Paris")
    log = events([("31", "2023-08-20T22:30", "2023-08-20T22:30")])
    assert prorated_units(log, from_at, to_at, duration_days=31, timezone="Europe/Paris") == 11


SCHEDULE = Schedule(
    interval="monthly",
    billing_time="calendar",
    subscription_at=instant("2024-01-10"),
    timezone="UTC",
    pay_in_advance=False,
)
CHARGE_ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def fixed_charge(*log: tuple[str, str, bool], parent_id: UUID | None = None) -> FixedCharge:
    return FixedCharge(
        id=ids.new() if parent_id else CHARGE_ID,
        parent_id=parent_id,
        code="seats",
        add_on_id=ids.new(),
        charge_model="standard",
        properties={"amount": "10"},
        units_log=tuple(
            UnitsChange(units=Decimal(units), decided_at=instant(at), immediately=immediately)
            for units, at, immediately in log
        ),
        created_at=instant(log[0][1]),
    )


def subscription(
    started: str, *own: tuple[str, str, bool], activated: str | None = None, own_of: UUID = CHARGE_ID
) -> Subscription:
    made = Subscription.begin(
        ids.new(),
        organization_id=ids.new(),
        customer_id=ids.new(),
        external_customer_id="c1",
        external_id="s1",
        plan_id=ids.new(),
        plan_code="pro",
        details=SubscriptionDetails(subscription_at=instant(started)),
        previous_subscription_id=None,
        predecessor=None,
        at=instant(activated or started),
    )
    before = [one for one in own if one[1] < (activated or started)]
    for units, at, immediately in before:
        made.set_fixed_charge_units(own_of, Decimal(units), immediately=immediately, at=instant(at))
    made.activate(
        started_at=instant(started),
        billed_on=instant(started).date(),
        starts_with_invoice=False,
        starts_with_fixed_charges=True,
        at=instant(activated or started),
    )
    for units, at, immediately in own[len(before) :]:
        made.set_fixed_charge_units(own_of, Decimal(units), immediately=immediately, at=instant(at))
    return made


@pytest.mark.parametrize(
    ("of_plan", "begun", "expected", "why"),
    [
        (
            fixed_charge(("10", "2024-01-01", False), ("12", "2024-01-05", False)),
            subscription("2024-01-10T08:00"),
            [("10", "2024-01-10T08:00"), ("12", "2024-01-10T08:00")],
            "what was decided before counts from the start, scheduled or not",
        ),
        (
            fixed_charge(("10", "2024-01-01", False), ("15", "2024-01-20T09:00", True)),
            subscription("2024-01-10"),
            [("10", "2024-01-10"), ("15", "2024-01-20T09:00")],
            "at once",
        ),
        (
            fixed_charge(("10", "2024-01-01", False), ("15", "2024-01-20T09:00", False)),
            subscription("2024-01-10"),
            [("10", "2024-01-10"), ("15", "2024-02-01")],
            "with the next period",
        ),
        (
            fixed_charge(("8", "2024-01-20", False)),
            subscription("2024-01-10"),
            [("8", "2024-02-01")],
            "a fixed charge that is new in the plan",
        ),
        (
            fixed_charge(("10", "2024-01-01", False), ("15", "2024-01-20", True)),
            subscription("2024-01-10", activated="2024-01-25"),
            [("10", "2024-01-10"), ("15", "2024-01-10")],
            "a start in the past has the units of the day it was recorded",
        ),
        (
            fixed_charge(("10", "2024-01-01", False), ("15", "2024-01-20", True), ("30", "2024-01-29", True)),
            subscription("2024-01-10", ("3", "2024-01-22", True)),
            [("10", "2024-01-10"), ("15", "2024-01-20"), ("3", "2024-01-22")],
            "from its first own units on the plan's do not count",
        ),
        (
            fixed_charge(("10", "2024-01-01", False)),
            subscription("2024-01-10", ("3", "2024-01-05", False)),
            [("10", "2024-01-10"), ("3", "2024-01-10")],
            "own units from before the start",
        ),
        (
            fixed_charge(("10", "2024-01-01", False), parent_id=CHARGE_ID),
            subscription("2024-01-10", ("3", "2024-01-22", True)),
            [("10", "2024-01-10"), ("3", "2024-01-22")],
            "in a copy of the plan the fixed charge is still the same",
        ),
        (
            fixed_charge(("10", "2024-01-01", False)),
            subscription("2024-01-10", ("3", "2024-01-22", True), own_of=ids.new()),
            [("10", "2024-01-10")],
            "units of another fixed charge",
        ),
    ],
)
def test_units_of_a_subscription(
    of_plan: FixedCharge, begun: Subscription, expected: list[tuple[str, str]], why: str
) -> None:
    found = units_events(of_plan, begun, SCHEDULE)
    assert [(event.units, event.effective_at) for event in found] == [
        (Decimal(units), instant(at)) for units, at in expected
    ], why
