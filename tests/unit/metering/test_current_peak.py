"""metering-pricing V13, V14."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.metering.current_peak import current_prorated_units, current_units
from domain.metering.peak import Peak
from domain.metering.prorated_period import ProratedPeriod

D = Decimal


def peak(current: str = "0", highest: str = "0", prorated: str = "0") -> Peak:
    return Peak(current=D(current), max=D(highest), max_prorated=D(prorated))


@pytest.mark.parametrize(
    ("total", "at", "billed", "shown", "why"),
    [
        ("9", peak("4", "6"), "11", "9", "5 carried and 6 that were reached"),
        ("9", peak(), "9", "9", "no events in the period"),
        ("6", peak("6", "10"), "10", "6", "nothing carried"),
        ("6", peak("-4", "0"), "10", "6", "10 carried and paid for, 4 of them gone"),
        ("-5", peak("-5", "0"), "0", "0", "less than nothing"),
        ("-3", peak(), "0", "0", "carried from below zero"),
    ],
)
def test_units(total: str, at: Peak, billed: str, shown: str, why: str) -> None:
    units = current_units(D(total), at)
    assert (units.billed, units.shown) == (D(billed), D(shown)), why


@pytest.mark.parametrize(
    ("total", "at", "days", "billed", "shown", "why"),
    [
        ("9", peak("4", "5", "3.8"), 31, "8.8", "9", "5 carried in full and what the rises were weighed"),
        ("0", peak("-5", "10", "8.5"), 31, "8.5", "0", "nothing left, the rises stay paid"),
        ("-5", peak("-5", "10", "8.5"), 31, "8.5", "0", "less than nothing"),
        ("9", peak(), 31, "9", "9", "carried only"),
        ("5", peak(), 17, "2.74194", "5", "carried for 17 of 31 days"),
        ("9", peak("4", "5", "3.8"), 17, "6.54194", "9", "both"),
    ],
)
def test_prorated_units(total: str, at: Peak, days: int, billed: str, shown: str, why: str) -> None:
    period = ProratedPeriod(
        from_at=datetime(2024, 3, 1, tzinfo=UTC),
        to_at=datetime(2024, 3, 31, tzinfo=UTC),
        days=days,
        duration_days=31,
        timezone="UTC",
    )
    units = current_prorated_units(D(total), at, period)
    assert (units.billed, units.shown) == (D(billed), D(shown)), why
