"""invoicing-money 4.3, 4.4, 4.7, 18.1 to 18.3, 18.11."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from domain.taxation.apply_taxes import InvoiceTaxes, tax_fee, tax_invoice
from domain.taxation.tax import TaxTerms

D = Decimal


def tax(rate: str, code: str = "vat") -> TaxTerms:
    return TaxTerms(tax_id=UUID(bytes=code.encode().ljust(16)), code=code, name=code, rate=D(rate), description=None)


def invoice(excluding_taxes_cents: int, *fees: tuple[str, list[TaxTerms]]) -> InvoiceTaxes:
    return tax_invoice([(D(net), taxes) for net, taxes in fees], excluding_taxes_cents)


@pytest.mark.parametrize(
    ("net", "rates", "rate", "cents", "precise", "rows", "why"),
    [
        ("9500", ["10"], "10", 950, "950", [950], "4.7: the plan, 10000 less 500"),
        ("4750", ["0"], "0", 0, "0", [0], "4.7: a rate of nothing is a tax all the same"),
        ("2850", ["20"], "20", 570, "570", [570], "4.7: a charge"),
        ("1900", ["20"], "20", 380, "380", [380], "4.7: its true-up"),
        ("151", ["10", "20"], "30", 45, "45.3", [15, 30], "18.2: several are taken from the same amount"),
        ("279", ["10", "20"], "30", 84, "83.7", [28, 56], "18.2: less its share of a coupon"),
        ("105", ["10"], "10", 11, "10.5", [11], "half a cent is rounded away from zero"),
        ("115", ["10"], "10", 12, "11.5", [12], "also to an even one"),
        ("4", ["10", "10"], "20", 1, "0.8", [0, 0], "each row is rounded by itself"),
        ("323.52941", ["10"], "10", 32, "32.352941", [32], "18.1: a net with fractions"),
        ("647.05883", ["20"], "20", 129, "129.411766", [129], "18.1"),
        ("100", ["5.5"], "5.5", 6, "5.5", [6], "a rate may be fractional"),
        ("0", ["20"], "20", 0, "0", [0], "a coupon took it all"),
        ("100", [], "0", 0, "0", [], "no taxes"),
    ],
)
def test_fees(net: str, rates: list[str], rate: str, cents: int, precise: str, rows: list[int], why: str) -> None:
    taxes = [tax(one, f"tax{number}") for number, one in enumerate(rates)]
    found = tax_fee(D(net), D(net), taxes)
    assert (found.rate, found.amount_cents, found.precise_amount_cents) == (D(rate), cents, D(precise)), why
    assert [row.amount_cents for row in found.applied] == rows, why
    assert [row.tax for row in found.applied] == taxes, why


def test_the_precise_tax_is_of_the_precise_amount() -> None:
    found = tax_fee(D(100), D("100.4999"), [tax("20")])
    assert (found.amount_cents, found.precise_amount_cents) == (20, D("20.09998"))


def test_the_worked_example() -> None:
    banking, free, sales = tax("10", "banking"), tax("0", "free"), tax("20", "sales")
    found = invoice(19000, ("9500", [banking]), ("4750", [free]), ("2850", [sales]), ("1900", [sales]))
    assert found.amount_cents == 1900
    assert [(row.tax.code, row.fees_amount_cents, row.amount_cents) for row in found.applied] == [
        ("banking", 9500, 950),
        ("free", 4750, 0),
        ("sales", 4750, 950),
    ]
    assert found.rate == D(10), "950 of 19000 twice"


def test_an_invoice_is_not_the_sum_of_its_fees() -> None:
    """18.1: the fees' taxes add up to 1887, the rows to 1889."""
    ten, twenty = tax("10", "ten"), tax("20", "twenty")
    coupons = [
        ("1000", "676.47059"),
        ("2000", "1352.94117"),
        ("3000", "88.23529"),
        ("4000", "117.64706"),
        ("1000", "126.47059"),
        ("2000", "252.94118"),
        ("3000", "379.41176"),
        ("4000", "505.88235"),
    ]
    fees = [
        (D(amount) - D(coupon), [twenty] if number in (1, 5) else [ten])
        for number, (amount, coupon) in enumerate(coupons)
    ]
    by_fee = [tax_fee(net, net, taxes).amount_cents for net, taxes in fees]
    assert by_fee == [32, 129, 291, 388, 87, 349, 262, 349]
    found = tax_invoice(fees, 16500)
    assert sum(by_fee) == 1887
    assert found.amount_cents == 1889


@pytest.mark.parametrize(
    ("nets", "rates", "cents", "rows", "why"),
    [
        (["105", "105", "105"], ["10"], 32, [32], "31.5, though each fee shows 11"),
        (["104", "104", "104"], ["10"], 31, [31], "31.2, though each fee shows 10"),
        (["14"], ["10", "10"], 3, [1, 1], "1.4 and 1.4 are 2.8: the rows miss it"),
        (["151", "279"], ["10", "20"], 129, [43, 86], "18.2"),
    ],
)
def test_rounded_once(nets: list[str], rates: list[str], cents: int, rows: list[int], why: str) -> None:
    taxes = [tax(one, f"tax{number}") for number, one in enumerate(rates)]
    found = invoice(sum(map(int, nets)), *((net, taxes) for net in nets))
    assert (found.amount_cents, [row.amount_cents for row in found.applied]) == (cents, rows), why


@pytest.mark.parametrize(
    ("excluding", "fees", "rate", "why"),
    [
        (
            32800,
            [("17900", [tax("10", "a")]), ("14900", [tax("10", "a"), tax("10", "b")])],
            "14.54268",
            "18.3: each tax weighs by its share of the sub-total",
        ),
        (0, [("0", [tax("10")])], "10", "18.2: without a sub-total by the number of fees"),
        (0, [("0", [tax("10")]), ("0", []), ("0", [])], "3.33333", "one of three"),
        (100, [("100", [])], "0", "no taxes"),
        (0, [], "0", "no fees"),
    ],
)
def test_rates(excluding: int, fees: list[tuple[str, list[TaxTerms]]], rate: str, why: str) -> None:
    assert invoice(excluding, *fees).rate == D(rate), why


def test_the_same_tax_at_another_rate_is_a_row_of_its_own() -> None:
    found = invoice(200, ("100", [tax("10")]), ("100", [tax("20")]))
    assert [(row.tax.rate, row.amount_cents) for row in found.applied] == [(D(10), 10), (D(20), 20)]
