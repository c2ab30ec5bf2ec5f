"""Which paid fees a bill gathers, and what their taxes come to (metering-pricing V12, invoicing-money 3.2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal
from uuid import UUID

import pytest

from domain.invoicing.invoice import Fee, FeeItem
from domain.invoicing.paid_fees import is_gathered
from domain.invoicing.standalone_fee import FeePaymentStatus, StandaloneFee
from domain.invoicing.taxes import summed_taxes, taxed
from domain.kernel import ids
from domain.kernel.errors import NotAllowedError
from domain.taxation.tax import TaxTerms
from tests.builders import instant

D = Decimal
BILLED_AT = instant("2024-02-01")
MADE_AT = instant("2024-01-05")
PERIOD_ENDS_AT = BILLED_AT - timedelta(microseconds=1)


def fee(amount_cents: int = 1000) -> Fee:
    item = FeeItem(
        code="calls",
        name="Calls",
        description=None,
        invoice_display_name=None,
        lago_item_id=ids.of("metric"),
        item_type="BillableMetric",
        grouped_by={},
    )
    return Fee(
        id=ids.of("fee"),
        fee_type="charge",
        item=item,
        units=D(1),
        total_aggregated_units=D(1),
        events_count=1,
        amount_cents=amount_cents,
        precise_amount_cents=D(amount_cents),
        unit_amount_cents=amount_cents,
        precise_unit_amount=D(amount_cents) / 100,
        amount_details={},
        from_at=instant("2024-01-01"),
        to_at=PERIOD_ENDS_AT,
        pay_in_advance=True,
        invoiceable=False,
        regroup_paid_fees="invoice",
    )


def alone(
    *, regroup: Literal["invoice"] | None = "invoice", ends_at: datetime = PERIOD_ENDS_AT, paid_at: datetime | None
) -> StandaloneFee:
    standalone = StandaloneFee.begin(
        ids.of("fee"),
        organization_id=ids.of("organization"),
        customer_id=ids.of("customer"),
        external_customer_id="c1",
        currency="EUR",
        timezone="UTC",
        fee=replace(fee(), regroup_paid_fees=regroup, to_at=ends_at),
        at=MADE_AT,
    )
    if paid_at is not None:
        standalone.change_payment_status("succeeded", at=paid_at)
    return standalone


@pytest.mark.parametrize(
    ("paid_at", "regroup", "ends_at", "goes_on", "taken", "why"),
    [
        ("2024-01-10", "invoice", PERIOD_ENDS_AT, True, True, "paid within its period, which has ended"),
        ("2024-02-01", "invoice", PERIOD_ENDS_AT, True, True, "paid at the very instant of the bill"),
        ("2024-02-01T00:00:00.000001", "invoice", PERIOD_ENDS_AT, True, False, "paid after: the next bill's"),
        ("2024-02-01T00:00:00.000001", "invoice", PERIOD_ENDS_AT, False, False, "after an end likewise"),
        (None, "invoice", PERIOD_ENDS_AT, True, False, "not paid"),
        (None, "invoice", PERIOD_ENDS_AT, False, False, "not paid, whatever ends"),
        ("2024-01-10", None, PERIOD_ENDS_AT, True, False, "its charge has no paid fees gathered"),
        ("2024-01-10", "invoice", BILLED_AT, True, True, "its period ends with the bill"),
        ("2024-01-10", "invoice", instant("2024-12-31"), True, False, "of a period that goes on"),
        ("2024-01-10", "invoice", instant("2024-12-31"), False, True, "an end leaves no period to wait for"),
    ],
)  # fmt: skip
def test_which_fees_are_taken(
    paid_at: str | None,
    regroup: Literal["invoice"] | None,
    ends_at: datetime,
    goes_on: bool,
    taken: bool,
    why: str,
) -> None:
    standalone = alone(regroup=regroup, ends_at=ends_at, paid_at=None if paid_at is None else instant(paid_at))
    assert is_gathered(standalone, BILLED_AT, goes_on=goes_on) == taken, why


@pytest.mark.parametrize("status", ["pending", "failed", "refunded"])
def test_what_is_not_paid_any_more_is_not_taken(status: FeePaymentStatus) -> None:
    standalone = alone(paid_at=MADE_AT)
    standalone.change_payment_status(status, at=MADE_AT)
    assert not is_gathered(standalone, BILLED_AT, goes_on=False)


def test_what_is_deleted_is_not_taken() -> None:
    standalone = alone(paid_at=MADE_AT)
    standalone.delete(at=MADE_AT)
    assert not is_gathered(standalone, BILLED_AT, goes_on=False)


def test_what_is_on_an_invoice_stays_as_it_is() -> None:
    standalone = alone(paid_at=MADE_AT)
    standalone.put_on_invoice(ids.of("invoice"), "finalized", at=BILLED_AT)
    assert not is_gathered(standalone, BILLED_AT, goes_on=False)
    with pytest.raises(NotAllowedError, match="invoiced_fee"):
        standalone.change_payment_status("refunded", at=BILLED_AT)
    with pytest.raises(NotAllowedError, match="invoiced_fee"):
        standalone.delete(at=BILLED_AT)
    with pytest.raises(NotAllowedError, match="invoiced_fee"):
        standalone.put_on_invoice(ids.of("another"), "finalized", at=BILLED_AT)


def tax(code: str, rate: str) -> TaxTerms:
    return TaxTerms(tax_id=UUID(int=int(code, 36)), code=code, name=code, rate=D(rate), description=None)


VAT, OLD_VAT, CITY = tax("vat", "20"), tax("vat", "19"), tax("city", "1.5")


@pytest.mark.parametrize(
    ("fees", "amount_cents", "rate", "applied", "why"),
    [
        ([], 0, "0", [], "nothing"),
        ([(0, [VAT])], 0, "0", [("vat", "20", 0, 0)], "nothing to divide by"),
        ([(2008, [VAT]), (1908, [VAT])], 784, "20.02", [("vat", "20", 3916, 784)], "402 + 382, not 20 % of 3916"),
        ([(1003, [VAT]), (1003, [VAT])], 402, "20.04", [("vat", "20", 2006, 402)], "201 twice, where 401 were one"),
        ([(1000, [VAT]), (500, [])], 200, "13.33", [("vat", "20", 1000, 200)], "one is not taxed; 13.333 %"),
        (
            [(1000, [OLD_VAT]), (1000, [VAT]), (1000, [OLD_VAT])],
            580,
            "19.33",
            [("vat", "19", 2000, 380), ("vat", "20", 1000, 200)],
            "a rate that changed has its row",
        ),
        (
            [(1000, [VAT, CITY])],
            215,
            "21.5",
            [("vat", "20", 1000, 200), ("city", "1.5", 1000, 15)],
            "several on one fee",
        ),
    ],
)
def test_taxes_are_summed(
    fees: list[tuple[int, list[TaxTerms]]],
    amount_cents: int,
    rate: str,
    applied: list[tuple[str, str, int, int]],
    why: str,
) -> None:
    found = summed_taxes([taxed(fee(cents), taxes) for cents, taxes in fees])
    assert (found.amount_cents, found.rate) == (amount_cents, D(rate)), why
    rows = [(row.tax.code, str(row.tax.rate), row.fees_amount_cents, row.amount_cents) for row in found.applied]
    assert rows == applied, why
