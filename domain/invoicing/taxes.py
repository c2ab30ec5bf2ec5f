"""Taxes on fees, as coupons have left these, and on the invoice that holds them.

Source: invoicing-money 4.3, 4.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from domain.invoicing.invoice import Fee
from domain.kernel.decimals import exact
from domain.taxation.apply_taxes import InvoiceTaxes, tax_fee, tax_invoice
from domain.taxation.tax import TaxTerms


@exact()
def taxed(fee: Fee, taxes: Sequence[TaxTerms]) -> Fee:
    """The fee with these taxes."""
    found = tax_fee(_net(fee), fee.precise_amount_cents - fee.precise_coupons_amount_cents, taxes)
    return replace(
        fee,
        taxes_rate=found.rate,
        taxes_amount_cents=found.amount_cents,
        taxes_precise_amount_cents=found.precise_amount_cents,
        applied_taxes=found.applied,
    )


@exact()
def invoice_taxes(fees: Sequence[Fee], excluding_taxes_cents: int) -> InvoiceTaxes:
    """The taxes of an invoice over fees that are taxed; `excluding_taxes_cents` is its sub-total before them."""
    rows = [(_net(fee), [applied.tax for applied in fee.applied_taxes]) for fee in fees]
    return tax_invoice(rows, excluding_taxes_cents)


def _net(fee: Fee) -> Decimal:
    """Minor units, fractional (invoicing-money 4.1)."""
    return fee.amount_cents - fee.precise_coupons_amount_cents
