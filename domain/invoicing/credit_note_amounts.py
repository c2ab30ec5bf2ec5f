"""What giving back parts of an invoice's fees comes to: with them go their shares of coupons and their taxes.

Source: invoicing-money 7.1, 7.4, 7.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from uuid import UUID

from domain.invoicing.invoice import Fee, IssuedCreditNote
from domain.kernel.decimals import exact
from domain.taxation.apply_taxes import RATE_DECIMALS
from domain.taxation.tax import TaxTerms

PRECISE_DECIMALS = 5
"""Scale of the precise amounts of a credit note and of its items. Source: invoicing-money 0.1."""

_PRECISE_UNIT = Decimal(1).scaleb(-PRECISE_DECIMALS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditNoteTax:
    """One tax of a credit note: `base_amount_cents` is what it is taken from. Both are rounded by themselves."""

    tax: TaxTerms
    base_amount_cents: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """Figures of a credit note before it is said how it is given back. Minor units, precise ones with 5 decimals.

    Attributes:
        taxes_rate: percent of the sub-total, 5 decimals.
        creditable_amount_cents: all of it, rounded once. It may miss the sub-total and the taxes together by one.
    """

    coupons_adjustment_amount_cents: int
    precise_coupons_adjustment_amount_cents: Decimal
    sub_total_excluding_taxes_amount_cents: int
    taxes_rate: Decimal
    taxes_amount_cents: int
    precise_taxes_amount_cents: Decimal
    precise_total_amount_cents: Decimal
    creditable_amount_cents: int
    applied_taxes: tuple[CreditNoteTax, ...]

    @property
    def total_amount_cents(self) -> int:
        """What the note is issued over: its rounded parts put together (7.5)."""
        return self.sub_total_excluding_taxes_amount_cents + self.taxes_amount_cents


@exact()
def give_back(fees: Sequence[Fee], parts: Mapping[UUID, Decimal], issued: Sequence[IssuedCreditNote]) -> GivenBack:
    """Take `parts` of `fees` back, and with each part as much of the fee's coupons and taxes.

    The note that leaves nothing of the invoice also squares what the roundings of the others have added up to.

    Args:
        fees: all of the invoice, taxed.
        parts: id of the fee -> minor units, > 0 and at most what is left of the fee.
        issued: the credit notes that the invoice has already.
    """
    coupons, taken = Decimal(0), Decimal(0)
    bases: dict[TaxTerms, Decimal] = {}
    for fee in fees:
        part = parts.get(fee.id)
        if part is None:
            continue
        share = fee.precise_coupons_amount_cents * part / fee.amount_cents
        coupons, taken = coupons + share, taken + part
        for applied in fee.applied_taxes:
            bases[applied.tax] = bases.get(applied.tax, Decimal(0)) + part - share
    taxes, rate = Decimal(0), Decimal(0)
    applied_taxes = []
    for tax, base in bases.items():
        owed = base * tax.rate / 100
        applied_taxes.append(CreditNoteTax(tax=tax, base_amount_cents=whole(base), amount_cents=whole(owed)))
        taxes += owed
        rate += base * tax.rate / (taken - coupons) if taken != coupons else 0
    earlier = [part for note in issued for part in note.items.values()]
    if taken + sum(earlier) == sum(fee.amount_cents for fee in fees):
        taxes -= sum((note.taxes_amount_cents - note.precise_taxes_amount_cents for note in issued), Decimal(0))
    precise_coupons, precise_taxes = coupons.quantize(_PRECISE_UNIT), taxes.quantize(_PRECISE_UNIT)
    return GivenBack(
        coupons_adjustment_amount_cents=whole(precise_coupons),
        precise_coupons_adjustment_amount_cents=precise_coupons,
        sub_total_excluding_taxes_amount_cents=whole(taken - precise_coupons),
        taxes_rate=rate.quantize(Decimal(1).scaleb(-RATE_DECIMALS)),
        taxes_amount_cents=whole(precise_taxes),
        precise_taxes_amount_cents=precise_taxes,
        precise_total_amount_cents=taken - precise_coupons + precise_taxes,
        creditable_amount_cents=whole(taken - precise_coupons + precise_taxes),
        applied_taxes=tuple(applied_taxes),
    )


def credited(fee: Fee, issued: Sequence[IssuedCreditNote]) -> Decimal:
    """What credit notes have given back of a fee already, minor units (7.2)."""
    return sum((note.items.get(fee.id, Decimal(0)) for note in issued), Decimal(0))


def cut(cents: Decimal) -> Decimal:
    """An amount at the scale of an item, cut off (not rounded), so that no more is given back than there is (7.6)."""
    return cents.quantize(_PRECISE_UNIT, ROUND_DOWN)


def whole(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))
