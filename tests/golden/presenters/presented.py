"""One of everything, in wire form; `python -m tests.golden.presenters.presented` writes the golden files anew."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from domain.catalog.add_on import AddOn, AddOnDetails
from domain.catalog.billable_metric import BillableMetric, BillableMetricDetails, MetricFilter
from domain.catalog.charge import Charge, ChargeFilter
from domain.catalog.fixed_charge import FixedCharge, UnitsChange
from domain.catalog.plan import MinimumCommitment, Plan, PlanDetails
from domain.customers.customer import Address, BillingConfiguration, Customer, CustomerDetails, Metadata
from domain.invoicing.credit_note import CreditNote
from domain.invoicing.credit_use import use_credit
from domain.invoicing.invoice import Invoice, InvoiceNumbering
from domain.invoicing.issuing import issue_credit_note
from domain.kernel.aggregate import Aggregate
from domain.organizations.organization import Organization, OrganizationDetails
from domain.taxation.tax import Tax, TaxDetails
from projections.presenters.add_ons import present_add_on
from projections.presenters.billable_metrics import present_billable_metric, present_shown_billable_metric
from projections.presenters.credit_notes import present_credit_note
from projections.presenters.customers import present_customer, present_listed_customer, present_whole_customer
from projections.presenters.fixed_charges import present_fixed_charge
from projections.presenters.invoices import present_invoice, present_whole_invoice
from projections.presenters.organizations import present_organization
from projections.presenters.plans import Named, present_embedded_plan, present_listed_plan, present_whole_plan
from projections.presenters.taxes import present_embedded_tax, present_tax
from projections.presenters.test_clocks import present_test_clock
from projections.views import rows
from projections.views.plans import PlanCounts
from projections.views.reading import Doc
from projections.views.taxes import TaxView
from projections.views.test_clocks import ClockState
from tests.unit.invoicing.test_totals import FEE
from tests.unit.invoicing.test_unused_days import Ended, invoice

FOLDER = Path(__file__).parent
AT = datetime(2024, 2, 29, 12, 30, 15, 999_999, UTC)
LATER = datetime(2024, 3, 1, tzinfo=UTC)


def _id(number: int) -> UUID:
    return UUID(int=number)


def decided(doc: Doc) -> Doc:
    """A doc as an answer has it right after the decision: in the order of the aggregate's fields."""
    return doc


def read_back(doc: Any) -> Any:
    """A doc as its row gives it back: `jsonb` orders keys by their length first."""
    if isinstance(doc, dict):
        return {key: read_back(doc[key]) for key in sorted(doc, key=lambda key: (len(key), key))}
    return [read_back(item) for item in doc] if isinstance(doc, list) else doc


def presented(order: Callable[[Doc], Doc] = decided) -> dict[str, Any]:
    """Name of the golden file -> form -> what is answered, from docs in this order."""

    def doc(aggregate: Aggregate) -> Doc:
        return order(rows(aggregate)[0].doc)

    organization = Organization.begin(
        _id(1),
        details=OrganizationDetails(
            name="Acme, Inc.",
            document_number_prefix="ACM-0001",
            country="FR",
            timezone="Europe/Paris",
            email_settings=("invoice.finalized",),
            webhook_url="https://acme.test/hook",
        ),
        sandbox=True,
        at=AT,
    )
    customer = Customer.begin(
        _id(2),
        organization_id=_id(1),
        sequential_id=7,
        details=CustomerDetails(
            external_id="c-1",
            name="Wile",
            address=Address(city="Lyon", country="FR"),
            currency="EUR",
            billing_configuration=BillingConfiguration(invoice_grace_period=3),
            metadata=(Metadata(id=_id(3), key="tier", value="gold", display_in_invoice=True, created_at=AT),),
            tax_ids=(_id(9),),
        ),
        at=AT,
    )
    metric = BillableMetric.begin(
        _id(4),
        organization_id=_id(1),
        details=BillableMetricDetails(
            name="Storage",
            code="storage",
            aggregation_type="sum_agg",
            field_name="gb",
            filters=(MetricFilter(key="region", values=("eu", "us")),),
        ),
        at=AT,
    )
    plan = Plan.begin(_id(5), organization_id=_id(1), parent_id=None, details=_plan(), at=AT)
    tax = Tax.begin(
        _id(9), organization_id=_id(1), details=TaxDetails(name="VAT", code="vat", rate=Decimal("5.5")), at=AT
    )
    taxes = {str(_id(9)): TaxView(doc(tax), True)}
    add_on = AddOn.begin(
        _id(11),
        organization_id=_id(1),
        details=AddOnDetails(
            name="Seat",
            code="seat",
            amount_cents=1_000,
            amount_currency="EUR",
            description="A place to sit",
            tax_ids=(_id(9), _id(10)),
        ),
        at=AT,
    )
    named = Named({str(_id(4)): "storage"}, {str(_id(11)): doc(add_on)}, taxes)
    plan_parts = (doc(plan), named, PlanCounts(customers=1, active_subscriptions=2))
    fixed_charge = doc(plan)["details"]["fixed_charges"][0]
    customer_parts = (doc(customer), doc(organization), taxes)
    buyer = present_customer(*customer_parts[:2])
    credited, paid, note = _credited()
    return {
        "organization": {"whole": present_organization(doc(organization))},
        "customer": {
            "whole": present_whole_customer(*customer_parts),
            "listed": present_listed_customer(*customer_parts),
            "embedded": present_customer(*customer_parts[:2]),
        },
        "billable_metric": {
            "shown": present_shown_billable_metric(doc(metric)),
            "other": present_billable_metric(doc(metric)),
        },
        "add_on": {"whole": present_add_on(doc(add_on), taxes)},
        "fixed_charge": {
            "of plan": present_fixed_charge(fixed_charge, doc(add_on), taxes),
            "of subscription": present_fixed_charge(fixed_charge, doc(add_on), taxes, own_units="0.5"),
        },
        "plan": {
            "whole": present_whole_plan(*plan_parts),
            "listed": present_listed_plan(*plan_parts),
            "embedded": present_embedded_plan(*plan_parts),
        },
        "tax": {
            "whole": present_tax(taxes[str(_id(9))]),
            "embedded": present_embedded_tax(taxes[str(_id(9))]),
        },
        "credit_note": {
            "whole": present_credit_note(
                doc(note), customer=buyer, fees={row.doc["id"]: order(row.doc) for row in rows(credited)[1:]}
            )
        },
        "invoice": {
            "offset": present_invoice(doc(credited), file_url=None),
            "paid_by_credit": present_whole_invoice(
                doc(paid), file_url=None, customer=buyer, fees=[], subscriptions=[]
            ),
        },
        "test_clock": {
            "ready": present_test_clock(ClockState(AT, AT)),
            "advancing": present_test_clock(ClockState(AT, LATER)),
        },
    }


def _credited() -> tuple[Invoice, Invoice, CreditNote]:
    """An invoice, one that is paid with what is given back of the first, and the credit note for that."""
    ended = Ended(amount=3100, at="2024-05-10", start="2024-05-01", mode="offset", used_credit=3000)
    content = ended.note
    assert content is not None
    owner = {"organization_id": _id(1), "customer_id": _id(2), "external_customer_id": "c-1"}
    numbering = InvoiceNumbering(
        scheme="per_customer",
        prefix="ACM-0001",
        customer_sequential_id=7,
        sequential_id=3,
        organization_sequential_id=12,
        month="202402",
    )
    credited = Invoice.begin(_id(11), **owner, status="finalized", numbering=numbering, content=ended.billed, at=AT)
    note = issue_credit_note(_id(12), credited, content, at=AT)
    later = replace(numbering, sequential_id=4)
    spending = use_credit(invoice([replace(FEE, amount_cents=1000)]), _id(13), [note], at=LATER)
    paid = Invoice.begin(_id(13), **owner, status="finalized", numbering=later, content=spending, at=LATER)
    return credited, paid, note


def _plan() -> PlanDetails:
    charge_filter = ChargeFilter(
        id=_id(7),
        values={"region": ("eu",)},
        properties={"amount": "2", "pricing_group_keys": ["user"]},
        invoice_display_name="Europe",
        created_at=AT,
    )
    ranges = [
        {"from_value": 0, "to_value": Decimal("1.5"), "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": Decimal("1.5"), "to_value": None, "per_unit_amount": "0.5", "flat_amount": "0"},
    ]
    charges = (
        Charge(
            id=_id(6),
            code="storage",
            billable_metric_id=_id(4),
            charge_model="standard",
            properties={"amount": "1.50"},
            filters=(charge_filter,),
            tax_ids=(_id(9), _id(10)),
            created_at=AT,
        ),
        Charge(
            id=_id(8),
            code="storage_2",
            billable_metric_id=_id(4),
            charge_model="graduated",
            properties={"graduated_ranges": ranges},
            created_at=AT,
        ),
    )
    return PlanDetails(
        name="Pro",
        code="pro",
        interval="yearly",
        amount_cents=120_000,
        amount_currency="EUR",
        trial_period=Decimal("7.5"),
        bill_charges_monthly=True,
        charges=charges,
        fixed_charges=(_fixed_charge(),),
        minimum_commitment=MinimumCommitment(
            id=_id(13),
            amount_cents=200_000,
            invoice_display_name="Minimum",
            tax_ids=(_id(9), _id(10)),
            created_at=AT,
            updated_at=LATER,
        ),
        metadata={"sku": "P1", "note": None},
    )


def _fixed_charge() -> FixedCharge:
    ranges = [
        {"from_value": 0, "to_value": Decimal(10), "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": Decimal(11), "to_value": None, "per_unit_amount": "0.5", "flat_amount": "0"},
    ]
    return FixedCharge(
        id=_id(12),
        code="seats",
        add_on_id=_id(11),
        charge_model="volume",
        properties={"volume_ranges": ranges},
        units_log=(
            UnitsChange(units=Decimal(10), decided_at=AT, immediately=False),
            UnitsChange(units=Decimal("12.5"), decided_at=LATER, immediately=True),
        ),
        tax_ids=(_id(9), _id(10)),
        created_at=AT,
    )


if __name__ == "__main__":
    for name, forms in presented().items():
        (FOLDER / f"{name}.json").write_text(json.dumps(forms, indent=2) + "\n")
