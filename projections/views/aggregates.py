"""The rows of every kind of aggregate. Most are one document; what is listed by itself has rows of its own."""

from __future__ import annotations

from domain.catalog.add_on import AddOn
from domain.catalog.billable_metric import BillableMetric
from domain.catalog.plan import Plan
from domain.catalog.pricing_unit import PricingUnit
from domain.customers.customer import Customer
from domain.invoicing.credit_note import CreditNote
from domain.invoicing.invoice import Invoice
from domain.invoicing.standalone_fee import StandaloneFee
from domain.organizations.organization import Organization
from domain.organizations.test_clock import TestClock
from domain.subscriptions.subscription import Subscription
from domain.taxation.tax import Tax
from projections.views import Row, document, document_row, register


def _organization(organization: Organization) -> list[Row]:
    row = document_row("organizations", organization)
    keys = row.doc.pop("api_keys")
    return [
        row,
        *(Row("api_keys", key.id, organization.id, doc) for key, doc in zip(organization.api_keys, keys, strict=True)),
    ]


def _invoice(invoice: Invoice) -> list[Row]:
    """The invoice without its fees, and a row for each of them; those that it gathers have theirs already."""
    doc = document(invoice)
    shared = {
        "invoice_id": doc["id"],
        "invoice_status": doc["status"],
        "payment_status": doc["payment_status"],
        "customer_id": doc["customer_id"],
        "external_customer_id": doc["external_customer_id"],
        "currency": doc["content"]["currency"],
        "timezone": doc["content"]["timezone"],
        "created_at": doc["created_at"],
    }
    fees = doc["content"].pop("fees")
    if invoice.content.invoice_type == "advance_charges":
        return [Row("invoices", invoice.id, invoice.organization_id, doc)]
    return [
        Row("invoices", invoice.id, invoice.organization_id, doc),
        *(
            Row("fees", fee.id, invoice.organization_id, {**fee_doc, **shared, "position": position})
            for position, (fee, fee_doc) in enumerate(zip(invoice.content.fees, fees, strict=True))
        ),
    ]


def _standalone_fee(standalone: StandaloneFee) -> list[Row]:
    doc = document(standalone)
    shared = {
        **{key: doc[key] for key in ("invoice_id", "invoice_status", "payment_status", "created_at", "deleted_at")},
        **{key: doc[key] for key in ("customer_id", "external_customer_id", "currency", "timezone")},
        "position": 0,
    }
    if doc["payment_status"] != "pending":
        shared[f"{doc['payment_status']}_at"] = doc["payment_status_at"]
    return [Row("fees", standalone.id, standalone.organization_id, {**doc["fee"], **shared})]


register(Organization, "organizations", rows=_organization)
register(TestClock, "test_clocks")
register(BillableMetric, "billable_metrics", keys=("code",))
register(Tax, "taxes", keys=("code",))
register(AddOn, "add_ons", keys=("code",))
register(Plan, "plans", keys=("code",), uuids=("parent_id",))
register(PricingUnit, "pricing_units", keys=("code",))
register(Customer, "customers", keys=("external_id",))
register(Subscription, "subscriptions", keys=("external_id", "status"), uuids=("customer_id", "plan_id"))
register(Invoice, "invoices", keys=("status",), uuids=("customer_id",), rows=_invoice)
register(StandaloneFee, "fees", keys=("gathered_with",), rows=_standalone_fee)
register(CreditNote, "credit_notes", keys=("credit_status", "currency"), uuids=("customer_id",))
