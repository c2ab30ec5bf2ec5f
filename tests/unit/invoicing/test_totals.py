"""Totals follow from one another, whatever is taken off (invoicing-money 4.1, 4.7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from domain.invoicing.invoice import Fee, FeeItem
from domain.invoicing.totals import totals
from domain.kernel.errors import AmountOutOfRangeError
from domain.kernel.money import MOST_MINOR_UNITS

ITEM = FeeItem(
    code="c",
    name="n",
    description=None,
    invoice_display_name=None,
    lago_item_id=UUID(int=1),
    item_type="Subscription",
    grouped_by={},
)
FEE = Fee(
    id=UUID(int=0),
    fee_type="subscription",
    item=ITEM,
    units=Decimal(1),
    total_aggregated_units=Decimal(1),
    events_count=None,
    amount_cents=0,
    precise_amount_cents=Decimal(0),
    unit_amount_cents=0,
    precise_unit_amount=Decimal(0),
    amount_details={},
)


def fees(*cents: int) -> list[Fee]:
    return [replace(FEE, amount_cents=one) for one in cents]


def test_the_worked_example() -> None:
    found = totals(fees(10000, 5000, 3000, 2000), coupons_cents=1000, taxes_cents=1900)
    assert found.fees_amount_cents == 20000
    assert found.sub_total_excluding_taxes_amount_cents == 19000
    assert found.sub_total_including_taxes_amount_cents == 20900
    assert found.total_amount_cents == 20900


def test_more_than_64_bits_hold_is_no_total() -> None:
    assert totals(fees(MOST_MINOR_UNITS)).total_amount_cents == MOST_MINOR_UNITS
    for too_much in ({"fees": fees(MOST_MINOR_UNITS, 1)}, {"fees": fees(MOST_MINOR_UNITS), "taxes_cents": 1}):
        with pytest.raises(AmountOutOfRangeError):
            totals(**too_much)


@pytest.mark.parametrize(
    ("taken_off", "total", "why"),
    [
        ({}, 1000, "nothing is taken off"),
        ({"credit_notes_cents": 400, "prepaid_credit_cents": 600}, 0, "an invoice may be paid by credits alone"),
        ({"progressive_billing_credit_cents": 250, "taxes_cents": 75}, 825, "taxes come after what was billed before"),
    ],
)
def test_totals(taken_off: dict[str, int], total: int, why: str) -> None:
    assert totals(fees(600, 400), **taken_off).total_amount_cents == total, why


def test_more_taken_off_than_there_is_stops_the_invoice() -> None:
    with pytest.raises(AssertionError):
        totals(fees(100), coupons_cents=101)
