"""The document of an invoice: asked for in the ledger, rendered on a queue of its own."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.documents import DocumentActivities, DocumentRequest
    from workflows.steps import step


@workflow.defn
class DocumentWorkflow:
    @workflow.run
    async def run(self, request: DocumentRequest) -> None:
        await step(DocumentActivities.issue_document, request)
