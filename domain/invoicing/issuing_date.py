"""The dates on an invoice: when it is issued, when it becomes final, when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from domain.kernel.zones import local_date

IssuingKind = Literal[
    "subscription", "in_advance_charge", "advance_charges", "progressive_billing", "one_off", "credit"
]
"""The invoice's type, but for those of type subscription that charges in advance make at once."""

AnchorSetting = Literal["current_period_end", "next_period_start"]
"""`subscription_invoice_issuing_date_anchor`."""

AdjustmentSetting = Literal["keep_anchor", "align_with_finalization_date"]
"""`subscription_invoice_issuing_date_adjustment`."""


@dataclass(frozen=True, slots=True)
class IssuingDates:
    """Local dates of the customer.

    Attributes:
        expected_finalization_date: when a draft becomes final by itself.
        net_payment_term: days from the issuing date to the due date, kept with the invoice.
    """

    issuing_date: date
    expected_finalization_date: date
    payment_due_date: date
    net_payment_term: int


def dates(
    kind: IssuingKind,
    billing_at: datetime,
    timezone: str,
    grace_period: int,
    anchor_setting: AnchorSetting,
    adjustment_setting: AdjustmentSetting,
    recurring: bool,
    net_payment_term: int,
) -> IssuingDates:
    """The dates of an invoice when it is made, and of a draft again when its customer's settings change.

    Args:
        billing_at: the instant that is billed for, however late it is done.
        grace_period: days that an invoice of kind subscription remains a draft.
        recurring: made on a billing day; others are always dated when they become final.
        net_payment_term: days to pay.

    Source: invoicing-money 5.2.
    """
    day = local_date(billing_at, timezone)
    if kind != "subscription":
        return _due(day, day, net_payment_term)
    final_on = day + timedelta(days=grace_period)
    if recurring and (adjustment_setting == "keep_anchor" or grace_period == 0):
        issued_on = day - timedelta(days=1) if anchor_setting == "current_period_end" else day
    else:
        issued_on = final_on
    return _due(issued_on, final_on, net_payment_term)


def dates_when_finalized(
    drafted: IssuingDates, at: datetime, timezone: str, adjustment_setting: AdjustmentSetting, recurring: bool
) -> IssuingDates:
    """The dates of a draft that becomes final at `at`, early or late: issued that day, unless it keeps its anchor.

    Source: invoicing-money 5.2.
    """
    if recurring and adjustment_setting == "keep_anchor":
        return drafted
    return _due(local_date(at, timezone), drafted.expected_finalization_date, drafted.net_payment_term)


def _due(issued_on: date, final_on: date, net_payment_term: int) -> IssuingDates:
    return IssuingDates(issued_on, final_on, issued_on + timedelta(days=net_payment_term), net_payment_term)
