"""Fees that were only estimated, in wire form: as fees are, without what only a stored one has.

Source: api-surface Q26, Q27, D11; metering-pricing Y5, Y6.
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.invoicing.arrival import Arrival
from domain.invoicing.invoice import Fee
from domain.kernel.decimals import wire
from domain.kernel.money import minor_units
from projections.presenters.fees import present_fee
from projections.presenters.taxes import present_fee_taxes

_NOT_STORED = {"lago_id": None, "lago_fee_id": None}


def present_estimated_fee(case: Arrival, fee: Fee) -> dict[str, Any]:
    """A fee with its taxes."""
    doc = _doc(case, fee)
    taxes = [row | _NOT_STORED for row in present_fee_taxes(doc)]
    return present_fee(doc) | {
        "lago_id": None,
        "event_transaction_id": fee.event_transaction_id or None,
        "applied_taxes": taxes,
    }


def present_instant_fee(case: Arrival, fee: Fee) -> dict[str, Any]:
    """A fee without taxes, whose precise unit amount is in minor units here."""
    doc = _doc(case, fee)
    return present_fee(doc) | {
        "lago_id": None,
        "event_transaction_id": fee.event_transaction_id or None,
        "taxes_precise_amount": 0,
        "precise_unit_amount": wire(minor_units(fee.precise_unit_amount, doc["currency"])),
    }


def _doc(case: Arrival, fee: Fee) -> dict[str, Any]:
    """What the row of the fee would be."""
    subscription = case.billed.subscription
    row: dict[str, Any] = msgspec.to_builtins(fee)
    return row | {
        "invoice_id": None,
        "payment_status": "pending",
        "customer_id": str(subscription.customer_id),
        "external_customer_id": subscription.external_customer_id,
        "currency": case.billed.plan.details.amount_currency,
        "created_at": None,
    }
