"""Pricing units in wire form. Source: metering-pricing X1."""

from __future__ import annotations

from typing import Any

from projections.presenters import wire
from projections.views.reading import Doc


def present_pricing_unit(doc: Doc) -> dict[str, Any]:
    details = doc["details"]
    return {
        "lago_id": doc["id"],
        "name": details["name"],
        "code": details["code"],
        "short_name": details["short_name"],
        "description": details["description"],
        "created_at": wire.instant(doc["created_at"]),
    }
