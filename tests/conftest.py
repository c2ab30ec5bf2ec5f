"""What all tests share: exact decimals, and the engines of `tests/engines/` (one module each, fixtures by name)."""

from __future__ import annotations

import pytest

from domain.kernel import decimals

pytest_plugins = [
    "tests.engines.clickhouse",
    "tests.engines.postgres",
    "tests.engines.temporal",
]


@pytest.fixture(scope="session", autouse=True)
def _exact_decimals() -> None:
    decimals.set_up()
