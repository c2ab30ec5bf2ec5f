"""Work and limit in turns, so that what else the machine does falls on both."""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable


async def in_turns(
    times: int, work: Callable[[], Awaitable[float]], limit: Callable[[], Awaitable[float]]
) -> tuple[float, float]:
    """The medians of both."""
    worked, limited = [], []
    for _ in range(times):
        worked.append(await work())
        limited.append(await limit())
    return statistics.median(worked), statistics.median(limited)
