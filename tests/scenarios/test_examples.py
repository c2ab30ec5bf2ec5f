"""Every worked example does what its README says, run as a reader runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.up import ROOT

EXAMPLES = sorted(script.parent.name for script in Path(ROOT, "examples").glob("*/run.py"))


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str, stack: tuple[str, str]) -> None:
    url, admin_key = stack
    run = subprocess.run(
        [sys.executable, "-m", f"examples.{name}.run", "--url", url, "--admin-key", admin_key],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
