"""The document of an invoice, rendered and kept, as a step of its workflow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from temporalio import activity

from activities.failures import reported
from activities.heartbeats import beating
from activities.retries import CONFLICTS
from domain.invoicing.document import InvoiceDocument, document_of
from domain.invoicing.invoice import Invoice
from domain.kernel.errors import ConflictError
from domain.kernel.ledger import Ledger


class Renderer(Protocol):
    async def render(self, document: InvoiceDocument) -> bytes:
        """A PDF. Raises UnavailableError."""
        ...


class StoredDocument(Protocol):
    @property
    def sha256(self) -> str: ...
    @property
    def template_version(self) -> str: ...


class DocumentStore(Protocol):
    async def put(
        self, organization_id: UUID, document_id: UUID, content: bytes, *, template_version: str, at: datetime
    ) -> StoredDocument:
        """Keep it unless there is one already; answers the one that is kept. Raises UnavailableError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRequest:
    """`requested_at` is the organization's time: the document and its event are dated so, however late they are."""

    invoice_id: UUID
    requested_at: datetime


class DocumentActivities:
    """Args: `template_version` is stored beside what `renderer` makes."""

    def __init__(self, ledger: Ledger, renderer: Renderer, template_version: str, store: DocumentStore) -> None:
        self._ledger, self._renderer, self._store = ledger, renderer, store
        self._template_version = template_version

    @activity.defn
    async def issue_document(self, request: DocumentRequest) -> None:
        """Render, store, and tell the invoice. Idempotent: the first one that was stored stays."""
        async with beating():
            with reported():
                await self._issue(request)

    async def _issue(self, request: DocumentRequest) -> None:
        invoice = await self._ledger.load(Invoice, request.invoice_id)
        if invoice.document_sha256 is not None:
            return
        content = await self._renderer.render(document_of(invoice))
        stored = await self._store.put(
            invoice.organization_id,
            invoice.id,
            content,
            template_version=self._template_version,
            at=request.requested_at,
        )
        await self._tell(invoice, stored, request.requested_at)

    async def _tell(self, invoice: Invoice, stored: StoredDocument, at: datetime) -> None:
        for _ in range(CONFLICTS):
            invoice.keep_document(stored.sha256, stored.template_version, at=at)
            try:
                return await self._ledger.append(invoice)
            except ConflictError:
                invoice = await self._ledger.load(Invoice, invoice.id)
        raise ConflictError
