"""An invoice's document: rendered on its own queue, stored, and known to the invoice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from activities.documents import DocumentActivities
from domain.invoicing.document import InvoiceDocument
from domain.invoicing.invoice import Invoice
from domain.kernel.errors import UnavailableError
from projections.documents import Documents
from tests.builders import instant
from tests.workflows.world import World, until
from workflows.worker import document_worker


@dataclass
class Plain:
    """Renders the number alone, and fails at first."""

    failures: int = 1
    rendered: list[str] = field(default_factory=list)

    async def render(self, document: InvoiceDocument) -> bytes:
        if self.failures:
            self.failures -= 1
            raise UnavailableError("fonts")
        self.rendered.append(document.number)
        return document.number.encode()


async def test_it_is_rendered_when_it_is_asked_for(world: World) -> None:
    renderer, documents = Plain(), Documents(world.database)
    activities = DocumentActivities(world.ledger, renderer, "7", documents)
    async with world.running(), document_worker(world.client, activities, at_once=1):
        sandbox = await world.sandbox()
        await sandbox.shop.subscribe(at="2024-01-01")
        await sandbox.advance("2024-02-01")
        [invoice] = await world.ledger.find_all(Invoice, sandbox.id)
        invoice.request_document(at=instant("2024-02-01"))
        await world.ledger.append(invoice)

        async def issued() -> bool:
            return (await world.ledger.load(Invoice, invoice.id)).document_sha256 is not None

        await until(issued)
    assert invoice.numbering is not None
    assert renderer.rendered == [invoice.numbering.number]
    stored = await documents.get(sandbox.id, invoice.id)
    assert stored is not None
    assert (stored.content, stored.template_version) == (invoice.numbering.number.encode(), "7")
    assert stored.created_at == instant("2024-02-01"), "the sandbox's time"
    told = await world.ledger.load(Invoice, invoice.id)
    assert told.document_sha256 == stored.sha256 == hashlib.sha256(stored.content).hexdigest()
