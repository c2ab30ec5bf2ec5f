"""Every worked example does what its README says, run as a reader runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.stack.up import ROOT

EXAMPLES = sorted(script.parent.name for script in (ROOT / "examples").glob("*/run.py"))


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
    printed = _rows(run.stdout, "│")
    assert printed, run.stdout
    readme = _rows((ROOT / "examples" / name / "README.md").read_text(), "|")
    assert printed == [row for row in readme if row in printed], "the README shows the lines as they are printed"


def _rows(text: str, border: str) -> list[tuple[str, ...]]:
    """(line, units, unit price, amount) of each row of a table, without the columns after these."""
    rows = (line.strip(border).split(border) for line in text.splitlines() if line.startswith(border))
    return [tuple(cell.strip() for cell in row[:4]) for row in rows]
