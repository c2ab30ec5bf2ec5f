"""How much each benchmark does: for figures, or only to see that it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """
    Attributes:
        rounds: how often work and limit take turns; the medians count.
        billing_rounds: the same for billing runs, which take longer.
        seconds, warm_up_seconds: of load over HTTP, in each turn: short ones, for what else the machine does changes.
        connections: of the load generator, each with one request under way.
        subscriptions: that are due at one instant.
        lead_seconds: from the start of that many workflows until then; more than ten, for then a run continues as new
            after a single period (`workflows/subscription.py`).
        rest_seconds: after a billing run, for its workflows to continue as new: else that would fall on the next.
        years: of the sandbox, 12 bills each.
        stored_events: in ClickHouse; of `metered` subscriptions.
        aggregated: events of one subscription, ascending.
        fees: priced in each round.
        reads: of current usage, and of the bare query.
        sent: events whose way into current usage is timed.
        streams: customers of the ledger that is replayed; each brings about ten events.
        idle_seconds: until the stack counts as idle.
    """

    rounds: int
    billing_rounds: int
    seconds: float
    warm_up_seconds: float
    connections: int
    subscriptions: int
    lead_seconds: float
    rest_seconds: float
    years: int
    stored_events: int
    metered: int
    aggregated: tuple[int, ...]
    fees: int
    reads: int
    sent: int
    streams: int
    idle_seconds: float


FULL = Sizes(
    rounds=9,
    billing_rounds=3,
    seconds=2,
    warm_up_seconds=0.5,
    connections=64,
    subscriptions=1_000,
    lead_seconds=20,
    rest_seconds=20,
    years=5,
    stored_events=10_000_000,
    metered=10_000,
    aggregated=(10_000, 100_000, 1_000_000, 10_000_000),
    fees=20_000,
    reads=400,
    sent=300,
    streams=3_000,
    idle_seconds=15,
)
SMOKE = Sizes(
    rounds=1,
    billing_rounds=1,
    seconds=0.2,
    warm_up_seconds=0.1,
    connections=2,
    subscriptions=3,
    lead_seconds=1,
    rest_seconds=0,
    years=1,
    stored_events=1_000,
    metered=10,
    aggregated=(10, 100),
    fees=100,
    reads=2,
    sent=2,
    streams=3,
    idle_seconds=0,
)
