"""What taxes obey, whatever the fees and rates."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.taxation.apply_taxes import tax_fee, tax_invoice
from domain.taxation.tax import TaxTerms

RATES = st.decimals(0, 100, places=4)
NETS = st.decimals(0, 10**12, places=5)
POOL = st.lists(RATES, max_size=4).map(
    lambda rates: [
        TaxTerms(tax_id=UUID(int=number), code=str(number), name="", rate=rate, description=None)
        for number, rate in enumerate(rates)
    ]
)


@st.composite
def fees(draw: st.DrawFn) -> list[tuple[Decimal, list[TaxTerms]]]:
    pool = draw(POOL)
    chosen = st.lists(st.sampled_from(pool), unique_by=lambda tax: tax.tax_id) if pool else st.just([])
    return draw(st.lists(st.tuples(NETS, chosen), max_size=8))


def exact_tax(rows: list[tuple[Decimal, list[TaxTerms]]]) -> Decimal:
    return sum((net * tax.rate / 100 for net, taxes in rows for tax in taxes), Decimal(0))


@given(fees())
def test_an_invoice_rounds_the_exact_sum_once(rows: list[tuple[Decimal, list[TaxTerms]]]) -> None:
    found = tax_invoice(rows, 1)
    assert abs(found.amount_cents - exact_tax(rows)) <= Decimal("0.5")
    assert found.amount_cents - exact_tax(rows) != Decimal("-0.5"), "half a cent goes up"


@given(fees())
def test_rows_miss_the_total_by_half_a_cent_each_at_most(rows: list[tuple[Decimal, list[TaxTerms]]]) -> None:
    found = tax_invoice(rows, 1)
    assert abs(found.amount_cents - sum(row.amount_cents for row in found.applied)) <= (len(found.applied) + 1) / 2
    by_fee = sum(tax_fee(net, net, taxes).amount_cents for net, taxes in rows)
    assert abs(found.amount_cents - by_fee) <= (len(rows) + 1) / 2


@given(fees())
def test_the_order_of_fees_does_not_matter(rows: list[tuple[Decimal, list[TaxTerms]]]) -> None:
    one, other = tax_invoice(rows, 1), tax_invoice(rows[::-1], 1)
    assert one.amount_cents == other.amount_cents
    assert set(one.applied) == set(other.applied)


@given(fees())
def test_every_tax_of_a_fee_has_one_row_over_all_of_its_fees(rows: list[tuple[Decimal, list[TaxTerms]]]) -> None:
    found = {row.tax.tax_id: row.fees_amount_cents for row in tax_invoice(rows, 1).applied}
    named = {tax.tax_id for _, taxes in rows for tax in taxes}
    assert found.keys() == named
    for tax_id in named:
        base = sum((net for net, taxes in rows if any(tax.tax_id == tax_id for tax in taxes)), Decimal(0))
        assert abs(found[tax_id] - base) <= Decimal("0.5")


@given(NETS, POOL)
def test_one_fee_alone_is_taxed_like_its_invoice(net: Decimal, taxes: list[TaxTerms]) -> None:
    fee, invoice = tax_fee(net, net, taxes), tax_invoice([(net, taxes)], 1)
    assert fee.amount_cents == invoice.amount_cents
    assert [row.amount_cents for row in fee.applied] == [row.amount_cents for row in invoice.applied]
    assert abs(fee.precise_amount_cents - fee.amount_cents) <= Decimal("0.5") + Decimal("1e-15")


@given(fees())
def test_the_rate_gives_the_amount_back(rows: list[tuple[Decimal, list[TaxTerms]]]) -> None:
    excluding = int(sum((net for net, _ in rows), Decimal(0)))
    if excluding:
        found = tax_invoice(rows, excluding)
        assert abs(found.rate * excluding / 100 - exact_tax(rows)) <= excluding * Decimal("1e-7")
