"""The document of an invoice: asked for in the ledger, rendered on a queue of its own."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.documents import DocumentActivities, DocumentRequest
    from workflows.steps import step

ONE_TRY = timedelta(minutes=10)
"""An invoice of thousands of lines takes minutes, and others may be before it."""


@workflow.defn
class DocumentWorkflow:
    @workflow.run
    async def run(self, request: DocumentRequest) -> None:
        await step(DocumentActivities.issue_document, request, one_try=ONE_TRY)
