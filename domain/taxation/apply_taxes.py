"""How much tax is owed: on one fee, and on all fees of an invoice.

The two are not the same: an invoice rounds once, over all of its fees, so its tax may miss the sum of theirs, and
that of its rows, by cents (invoicing-money 19, quirk 1).

Source: invoicing-money 4.1, 4.3, 4.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from domain.kernel.decimals import exact
from domain.pricing.fee import precise
from domain.taxation.tax import TaxTerms

RATE_DECIMALS = 5
"""Scale of an invoice's `taxes_rate`. Source: invoicing-money 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedTax:
    """One tax of a fee: its own share of the tax, rounded by itself."""

    tax: TaxTerms
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeTaxes:
    """All taxes of a fee.

    Attributes:
        rate: percent, of all together.
        amount_cents: whole minor units, half away from zero.
        precise_amount_cents: minor units, 15 decimals, on the fee's precise amount.
    """

    rate: Decimal
    amount_cents: int
    precise_amount_cents: Decimal
    applied: tuple[AppliedTax, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceAppliedTax:
    """One tax of an invoice: `fees_amount_cents` is its base, the net of the fees that have it."""

    tax: TaxTerms
    fees_amount_cents: int
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceTaxes:
    """All taxes of an invoice, in the order in which its fees name them.

    Attributes:
        rate: percent of the sub-total, over all taxes, 5 decimals.
        amount_cents: rounded once, from the exact sum.
    """

    rate: Decimal
    amount_cents: int
    applied: tuple[InvoiceAppliedTax, ...]


@exact()
def tax_fee(net_cents: Decimal, precise_net_cents: Decimal, taxes: Sequence[TaxTerms]) -> FeeTaxes:
    """The taxes of one fee. Several are all taken from the same amount, never one from another (9.1).

    Args:
        net_cents: the fee's amount less its share of the coupons, minor units, >= 0.
        precise_net_cents: likewise of its precise amount.

    Source: invoicing-money 4.4.
    """
    assert net_cents >= 0, net_cents
    rate = sum((tax.rate for tax in taxes), Decimal(0))
    return FeeTaxes(
        rate=rate,
        amount_cents=_whole(net_cents * rate / 100),
        precise_amount_cents=precise(precise_net_cents * rate / 100),
        applied=tuple(AppliedTax(tax=tax, amount_cents=_whole(net_cents * tax.rate / 100)) for tax in taxes),
    )


@exact()
def tax_invoice(fees: Sequence[tuple[Decimal, Sequence[TaxTerms]]], excluding_taxes_cents: int) -> InvoiceTaxes:
    """The taxes of all fees together.

    Args:
        fees: of each its net (minor units, >= 0) and its taxes.
        excluding_taxes_cents: the invoice's sub-total before taxes. Where it is zero the rate is weighed by the
            number of fees.

    Source: invoicing-money 4.3.
    """
    nets: dict[TaxTerms, list[Decimal]] = {}
    for net_cents, taxes in fees:
        for tax in taxes:
            nets.setdefault(tax, []).append(net_cents)
    amount, rate = Decimal(0), Decimal(0)
    applied: list[InvoiceAppliedTax] = []
    for tax, taxed in nets.items():
        base = sum(taxed, Decimal(0))
        owed = base * tax.rate / 100
        applied.append(InvoiceAppliedTax(tax=tax, fees_amount_cents=_whole(base), amount_cents=_whole(owed)))
        amount += owed
        rate += base * tax.rate / excluding_taxes_cents if excluding_taxes_cents else len(taxed) * tax.rate / len(fees)
    return InvoiceTaxes(
        rate=rate.quantize(Decimal(1).scaleb(-RATE_DECIMALS), ROUND_HALF_UP),
        amount_cents=_whole(amount),
        applied=tuple(applied),
    )


def _whole(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))
