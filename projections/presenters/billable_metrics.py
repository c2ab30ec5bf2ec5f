"""Billable metrics in wire form. Source: api-surface Q9; metering-pricing A1."""

from __future__ import annotations

from typing import Any

from projections.presenters import wire
from projections.views.reading import Doc


def present_shown_billable_metric(doc: Doc) -> dict[str, Any]:
    """A metric read by itself. Its `custom_aggregator` is no key of Lago's, so it is there where there is one."""
    details = doc["details"]
    aggregator = details["custom_aggregator"]
    return {
        "lago_id": doc["id"],
        "name": details["name"],
        "code": details["code"],
        "description": details["description"],
        "aggregation_type": details["aggregation_type"],
        "weighted_interval": details["weighted_interval"],
        "recurring": details["recurring"],
        "rounding_function": details["rounding_function"],
        "rounding_precision": details["rounding_precision"],
        "created_at": wire.instant(doc["created_at"]),
        "field_name": details["field_name"],
        "expression": details["expression"],
        "filters": [{"key": filter_["key"], "values": filter_["values"]} for filter_ in details["filters"]],
        **({} if aggregator is None else {"custom_aggregator": aggregator}),
    }


def present_billable_metric(doc: Doc) -> dict[str, Any]:
    """A metric made, changed, removed or listed, with counts that Lago keeps at zero."""
    counts = {"active_subscriptions_count": 0, "draft_invoices_count": 0, "plans_count": 0}
    return present_shown_billable_metric(doc) | counts
