from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

import pytest

from domain.subscriptions.billing_dates import Lifetime, Schedule, boundaries
from domain.subscriptions.intervals import BillingTime, Interval
from domain.subscriptions.proration import (
    FeeHistory,
    Formula,
    bills_subscription_fee,
    choose_formula,
    subscription_day_count,
    subscription_fee,
    unused_amount,
    unused_days,
)

Change = Literal["upgrade", "downgrade"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One invoice of one subscription that began with it; `at` is when it is billed."""

    amount: int
    interval: Interval = "monthly"
    billing_time: BillingTime = "calendar"
    advance: bool = False
    start: str
    at: str
    end: str | None = None
    anchor: str | None = None
    timezone: str = "UTC"
    trial_days: int = 0
    successor: Change | None = None
    predecessor: Change | None = None
    billed_before: bool = False

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            interval=self.interval,
            billing_time=self.billing_time,
            subscription_at=utc(self.anchor or self.start),
            timezone=self.timezone,
            pay_in_advance=self.advance,
        )

    @property
    def lifetime(self) -> Lifetime:
        return Lifetime(utc(self.start), utc(self.end) if self.end else None, self.successor)

    @property
    def history(self) -> FeeHistory:
        return FeeHistory(
            created_at=utc(self.start),
            predecessor=self.predecessor,
            has_earlier_invoice=self.billed_before,
            has_earlier_fee=self.billed_before,
        )

    def fee(self) -> tuple[Formula, Decimal]:
        found = boundaries(self.schedule, self.lifetime, utc(self.at))
        formula = choose_formula(self.schedule, self.lifetime, found, self.history)
        trial_end = utc(self.start) + timedelta(days=self.trial_days) if self.trial_days else None
        fee = subscription_fee(self.amount, self.schedule, self.lifetime, found, formula=formula, trial_end=trial_end)
        return formula, fee


S5 = [
    (
        Case(amount=100, start="2022-02-01", at="2022-04-01", billed_before=True),
        Formula.FULL,
        100,
        "a whole March",
    ),
    (Case(amount=100, start="2022-03-01", at="2022-04-01", trial_days=3), Formula.FIRST, 90, "28/31"),
    (Case(amount=100, interval="weekly", start="2022-06-22", at="2022-06-27"), Formula.FIRST, 71, "5/7"),
    (Case(amount=100, interval="weekly", start="2022-06-20", at="2022-06-27", trial_days=3), Formula.FIRST, 57, "4/7"),
    (Case(amount=100, start="2022-03-15", at="2022-04-01"), Formula.FIRST, 55, "17/31"),
    (Case(amount=100, start="2022-03-15", at="2022-04-01", trial_days=3), Formula.FIRST, 45, "14/31"),
    (Case(amount=100, interval="yearly", start="2022-03-15", at="2023-01-01"), Formula.FIRST, 80, "292/365"),
    (
        Case(amount=100, interval="yearly", start="2022-01-01", at="2023-01-01", trial_days=35),
        Formula.FIRST,
        90,
        "330/365",
    ),
    (
        Case(amount=5_000_000, advance=True, start="2024-03-05T12:12", at="2024-03-15T12:12", trial_days=10),
        Formula.FIRST,
        2_741_935,
        "17/31: the day on which the trial ends is billed",
    ),
    (Case(amount=5000, advance=True, start="2023-01-08", at="2023-01-08"), Formula.FIRST, 3871, "24/31"),
]

S6 = [
    (
        Case(
            amount=91_000,
            interval="quarterly",
            start="2024-05-20T10:00",
            end="2024-06-20T10:00",
            at="2024-06-20T10:00",
        ),
        Formula.TERMINATED,
        32_000,
        "32/91 of the whole quarter",
    ),
    (
        Case(
            amount=91_000,
            interval="quarterly",
            billing_time="anniversary",
            anchor="2024-01-15T10:00",
            start="2024-05-20T10:00",
            end="2024-06-20T10:00",
            at="2024-06-20T10:00",
            predecessor="upgrade",
        ),
        Formula.TERMINATED,
        32_000,
        "32/91 of 15 April to 14 July",
    ),
    (
        Case(
            amount=45_500,
            interval="quarterly",
            billing_time="anniversary",
            start="2024-01-15T10:00",
            end="2024-05-20T10:00",
            at="2024-05-20T10:00",
            successor="upgrade",
            billed_before=True,
        ),
        Formula.TERMINATED,
        17_500,
        "35/91: the day of the upgrade is the new plan's",
    ),
]

INVOICING_MONEY = [  # 18.6, 18.8-18.10
    (Case(amount=5000, advance=True, start="2023-02-08", at="2023-02-08"), Formula.FIRST, 3750, "21/28"),
    (
        Case(amount=5000, advance=True, billing_time="anniversary", start="2023-02-08", at="2023-02-08"),
        Formula.FULL,
        5000,
        "an anniversary period is whole",
    ),
    (
        Case(amount=5000, advance=True, start="2023-02-08", at="2023-02-08", timezone="America/Los_Angeles"),
        Formula.FIRST,
        3929,
        "22/28: still the 7th; with 20 % of tax 4715",
    ),
    (
        Case(
            amount=10_000_000,
            advance=True,
            start="2024-03-10",
            at="2024-03-18T12:12",
            trial_days=8,
            predecessor="upgrade",
        ),
        Formula.UPGRADED,
        4_516_129,
        "14/31 (the trial ends at midnight here)",
    ),
    (
        Case(amount=5_000_000, advance=True, start="2024-03-05T12:12", at="2024-04-19T12:12", trial_days=45),
        Formula.FIRST,
        2_000_000,
        "12/30",
    ),
    (Case(amount=1000, advance=True, start="2024-03-05T12:12", at="2024-03-05T12:12"), Formula.FIRST, 871, "27/31"),
    (
        Case(
            amount=1500,
            advance=True,
            anchor="2024-03-05T12:12",
            start="2024-03-12T12:12",
            at="2024-03-12T12:12:01",
            predecessor="upgrade",
        ),
        Formula.UPGRADED,
        968,
        "20/31",
    ),
    (
        Case(
            amount=1900,
            advance=True,
            anchor="2024-03-05T12:12",
            start="2024-03-12T13:12",
            at="2024-03-12T13:12:01",
            predecessor="upgrade",
        ),
        Formula.UPGRADED,
        1226,
        "20/31 once more",
    ),
    (
        Case(
            amount=1500,
            advance=True,
            billing_time="anniversary",
            anchor="2024-03-05T12:12",
            start="2024-03-12T12:12",
            at="2024-03-12T12:12:01",
            predecessor="upgrade",
        ),
        Formula.UPGRADED,
        1161,
        "24/31",
    ),
    (
        Case(
            amount=12_000,
            interval="yearly",
            billing_time="anniversary",
            advance=True,
            anchor="2023-06-29T12:12",
            start="2023-09-28T05:00",
            at="2023-09-28T05:00:01",
            predecessor="upgrade",
        ),
        Formula.UPGRADED,
        9016,
        "275/366",
    ),
    (
        Case(
            amount=118_800,
            interval="yearly",
            billing_time="anniversary",
            advance=True,
            anchor="2023-07-19T12:12",
            start="2023-11-19",
            at="2023-11-19",
            predecessor="downgrade",
        ),
        Formula.FIRST,
        78_875,
        "243/366",
    ),
    (
        Case(
            amount=12_900,
            interval="monthly",
            billing_time="anniversary",
            advance=True,
            anchor="2023-07-19T12:12",
            start="2023-11-19",
            at="2023-11-19",
            predecessor="downgrade",
        ),
        Formula.FIRST,
        12_900,
        "the full amount between plans of one interval",
    ),
    (
        Case(
            amount=100,
            start="2023-07-19T12:12",
            end="2023-08-21T12:00",
            at="2023-08-21T12:00:01",
            successor="upgrade",
            billed_before=True,
        ),
        Formula.TERMINATED,
        65,
        "20/31",
    ),
    (
        Case(
            amount=1000,
            billing_time="anniversary",
            start="2023-09-05T00:00",
            end="2023-09-06T00:00",
            at="2023-09-06T00:00",
            timezone="Europe/Paris",
        ),
        Formula.TERMINATED,
        67,
        "2/30",
    ),
    (
        Case(
            amount=1000,
            billing_time="anniversary",
            start="2023-09-05T00:00",
            end="2023-09-06T00:00",
            at="2023-09-06T00:00",
            timezone="America/Bogota",
        ),
        Formula.TERMINATED,
        67,
        "2/30, the second day is the 5th",
    ),
    (
        Case(
            amount=1000,
            billing_time="anniversary",
            start="2023-09-05T00:00",
            end="2023-09-05T05:00",
            at="2023-09-05T05:00",
        ),
        Formula.TERMINATED,
        33,
        "1/30",
    ),
]

CONFORMANCE = [
    (
        Case(amount=5_000_000, interval="weekly", start="2023-02-01", at="2023-02-06"),
        Formula.FIRST,
        3_571_429,
        "billing_days: 5/7",
    ),
    (Case(amount=5_000_000, start="2023-02-04", at="2023-03-01"), Formula.FIRST, 4_464_286, "billing_days: 25/28"),
    (
        Case(amount=5_000_000, billing_time="anniversary", start="2022-12-31", at="2023-01-31"),
        Formula.FIRST,
        5_000_000,
        "billing_days: the first anniversary period is whole",
    ),
    (
        Case(amount=5_000_000, interval="yearly", billing_time="anniversary", start="2020-02-29", at="2021-02-28"),
        Formula.FIRST,
        5_000_000,
        "billing_days: so is a year from 29 February",
    ),
    (
        Case(amount=5_000_000, start="2023-02-01", at="2023-02-28T18:30", timezone="Asia/Kolkata"),
        Formula.FIRST,
        5_000_000,
        "timezones: February is whole",
    ),
    (
        Case(amount=5_000_000, start="2023-02-02T19:00", at="2023-03-01T05:00", timezone="America/Bogota"),
        Formula.FIRST,
        4_821_429,
        "timezones: 27/28",
    ),
    (
        Case(amount=3100, advance=True, start="2023-08-25T10:00", at="2023-08-25T10:00", timezone="America/Bogota"),
        Formula.FIRST,
        700,
        "activation: 7/31",
    ),
    (
        Case(
            amount=3000,
            advance=True,
            billing_time="anniversary",
            start="2024-01-30",
            at="2024-02-29",
            billed_before=True,
        ),
        Formula.FULL,
        3000,
        "boundaries: a renewal",
    ),
    (
        Case(amount=36_600, interval="yearly", billing_time="anniversary", start="2024-01-31T01:00", at="2025-01-31"),
        Formula.FIRST,
        36_600,
        "boundaries: a year of 366 days",
    ),
    (
        Case(amount=5_000_000, advance=True, start="2024-03-05T12:12", at="2024-03-05T12:12"),
        Formula.FIRST,
        4_354_839,
        "trial: 27/31 without one",
    ),
    (
        Case(
            amount=5_000_000,
            advance=True,
            start="2024-03-05T12:12",
            at="2024-04-01",
            trial_days=10,
            billed_before=True,
        ),
        Formula.FULL,
        5_000_000,
        "trial: the period after it",
    ),
    (
        Case(amount=10_000, start="2025-02-08", end="2025-02-21", at="2025-02-21"),
        Formula.TERMINATED,
        5000,
        "termination: 14/28, a midnight opens its day",
    ),
    (
        Case(
            amount=10_000,
            start="2023-07-19T12:12",
            end="2023-09-01",
            at="2023-09-01",
            successor="downgrade",
            billed_before=True,
        ),
        Formula.FULL,
        10_000,
        "downgrade: August in full at the old price",
    ),
    (Case(amount=5_000_000, start="2024-02-04", at="2024-03-01"), Formula.FIRST, 4_482_759, "fixed_charges: 26/29"),
]


@pytest.mark.parametrize(("case", "formula", "cents", "why"), [*S5, *S6, *INVOICING_MONEY, *CONFORMANCE])
def test_subscription_fee(case: Case, formula: Formula, cents: int, why: str) -> None:
    chosen, fee = case.fee()
    assert chosen is formula, why
    assert fee.quantize(Decimal(1), ROUND_HALF_UP) == cents, why


@pytest.mark.parametrize(
    ("case", "precise"),
    [
        (S5[1][0], "90.322580645161290"),
        (S5[4][0], "54.838709677419355"),
    ],
)
def test_the_fee_is_exact(case: Case, precise: str) -> None:
    assert case.fee()[1].quantize(Decimal("1e-15")) == Decimal(precise)


@pytest.mark.parametrize("trial_days", [31, 40])
def test_a_trial_that_covers_the_period_leaves_nothing(trial_days: int) -> None:
    assert Case(amount=100, start="2022-03-01", at="2022-04-01", trial_days=trial_days).fee()[1] == 0


def test_a_full_fee_counts_from_the_day_on_which_the_trial_ends() -> None:
    case = Case(
        amount=3100,
        advance=True,
        billing_time="anniversary",
        start="2024-03-01T09:00",
        at="2024-03-11T09:00",
        trial_days=10,
    )
    assert case.fee() == (Formula.FULL, Decimal(2100))


def test_a_backdated_plan_in_advance_is_billed_in_full() -> None:
    case = Case(amount=100, advance=True, start="2024-02-10", at="2024-03-01")
    found = boundaries(case.schedule, case.lifetime, utc(case.at))
    backdated = FeeHistory(created_at=utc("2024-02-20"))
    assert choose_formula(case.schedule, case.lifetime, found, backdated) is Formula.FULL


def test_after_an_upgrade_only_the_first_invoice_is_prorated_as_such() -> None:
    case = Case(amount=100, start="2024-02-10", at="2024-04-01", predecessor="upgrade", billed_before=True)
    assert case.fee() == (Formula.FULL, Decimal(100))


def test_a_termination_after_the_billing_leaves_the_fee_alone() -> None:
    case = Case(amount=3100, start="2024-02-01", end="2024-04-05", successor="upgrade", at="2024-04-01")
    assert case.fee() == (Formula.FIRST, Decimal(3100))


@pytest.mark.parametrize(
    ("to_at", "successor", "days", "why"),
    [
        ("2024-03-12T12:00", None, 12, "a day begun is a day"),
        ("2024-03-12T00:00", None, 12, "a midnight opens its day"),
        ("2024-03-12T12:00", "upgrade", 11, "the day of an upgrade is the new plan's"),
        ("2024-03-12T12:00", "downgrade", 12, "that of a downgrade is not"),
        ("2024-03-01T12:00", "upgrade", 0, "never below nothing"),
    ],
)
def test_days_of_a_terminated_subscription(to_at: str, successor: Change | None, days: int, why: str) -> None:
    lifetime = Lifetime(utc("2024-01-01"), utc(to_at), successor)
    assert subscription_day_count(utc("2024-03-01"), utc(to_at), "UTC", lifetime) == days, why


@pytest.mark.parametrize(
    ("amount", "billing_time", "anchor", "ended", "successor", "timezone", "trial_end", "days", "cents", "why"),
    [
        (5000, "calendar", "2023-02-08", "2023-02-08", None, "UTC", None, 20, 3571, "18.6: with tax 4285"),
        (5000, "anniversary", "2023-02-08", "2023-02-08", None, "UTC", None, 27, 4821, "18.6: anniversary"),
        (5000, "calendar", "2023-02-08", "2023-02-08", None, "America/Los_Angeles", None, 21, 3750, "18.6: the 7th"),
        (10_000, "calendar", "2023-02-08", "2023-02-21", None, "UTC", None, 7, 2500, "18.6, termination.yaml"),
        (10_000, "calendar", "2025-02-08", "2025-02-08T12:00", None, "UTC", None, 20, 7143, "termination.yaml"),
        (3100, "calendar", "2022-09-01", "2022-10-15", None, "UTC", None, 16, 1600, "18.7: with tax 1920"),
        (3100, "calendar", "2022-09-01", "2022-10-15", None, "UTC", "2022-10-12", 16, 1600, "18.7: a trial before"),
        (3100, "calendar", "2022-09-01", "2022-10-15", None, "UTC", "2022-10-17", 15, 1500, "18.7: a trial running"),
        (3100, "calendar", "2022-09-01", "2022-10-15", None, "UTC", "2022-11-05", 0, 0, "18.7: beyond the period"),
        (3100, "calendar", "2022-09-01", "2022-10-15", "upgrade", "UTC", None, 17, 1700, "18.7: with tax 2040"),
        (1000, "calendar", "2024-03-05", "2024-03-12T12:12", "upgrade", "UTC", None, 20, 645, "upgrade.yaml"),
        (1500, "anniversary", "2024-03-05", "2024-03-12T13:12", "upgrade", "UTC", None, 24, 1161, "18.9"),
        (1000, "anniversary", "2023-06-29", "2023-09-28T05:00", "upgrade", "UTC", None, 1, 32, "L4, upgrade.yaml"),
        (5000, "calendar", "2023-01-08", "2023-02-25T06:00", None, "UTC", None, 3, 536, "metering-pricing EX1"),
    ],
)
def test_what_an_early_end_leaves_unused(
    amount: int,
    billing_time: BillingTime,
    anchor: str,
    ended: str,
    successor: Change | None,
    timezone: str,
    trial_end: str | None,
    days: int,
    cents: int,
    why: str,
) -> None:
    schedule = Schedule(
        interval="monthly",
        billing_time=billing_time,
        subscription_at=utc(anchor),
        timezone=timezone,
        pay_in_advance=True,
    )
    lifetime = Lifetime(utc(anchor), utc(ended), successor)
    until = utc(trial_end) if trial_end else None
    assert unused_days(schedule, lifetime, trial_end=until) == days, why
    assert unused_amount(amount, schedule, lifetime, trial_end=until).quantize(Decimal(1), ROUND_HALF_UP) == cents, why


YEARLY = Schedule(
    interval="yearly",
    billing_time="anniversary",
    subscription_at=utc("2024-03-15"),
    timezone="UTC",
    pay_in_advance=False,
    bill_charges_monthly=True,
)
MONTHLY = replace(YEARLY, interval="monthly", bill_charges_monthly=False)
NEW, OLD = FeeHistory(created_at=utc("2024-03-15")), FeeHistory(created_at=utc("2024-03-15"), has_earlier_fee=True)
BACKDATED = replace(OLD, created_at=utc("2024-04-02"))


@pytest.mark.parametrize(
    ("schedule", "advance", "at", "ended", "history", "billed", "why"),
    [
        (MONTHLY, True, "2024-03-15", None, NEW, True, "the start, in advance"),
        (MONTHLY, False, "2024-04-15", None, NEW, True, "a billing day"),
        (MONTHLY, False, "2024-04-20", "2024-04-20", OLD, True, "a termination in arrears"),
        (MONTHLY, True, "2024-04-20", "2024-04-20", OLD, False, "a termination in advance was paid before"),
        (MONTHLY, True, "2024-04-15", "2024-04-20", OLD, True, "terminated after the day that is billed"),
        (MONTHLY, True, "2024-04-15", None, replace(OLD, has_fee_of_same_day=True), False, "billed on another invoice"),
        (MONTHLY, False, "2024-04-15", None, replace(OLD, has_fee_of_same_day=True), True, "of no matter in arrears"),
        (YEARLY, False, "2024-04-15", None, NEW, False, "a month of a year in arrears"),
        (YEARLY, False, "2025-03-15", None, NEW, True, "the end of a year in arrears"),
        (YEARLY, False, "2024-07-20", "2024-07-20", NEW, True, "a termination within a year in arrears"),
        (YEARLY, True, "2024-05-20", None, NEW, True, "the end of a trial, never billed"),
        (YEARLY, True, "2024-05-15", None, OLD, False, "a month of a year in advance"),
        (YEARLY, True, "2025-03-15", None, OLD, True, "the next year in advance"),
        (YEARLY, True, "2024-04-14", None, BACKDATED, False, "backdated: the first year is not billed"),
        (YEARLY, True, "2024-05-15", None, replace(BACKDATED, has_earlier_fee=False), False, "nor in a later month"),
        (YEARLY, True, "2025-03-15", None, BACKDATED, True, "backdated: the second is"),
        (replace(YEARLY, interval="semiannual"), False, "2024-09-15", None, NEW, True, "the end of a half-year"),
        (replace(YEARLY, interval="semiannual"), False, "2024-10-15", None, NEW, False, "a month of a half-year"),
    ],
)
def test_which_invoices_have_a_subscription_fee(
    schedule: Schedule, advance: bool, at: str, ended: str | None, history: FeeHistory, billed: bool, why: str
) -> None:
    schedule = replace(schedule, pay_in_advance=advance)
    lifetime = Lifetime(utc("2024-03-15"), utc(ended) if ended else None)
    found = boundaries(schedule, lifetime, utc(at))
    starting = advance and at == "2024-03-15"
    assert bills_subscription_fee(schedule, lifetime, found, history, starting=starting, trial_end=None) is billed, why


def test_fixed_charges_in_advance_open_a_plan_in_arrears_without_a_fee() -> None:
    lifetime = Lifetime(utc("2024-03-15"))
    found = boundaries(MONTHLY, lifetime, utc("2024-03-15T00:00:01"))
    assert not bills_subscription_fee(MONTHLY, lifetime, found, NEW, starting=True, trial_end=None)


@pytest.mark.parametrize(
    ("at", "billed", "why"),
    [
        ("2024-04-15T00:00", False, "in trial"),
        ("2024-05-15T00:00", True, "it ends later that day"),
        ("2024-06-15T00:00", True, "it is over"),
    ],
)
def test_no_fee_in_trial_but_on_its_last_day(at: str, billed: bool, why: str) -> None:
    advance = replace(MONTHLY, pay_in_advance=True)
    lifetime = Lifetime(utc("2024-03-15"))
    found = boundaries(advance, lifetime, utc(at))
    trial_end = utc("2024-05-15T09:00")
    assert bills_subscription_fee(advance, lifetime, found, OLD, starting=False, trial_end=trial_end) is billed, why
