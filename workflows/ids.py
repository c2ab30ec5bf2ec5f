"""Names that follow from the ledger, so that whoever needs a workflow finds the one there is."""

from __future__ import annotations

from uuid import UUID

BILLING = "billing"
"""Task queue of subscriptions and test clocks."""
DOCUMENTS = "documents"
"""Task queue of what takes seconds of a processor."""


def subscription(subscription_id: UUID) -> str:
    return f"subscription-{subscription_id}"


def test_clock(organization_id: UUID) -> str:
    return f"test-clock-{organization_id}"


def document(invoice_id: UUID) -> str:
    return f"document-{invoice_id}"
