"""The totals of an invoice, each from those before it: fees, credits before tax, taxes, credits after tax.

Source: invoicing-money 4.1. Coupons, taxes, credit notes and prepaid credits come in as what they take off or add;
whoever computes them does so in this order, on the fees as the steps before have left them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from domain.invoicing.invoice import Fee, Totals
from domain.kernel.errors import AmountOutOfRangeError
from domain.kernel.money import MOST_MINOR_UNITS


def totals(
    fees: Sequence[Fee],
    *,
    progressive_billing_credit_cents: int = 0,
    coupons_cents: int = 0,
    taxes_cents: int = 0,
    credit_notes_cents: int = 0,
    prepaid_credit_cents: int = 0,
) -> Totals:
    """All arguments in minor units, >= 0.

    Raises:
        AmountOutOfRangeError: the fees, or they with their taxes, come to more than `MOST_MINOR_UNITS`.
        AssertionError: more is taken off than there is; the invoice must not be issued.
    """
    fees_cents = sum(fee.amount_cents for fee in fees)
    excluding_taxes = fees_cents - progressive_billing_credit_cents - coupons_cents
    including_taxes = excluding_taxes + taxes_cents
    total = including_taxes - credit_notes_cents - prepaid_credit_cents
    if max(fees_cents, including_taxes) > MOST_MINOR_UNITS:
        raise AmountOutOfRangeError
    assert min(fees_cents, excluding_taxes, including_taxes, total) >= 0, (fees_cents, excluding_taxes, total)
    return Totals(
        fees_amount_cents=fees_cents,
        progressive_billing_credit_amount_cents=progressive_billing_credit_cents,
        coupons_amount_cents=coupons_cents,
        sub_total_excluding_taxes_amount_cents=excluding_taxes,
        taxes_amount_cents=taxes_cents,
        sub_total_including_taxes_amount_cents=including_taxes,
        credit_notes_amount_cents=credit_notes_cents,
        prepaid_credit_amount_cents=prepaid_credit_cents,
        total_amount_cents=total,
    )


def less_credit(before: Totals, credit_notes_cents: int) -> Totals:
    """The totals of an invoice that is paid by credit notes too, of which `before` does not know."""
    return replace(
        before,
        credit_notes_amount_cents=credit_notes_cents,
        total_amount_cents=before.total_amount_cents - credit_notes_cents,
    )
