"""What goes over the wire stays as it is, key for key and in their order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from lago_python_client.models.billing_period import BillingPeriodResponse

from domain.invoicing.invoice import Invoice, InvoiceSubscription
from projections.presenters import wire
from projections.presenters.invoices import present_whole_invoice
from projections.views import document
from projections.views.reading import Doc
from tests.builders import instant
from tests.golden.presenters.presented import FOLDER, decided, presented, read_back
from tests.unit.invoicing.test_totals import FEE
from tests.unit.invoicing.test_unused_days import invoice

YEAR = ("2024-01-01T00:00:00Z", "2024-12-31T23:59:59Z")
MARCH = ("2024-03-01T00:00:00Z", "2024-03-31T23:59:59Z")
APRIL = ("2024-04-01T00:00:00Z", "2024-04-30T23:59:59Z")


@pytest.mark.parametrize("order", [decided, read_back])
@pytest.mark.parametrize("name", sorted(presented()))
def test_presenter(name: str, order: Callable[[Doc], Doc]) -> None:
    assert json.dumps(presented(order)[name], indent=2) + "\n" == (FOLDER / f"{name}.json").read_text()


@pytest.mark.parametrize(
    ("value", "instant", "millis", "offset", "why"),
    [
        ("2024-02-29T12:30:15.999999Z", "2024-02-29T12:30:15Z", "2024-02-29T12:30:15.999Z",
         "2024-02-29T12:30:15+00:00", "cut, not rounded"),
        ("2024-02-29T12:30:15Z", "2024-02-29T12:30:15Z", "2024-02-29T12:30:15.000Z",
         "2024-02-29T12:30:15+00:00", "without a fraction"),
        ("2024-02-29T01:30:15.5+02:00", "2024-02-28T23:30:15Z", "2024-02-28T23:30:15.500Z",
         "2024-02-28T23:30:15+00:00", "another offset"),
        (None, None, None, None, "null is null"),
    ],
)  # fmt: skip
def test_times(value: str | None, instant: str | None, millis: str | None, offset: str | None, why: str) -> None:
    assert wire.instant(value) == instant, why
    assert wire.instant_millis(value) == millis, why
    assert wire.instant_offset(value) == offset, why


def test_numbers() -> None:
    assert (wire.number("7.5"), wire.number(None)) == (7.5, None)


@pytest.mark.parametrize(
    ("plan", "charges", "fixed_charges", "shown", "why"),
    [
        (APRIL, MARCH, YEAR, (APRIL, MARCH, YEAR), "each its own"),
        (None, MARCH, None, (MARCH, MARCH, None), "an event in advance, or paid fees of a subscription that ended"),
        (None, None, APRIL, (APRIL, APRIL, APRIL), "fixed charges in advance"),
        (YEAR, None, MARCH, (YEAR, None, MARCH), "a month of fixed charges (P11)"),
        (YEAR, MARCH, None, (YEAR, MARCH, None), "a month of usage (P11)"),
    ],
)
def test_the_windows_of_billing_periods(
    plan: tuple[str, str] | None,
    charges: tuple[str, str] | None,
    fixed_charges: tuple[str, str] | None,
    shown: tuple[tuple[str, str] | None, ...],
    why: str,
) -> None:
    period = _billing_period(plan, charges, fixed_charges)
    kinds = ("subscription", "charges", "fixed_charges")
    windows = [(period[f"{kind}_from_datetime"], period[f"{kind}_to_datetime"]) for kind in kinds]
    assert windows == [window or (None, None) for window in shown], why
    if shown[1] is not None:
        assert BillingPeriodResponse.parse_obj(period).charges_from_datetime == period["charges_from_datetime"]


def _billing_period(*windows: tuple[str, str] | None) -> Doc:
    """That of an invoice with these windows: of the plan, of usage, of fixed charges."""
    plan, charges, fixed_charges = (_instants(window) for window in windows)
    row = InvoiceSubscription(
        subscription_id=UUID(int=1),
        external_id="s1",
        plan_id=UUID(int=2),
        reason="subscription_periodic",
        recurring=True,
        timestamp=instant(APRIL[0]),
        from_at=plan[0],
        to_at=plan[1],
        charges_from_at=charges[0],
        charges_to_at=charges[1],
        fixed_charges_from_at=fixed_charges[0],
        fixed_charges_to_at=fixed_charges[1],
    )
    billed = Invoice.begin(
        UUID(int=3),
        organization_id=UUID(int=4),
        customer_id=UUID(int=5),
        external_customer_id="c1",
        status="draft",
        numbering=None,
        content=replace(invoice([FEE]), subscriptions=(row,)),
        at=row.timestamp,
    )
    shown = present_whole_invoice(document(billed), file_url=None, customer={}, fees=[], subscriptions=[])
    period: Doc = shown["billing_periods"][0]
    return period


def _instants(window: tuple[str, str] | None) -> tuple[datetime | None, datetime | None]:
    return (None, None) if window is None else (instant(window[0]), instant(window[1]))
