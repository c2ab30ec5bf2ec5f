"""What giving back parts of fees comes to (invoicing-money 7.4, 18.3, 18.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from domain.invoicing.credit_note_amounts import GivenBack, credited, give_back
from domain.invoicing.invoice import Fee, IssuedCreditNote
from domain.invoicing.taxes import taxed
from domain.taxation.tax import TaxTerms
from tests.unit.invoicing.test_totals import FEE

D = Decimal


def tax(rate: str, number: int = 1) -> TaxTerms:
    return TaxTerms(tax_id=UUID(int=number), code=f"t{number}", name="Tax", rate=D(rate), description=None)


def fees(*rows: tuple[int, str, Sequence[TaxTerms]]) -> list[Fee]:
    """Of amount, coupon share and taxes each."""
    return [
        taxed(
            replace(
                FEE,
                id=UUID(int=number),
                amount_cents=amount,
                precise_amount_cents=D(amount),
                precise_coupons_amount_cents=D(coupons),
            ),
            taxes,
        )
        for number, (amount, coupons, taxes) in enumerate(rows, 1)
    ]


def issued(given: GivenBack, parts: dict[UUID, Decimal]) -> IssuedCreditNote:
    return IssuedCreditNote(
        credit_note_id=UUID(int=0),
        items=parts,
        taxes_amount_cents=given.taxes_amount_cents,
        precise_taxes_amount_cents=given.precise_taxes_amount_cents,
        offset_amount_cents=0,
    )


def one_after_another(of: Sequence[Fee], *parts: dict[int, str]) -> list[GivenBack]:
    """Notes of one invoice, each by number of the fee -> part."""
    notes: list[IssuedCreditNote] = []
    found = []
    for part in parts:
        amounts = {UUID(int=number): D(amount) for number, amount in part.items()}
        found.append(give_back(of, amounts, notes))
        notes.append(issued(found[-1], amounts))
    return found


def test_coupons_and_taxes_go_back_with_the_fees() -> None:
    """18.3, credit_notes.yaml: a coupon of 25000 on the second fee, which has two taxes."""
    of = fees((17_900, "0", [tax("10", 1)]), (39_900, "25000", [tax("10", 1), tax("10", 2)]))
    [everything] = one_after_another(of, {1: "17900", 2: "39900"})
    assert everything.coupons_adjustment_amount_cents == 25_000
    assert everything.sub_total_excluding_taxes_amount_cents == 32_800
    assert (everything.taxes_amount_cents, everything.taxes_rate) == (4770, D("14.54268"))
    assert (everything.creditable_amount_cents, everything.total_amount_cents) == (37_570, 37_570)
    assert [(row.base_amount_cents, row.amount_cents) for row in everything.applied_taxes] == [
        (32_800, 3280),
        (14_900, 1490),
    ]
    [part] = one_after_another(of, {2: "26260"})
    assert part.precise_coupons_adjustment_amount_cents == D("16453.63409")
    assert (part.coupons_adjustment_amount_cents, part.sub_total_excluding_taxes_amount_cents) == (16_454, 9806)
    assert (part.taxes_amount_cents, part.taxes_rate) == (1961, D(20))
    assert (part.creditable_amount_cents, part.total_amount_cents) == (11_768, 11_767), "9806 and 1961"


@pytest.mark.parametrize(
    ("of", "parts", "expected", "why"),
    [
        (
            [(6833, "0"), (6833, "0")],
            [{1: "6833"}, {2: "6833"}],
            [(1367, "1366.6", 8200), (1366, "1366.2", 8199)],
            "the last one takes back the 0.4 that the first has rounded up",
        ),
        (
            [(6833, "0"), (6833, "0"), (6833, "0"), (6833, "0")],
            [{1: "6833"}, {2: "6833"}, {3: "6833"}, {4: "1367"}, {4: "2233"}, {4: "3233"}],
            [
                (1367, "1366.6", 8200),
                (1367, "1366.6", 8200),
                (1367, "1366.6", 8200),
                (273, "273.4", 1640),
                (447, "446.6", 2680),
                (645, "645.4", 3878),
            ],
            "over many notes",
        ),
        (
            [(1999, "69.25342"), (6833, "236.72267"), (20_033, "694.0239")],
            [{1: "1999"}, {2: "6833"}, {3: "20033"}],
            [(386, "385.94932", 2316), (1319, "1319.25547", 7915), (3868, "3868.00001", 23_207)],
            "with a coupon",
        ),
        ([(1000, "1000")], [{1: "400"}], [(0, "0", 0)], "what a coupon has paid is not given back"),
        ([(7, "0"), (0, "0")], [{1: "3"}, {1: "4"}], [(1, "0.6", 4), (0, "0.4", 4)], "a fee of zero is left out"),
    ],
)
def test_taxes_of_several_notes_add_up(
    of: list[tuple[int, str]],
    parts: list[dict[int, str]],
    expected: list[tuple[int, str, int]],
    why: str,
) -> None:
    """18.4: taxes, precise taxes and total of each note at 20 %."""
    rows = fees(*((amount, coupons, [tax("20")]) for amount, coupons in of))
    found = [
        (given.taxes_amount_cents, given.precise_taxes_amount_cents, given.total_amount_cents)
        for given in one_after_another(rows, *parts)
    ]
    assert found == [(taxes, D(precise), total) for taxes, precise, total in expected], why


def test_what_is_given_back_of_a_fee_already() -> None:
    [fee, other] = fees((1000, "0", []), (1000, "0", []))
    notes = [issued(given, {fee.id: D(part)}) for given, part in ((give_back([fee], {fee.id: D(1)}, []), "1"),) * 2]
    assert [credited(fee, notes), credited(other, notes), credited(fee, [])] == [2, 0, 0]
