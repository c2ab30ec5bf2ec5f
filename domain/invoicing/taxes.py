"""Taxes on fees, as coupons have left these, and on the invoice that holds them.

Source: invoicing-money 3.2, 4.3, 4.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from domain.invoicing.invoice import Fee
from domain.kernel.decimals import exact
from domain.taxation.apply_taxes import AppliedTax, InvoiceAppliedTax, InvoiceTaxes, tax_fee, tax_invoice
from domain.taxation.tax import TaxTerms

SUMMED_RATE_DECIMALS = 2
"""Scale of the `taxes_rate` of an invoice whose taxes are summed. Source: invoicing-money 3.2."""


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


@exact()
def summed_taxes(fees: Sequence[Fee]) -> InvoiceTaxes:
    """The taxes of an invoice over fees that were paid before it: theirs added up, not computed again.

    A tax whose rate has changed between two fees has a row for each.

    Source: invoicing-money 3.2.
    """
    rows: dict[tuple[UUID, Decimal], list[tuple[Fee, AppliedTax]]] = {}
    for fee in fees:
        for applied in fee.applied_taxes:
            rows.setdefault((applied.tax.tax_id, applied.tax.rate), []).append((fee, applied))
    amount_cents, fees_cents = sum(fee.taxes_amount_cents for fee in fees), sum(fee.amount_cents for fee in fees)
    rate = Decimal(amount_cents * 100) / fees_cents if fees_cents else Decimal(0)
    return InvoiceTaxes(
        rate=rate.quantize(Decimal(1).scaleb(-SUMMED_RATE_DECIMALS), ROUND_HALF_UP),
        amount_cents=amount_cents,
        applied=tuple(
            InvoiceAppliedTax(
                tax=taxed_fees[0][1].tax,
                fees_amount_cents=sum(fee.amount_cents for fee, _ in taxed_fees),
                amount_cents=sum(applied.amount_cents for _, applied in taxed_fees),
            )
            for taxed_fees in rows.values()
        ),
    )


def _net(fee: Fee) -> Decimal:
    """Minor units, fractional (invoicing-money 4.1)."""
    return fee.amount_cents - fee.precise_coupons_amount_cents
