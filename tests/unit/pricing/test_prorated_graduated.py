"""metering-pricing 12.3."""

from decimal import Decimal
from typing import Any

import pytest

from domain.pricing.registry import PricedUsage, ProratedValue, price

D = Decimal


def properties(*rows: tuple[int, int | None, str, str]) -> dict[str, Any]:
    keys = ("from_value", "to_value", "per_unit_amount", "flat_amount")
    return {"graduated_ranges": [dict(zip(keys, row, strict=True)) for row in rows]}


TWO = properties((0, 5, "10", "100"), (6, None, "5", "50"))
THREE = properties((0, 5, "10", "100"), (6, 15, "5", "50"), (16, None, "2", "0"))
FREE = properties((0, 2, "0", "0"), (3, None, "150", "0"))


@pytest.mark.parametrize(
    ("ranges", "full", "prorated", "owed", "unit_amount", "why"),
    [
        (
            TWO,
            "5 5 10 -6",
            "3.5 2.66667 2 -2.2",
            "197.33",
            "14.10",
            "units that go give back at the rate of their range",
        ),
        (TWO, "2 5 10 -6", "1.4 2.66667 2 -2.2", "184.33", "16.76", "an event is cut where a range ends"),
        (
            TWO,
            "1 4 1 -5 -1",
            "0.7097 1.54839 0.2258 -0.80645 -0.0645",
            "165.81",
            "0.00",
            "all are gone: no unit amount",
        ),
        (TWO, "5 -2", "3.5 -1", "125.00", "41.67", "within the first range"),
        (TWO, "4 2 -3", "2.8 1 -0.6", "180.50", "60.17", "flat amounts once reached stay"),
        (TWO, "5 2 -4 10", "3.5 1 -1.6 2", "190.00", "14.62", "up, down and up again"),
        (TWO, "5 -100", "2 -33.33", "0.00", "0.00", "below zero in the end"),
        (TWO, "1", "0.7", "107.00", "107.00", "a single unit"),
        (TWO, "1", "0", "100.00", "100.00", "nothing prorated: the first flat amount only"),
        (TWO, "", "", "100.00", "0.00", "no usage: the first flat amount"),
        (THREE, "2 5 10 -6 4 60", "1.4 2.5 2 -2.2 0.667 2", "191.34", "2.55", "across three ranges (191.335)"),
        (THREE, "75", "75", "370.00", "4.93", "carried over for the whole period"),
        (FREE, "-3 1 1 1 1", "-3 0.8 0.6 0.4 0.2", "0.00", "0.00", "below zero the first range goes on"),
        (TWO, "3 2 -2", "3 0 0", "130.00", "43.33", "an addition of no time is left out, a removal moves only"),
        (TWO, "7 -2 -1", "7 -1 -0.5", "200.00", "50.00", "Q10: down to the end of a range, then the lower rate"),
    ],
)
def test_prorated(ranges: dict[str, Any], full: str, prorated: str, owed: str, unit_amount: str, why: str) -> None:
    changes = [
        ProratedValue(full=D(of_full), prorated=D(of_prorated))
        for of_full, of_prorated in zip(full.split(), prorated.split(), strict=True)
    ]
    units = sum((change.prorated for change in changes), D(0))
    priced = price("graduated", ranges, PricedUsage(units=units, changes=changes))
    assert (round(priced.amount, 2), round(priced.unit_amount, 2), priced.amount_details) == (
        D(owed),
        D(unit_amount),
        {},
    ), why
