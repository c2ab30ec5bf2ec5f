"""Events and customers over HTTP: one process of the API, beside bare handlers that commit the same."""

from __future__ import annotations

from functools import partial
from typing import Final

from benchmarks import bare, bodies, generator, stack, tenant
from benchmarks.bodies import BATCH, Kind
from benchmarks.generator import Load
from benchmarks.results import Reach, Row
from benchmarks.rounds import in_turns
from benchmarks.sizes import Sizes
from benchmarks.tenant import Tenant
from cli.up import Stack

_WORKS: Final[tuple[tuple[Kind, int, str, str, Reach], ...]] = (
    ("event", 1, "usage events over HTTP, one each", "events/s", Reach("ratio", ">=", 0.75)),
    ("batch", BATCH, f"usage events over HTTP, batches of {BATCH}", "events/s", Reach("ratio", ">=", 0.75)),
    ("customer", 1, "customers upserted over HTTP", "requests/s", Reach("ratio", ">=", 0.6)),
)


async def run(on: Stack, sizes: Sizes) -> list[Row]:
    """All of the stack but the API and PostgreSQL stands still: there may be two cores only."""
    rows = []
    async with tenant.founded(on) as owner:
        answers = {kind: await _answer_bytes(owner, kind) for kind in bodies.KINDS}
        with stack.paused(on, "loader", "worker", "dispatcher"):
            async with bare.serving(on, answers) as bare_port:

                async def rate(port: int, kind: Kind) -> float:
                    load = Load(
                        port=port,
                        key=owner.key,
                        kind=kind,
                        connections=sizes.connections,
                        seconds=sizes.seconds,
                        warm_up_seconds=sizes.warm_up_seconds,
                    )
                    return (await generator.put(load, on)).per_second

                for kind, size, work, unit, reach in _WORKS:
                    value, limit = await in_turns(
                        sizes.rounds, partial(rate, on.port, kind), partial(rate, bare_port, kind)
                    )
                    rows.append(Row(work=work, value=size * value, unit=unit, limit=size * limit, reach=reach))
    return rows


async def _answer_bytes(owner: Tenant, kind: Kind) -> int:
    body = bodies.maker(kind, generator.name())()
    answer = await owner.post(bodies.PATHS[kind], content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    return len(answer.content)
