"""A sandbox's clock in wire form. Source: conformance/README.md."""

from __future__ import annotations

from typing import Any

from projections.presenters import wire
from projections.views.test_clocks import ClockState


def present_test_clock(state: ClockState) -> dict[str, Any]:
    return {
        "now": wire.instant(state.now.isoformat()),
        "status": "ready" if state.target == state.now else "advancing",
    }
