"""How steps of workflows are retried, by name."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import RetryPolicy

UNTIL_DONE = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=5),
    maximum_attempts=0,
)
"""For what is owed: without end, and never more than five minutes after what was missing came back (engine 4.3)."""

CONFLICTS = 5
"""How often a decision is made again at once, inside of one attempt, when another append was faster."""
