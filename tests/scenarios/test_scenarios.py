"""Every scenario below this folder, against `durabill up` as a person would start it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.scenario import load, tell

SCENARIOS = dict(load(Path(__file__).parent))


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, stack: tuple[str, str]) -> None:
    document: dict[str, Any] = SCENARIOS[name]
    url, admin_key = stack
    tell(document, url, admin_key)
