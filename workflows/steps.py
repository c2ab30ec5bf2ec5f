"""Activities as steps of a workflow: one place for their time-outs and retries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.heartbeats import MISSED_AFTER
    from activities.retries import UNTIL_DONE

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

ONE_TRY = timedelta(minutes=10)
"""For the largest customer's bill, or an invoice of thousands of lines. What a try has committed stays."""


async def step(activity: Callable[[Any, Asked], Awaitable[Answered]], asked: Asked) -> Answered:
    """Run the activity on the workflow's own task queue until it is done.

    A normal activity, not a local one, which would save 5 to 10 ms of the 25 to 35 that a period of a sandbox takes:
    while it fails, Temporal shows it as pending, with its last failure.

    Raises:
        ActivityError: a failure that no retry can mend (`activities/failures.py`).
    """
    return await workflow.execute_activity_method(
        activity, asked, start_to_close_timeout=ONE_TRY, heartbeat_timeout=MISSED_AFTER, retry_policy=UNTIL_DONE
    )
