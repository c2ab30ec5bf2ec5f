"""What is handed to workflows, between them, and from run to run. Fields may be added here, with a default.

In a module of its own, which passes through the workflow sandbox: in there, types are not what they seem.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The time that a workflow lives in, and what it has heard of it. Handed from run to run.

    Attributes:
        test_clock: workflow id of the sandbox's clock; None in production, and then all but `spread_seconds` is idle.
        now: the latest instant of the sandbox that it has heard of.
        spread_seconds: those who wake at one instant do so within this time after it, each at its own moment.
    """

    test_clock: str | None = None
    now: datetime | None = None
    position: int = 0
    tick: int = 0
    spread_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRef:
    """Whom to bill, and how far that has come. `next_due_at` is None where it is to be found out first."""

    subscription_id: UUID
    next_due_at: datetime | None = None
    watch: Watch = field(default_factory=Watch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something that concerns the workflow is in the ledger, at `position`; `now` is a sandbox's time."""

    position: int
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """It is `now` in the sandbox. Ticks of one clock are numbered from 1."""

    number: int
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A workflow to its clock: I have done all up to the ledger's `position` and up to your `tick`; wake me then.

    Attributes:
        life: the same in all runs of a workflow that continues as new, another one when it was started again.
        wake_at: None when the workflow ends.
    """

    workflow_id: str
    life: str
    wake_at: datetime | None
    position: int
    tick: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """The workflows have been, or are about to be, called for what the ledger holds up to `position`."""

    workflow_ids: list[str]
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The ledger asks the clock to go to `at`."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A workflow that sleeps, as it last said (`Idle`)."""

    life: str
    wake_at: datetime
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TestClockRef:
    """The clock's whole state, handed from run to run; a new clock has the first four at most.

    Attributes:
        now: instant up to which all is done, as far as the ledger has been told.
        to_call: workflow ids of those who live in the sandbox and may believe that a former clock would wake them.
        position: of the ledger when these were looked up.
        target: instant that it is on its way to; `now` when it stands.
        ticks: how often it has ticked.
        sleepers: workflow id -> its wish.
        expected: workflow id -> position up to which it has not yet said that it is idle.
        ticking: workflow id -> number of the tick that it has not answered yet.
    """

    __test__ = False  # not a test, whatever its name makes pytest think

    organization_id: UUID
    now: datetime
    to_call: list[str] = field(default_factory=list)
    position: int = 0
    target: datetime | None = None
    ticks: int = 0
    sleepers: dict[str, Registration] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    ticking: dict[str, int] = field(default_factory=dict)
