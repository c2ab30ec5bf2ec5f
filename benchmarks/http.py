"""Events and customers over HTTP: one process of the API, beside bare handlers that commit the same."""

from __future__ import annotations

from typing import Final

from benchmarks import bare, generator, stack, tenant
from benchmarks.bodies import BATCH, Kind
from benchmarks.generator import Load
from benchmarks.results import Reach, Row
from benchmarks.rounds import in_turns
from benchmarks.sizes import Sizes
from cli.up import Stack

WORKS: Final[tuple[tuple[Kind, int, str, str, Reach], ...]] = (
    ("event", 1, "usage events over HTTP, one each", "events/s", Reach("ratio", ">=", 0.75)),
    ("batch", BATCH, f"usage events over HTTP, batches of {BATCH}", "events/s", Reach("ratio", ">=", 0.75)),
    ("customer", 1, "customers upserted over HTTP", "requests/s", Reach("ratio", ">=", 0.6)),
)


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    """The rest of the stack stands still, but for PostgreSQL: there are two cores."""
    rows = []
    async with tenant.founded(on) as owner, bare.serving(on) as bare_port:
        for kind, size, work, unit, reach in WORKS:

            async def rate(port: int, kind: Kind = kind, size: int = size) -> float:
                load = Load(
                    port=port,
                    key=owner.key,
                    kind=kind,
                    connections=sizes.connections,
                    seconds=sizes.seconds,
                    warm_up_seconds=sizes.warm_up_seconds,
                )
                return size * (await generator.put(load, on)).per_second

            with stack.paused(on, "loader", "worker", "dispatcher", "temporal"):
                value, limit = await in_turns(sizes.rounds, lambda: rate(on.port), lambda: rate(bare_port))  # noqa: B023
            rows.append(Row(work=work, value=value, unit=unit, limit=limit, reach=reach))
    return rows
