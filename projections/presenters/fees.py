"""Fees in Lago's wire form.

Source: api-surface 3.6 to 3.9, D8; invoicing-money 0.2, 4.1, 20.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from domain.kernel import decimals
from domain.kernel.currency import EXPONENTS
from projections.presenters import wire
from projections.views.reading import Doc


def present_fee(fee: Doc) -> dict[str, Any]:
    """A row of `fees`, as it stands inside an invoice."""
    currency = fee["currency"]
    units, amount, taxes = Decimal(fee["units"]), fee["amount_cents"], fee["taxes_amount_cents"]
    precise = _major(fee["precise_amount_cents"], currency)
    precise_taxes = _major(fee["taxes_precise_amount_cents"], currency)
    coupons = Decimal(fee["precise_coupons_amount_cents"])
    net = amount - coupons
    item = fee["item"]
    presented = {
        "lago_id": fee["id"],
        "lago_charge_id": fee["charge_id"],
        "lago_charge_filter_id": fee["charge_filter_id"],
        "lago_fixed_charge_id": fee["fixed_charge_id"],
        "lago_invoice_id": fee["invoice_id"],
        "lago_true_up_fee_id": fee["true_up_fee_id"],
        "lago_true_up_parent_fee_id": fee["true_up_parent_fee_id"],
        "lago_subscription_id": fee["subscription_id"],
        "lago_customer_id": fee["customer_id"],
        "lago_original_fee_id": None,
        "external_customer_id": fee["external_customer_id"],
        "external_subscription_id": fee["external_subscription_id"],
        "invoice_display_name": item["invoice_display_name"] or item["name"],
        "item": _item(fee),
        "amount_cents": amount,
        "amount_currency": currency,
        "precise_amount": decimals.wire(precise),
        "precise_total_amount": decimals.wire(precise + precise_taxes),
        "taxes_amount_cents": taxes,
        "taxes_precise_amount": decimals.wire(precise_taxes),
        "taxes_rate": float(fee["taxes_rate"]),
        "total_aggregated_units": decimals.wire(Decimal(fee["total_aggregated_units"])),
        "total_amount_cents": amount + taxes,
        "total_amount_currency": currency,
        "units": decimals.wire(units),
        "description": fee["description"],
        "precise_unit_amount": decimals.wire(Decimal(fee["precise_unit_amount"])),
        "precise_coupons_amount_cents": decimals.wire(coupons),
        "sub_total_excluding_taxes_amount_cents": int(net.quantize(Decimal(1), ROUND_HALF_UP)),
        "sub_total_excluding_taxes_precise_amount_cents": decimals.wire(net),
        "unit_amount_cents": fee["unit_amount_cents"],
        "events_count": fee["events_count"],
        "payment_status": fee["payment_status"],
        "pay_in_advance": fee["pay_in_advance"],
        "invoiceable": fee["invoiceable"],
        "created_at": wire.instant(fee["created_at"]),
        "succeeded_at": wire.instant(fee.get("succeeded_at")),
        "failed_at": wire.instant(fee.get("failed_at")),
        "refunded_at": wire.instant(fee.get("refunded_at")),
        "amount_details": fee["amount_details"],
        "self_billed": False,
        "pricing_unit_details": _pricing_unit(fee),
        "presentation_breakdowns": [
            {
                "presentation_by": {key: value or "" for key, value in one["presentation_by"].items()},
                "units": decimals.wire(Decimal(one["units"])),
            }
            for one in fee["breakdowns"]
        ],
    }
    if fee["event_transaction_id"] is not None:
        presented["event_transaction_id"] = fee["event_transaction_id"]
    if fee["fee_type"] in ("charge", "subscription", "fixed_charge", "add_on"):
        presented["from_date"] = wire.instant_offset(fee["from_at"])
        presented["to_date"] = wire.instant_offset(fee["to_at"])
    return presented


def _item(fee: Doc) -> dict[str, Any]:
    item = fee["item"]
    return {
        "type": fee["fee_type"],
        "code": item["code"],
        "name": item["name"],
        "description": item["description"],
        "invoice_display_name": item["invoice_display_name"] or item["name"],
        "filters": item["filters"],
        "filter_invoice_display_name": item["filter_invoice_display_name"],
        "lago_item_id": item["lago_item_id"],
        "item_type": item["item_type"],
        "grouped_by": {key: value or "" for key, value in item["grouped_by"].items()},
    }


def _pricing_unit(fee: Doc) -> dict[str, Any] | None:
    """Figures in pricing units (metering-pricing X5)."""
    figures = fee["pricing_unit"]
    if figures is None:
        return None
    unit = (fee["usage"] or fee["event"] or fee["minimum"])["pricing_unit"]
    return {
        "lago_pricing_unit_id": unit["pricing_unit_id"],
        "pricing_unit_code": unit["code"],
        "short_name": unit["short_name"],
        "amount_cents": figures["amount_cents"],
        "precise_amount_cents": decimals.wire(Decimal(figures["precise_amount_cents"])),
        "unit_amount_cents": figures["unit_amount_cents"],
        "precise_unit_amount": decimals.wire(Decimal(figures["precise_unit_amount"])),
        "conversion_rate": decimals.wire(Decimal(figures["conversion_rate"])),
    }


def _major(cents: str, currency: str) -> Decimal:
    return Decimal(cents).scaleb(-EXPONENTS[currency])
