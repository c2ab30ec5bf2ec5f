"""`python -m benchmarks [names]`: measure, show the table, and write `build/bench.json`.

One after the other, each on a stack that is started for it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import uvloop
from rich.console import Console

from benchmarks import (
    aggregations,
    billing,
    http,
    machine,
    memory,
    metering,
    pricing,
    replay,
    results,
    sandbox,
    stack,
    usage,
)
from benchmarks.results import Row
from benchmarks.sizes import FULL, Sizes
from cli.up import Stack
from domain.kernel import decimals

BENCHMARKS: Final[Mapping[str, Callable[[Stack, Sizes], Awaitable[list[Row]]]]] = {
    "memory": memory.run,
    "sandbox": sandbox.run,
    "http": http.run,
    "billing": billing.run,
    "usage": usage.run,
    "metering": metering.run,
    "aggregations": aggregations.run,
    "pricing": pricing.run,
    "replay": replay.run,
}

console = Console(highlight=False, width=140)
"""As wide as the table."""


async def measure(names: Sequence[str]) -> list[Row]:
    rows = []
    for name in names:
        began = time.monotonic()
        async with stack.running(stack.BUILD / "benchmarks" / name) as on:
            found = await BENCHMARKS[name](on, FULL)
        results.show(found, console)
        console.print(f"{name}: {time.monotonic() - began:.0f} s")
        rows += found
    return rows


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(names) - BENCHMARKS.keys():
        raise SystemExit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    decimals.set_up()
    rows = uvloop.run(measure(names))
    file = stack.BUILD / "bench.json"
    results.write(rows, file)
    for line in machine.description():
        console.print(line)
    results.show(rows, console)
    console.print(f"written to {file}")


if __name__ == "__main__":
    main()
