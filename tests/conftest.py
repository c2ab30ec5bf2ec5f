"""What all tests share: exact decimals, how laws are searched, the engines of `tests/engines/` (fixtures by name)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from domain.kernel import decimals

pytest_plugins = [
    "tests.engines.clickhouse",
    "tests.engines.postgres",
    "tests.engines.temporal",
]

# The same examples in every run, so that a failure is of the change; `--hypothesis-profile=search` looks for others.
# No limits of time: they would be of the machine.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("search"), derandomize=True)
settings.load_profile("same")


@pytest.fixture(scope="session", autouse=True)
def _exact_decimals() -> None:
    decimals.set_up()
