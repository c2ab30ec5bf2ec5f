"""What a benchmark hands back: rows of one table, each with what it has to reach."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Reach:
    """A bound for the value, or for its ratio to the limit."""

    of: Literal["value", "ratio"]
    sign: Literal[">=", "<=", "<"]
    bound: float

    def holds(self, number: float) -> bool:
        return {">=": number >= self.bound, "<=": number <= self.bound, "<": number < self.bound}[self.sign]

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}{' of the limit' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of work.

    Attributes:
        limit: what the same machine does at most, or at least has to do, measured in the same run; in the same unit.
    """

    work: str
    value: float
    unit: str
    limit: float | None = None
    reach: Reach | None = None

    @property
    def ratio(self) -> float | None:
        return None if self.limit is None else self.value / self.limit

    @property
    def ok(self) -> bool | None:
        """None where nothing has to be reached."""
        if self.reach is None:
            return None
        number = self.value if self.reach.of == "value" else self.ratio
        assert number is not None, self.work
        return self.reach.holds(number)


def write(rows: Sequence[Row], file: Path) -> None:
    """As JSON: a list of objects."""
    file.parent.mkdir(parents=True, exist_ok=True)
    listed = [
        {
            "work": row.work,
            "value": rounded(row.value),
            "unit": row.unit,
            "limit": None if row.limit is None else rounded(row.limit),
            "ratio": None if row.ratio is None else rounded(row.ratio),
            "reach": None if row.reach is None else str(row.reach),
            "ok": row.ok,
        }
        for row in rows
    ]
    file.write_text(json.dumps(listed, indent=1) + "\n")


def show(rows: Sequence[Row], console: Console) -> None:
    """As Markdown, for `docs/benchmarks.md`."""
    table = Table(box=MARKDOWN)
    table.add_column("work")
    for name in ("value", "limit", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("reach")
    table.add_column("ok")
    for row in rows:
        limit = "" if row.limit is None else text(row.limit)
        ratio = "" if row.ratio is None else text(row.ratio)
        verdict = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[row.ok]
        table.add_row(row.work, f"{text(row.value)} {row.unit}", limit, ratio, str(row.reach or ""), verdict)
    console.print(table)


def rounded(number: float) -> float:
    """To three digits: the machine is not steadier than that."""
    return float(f"{number:.3g}")


def text(number: float) -> str:
    return f"{rounded(number):,.6g}"
