"""How many units of a fixed charge a subscription has, from when on, and what of that counts in a window.

Source: metering-pricing 18 (W2 to W4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from domain.catalog.fixed_charge import FixedCharge, UnitsChange
from domain.kernel.decimals import exact
from domain.kernel.zones import DAY, local_date
from domain.subscriptions.billing_dates import Schedule, next_fixed_charges_period
from domain.subscriptions.subscription import Subscription

_WEIGHT = Decimal("0.000001")
"""Scale of units that count for a part of the period (W4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsEvent:
    """From `effective_at` on there are `units`, by a decision of `decided_at`.

    Attributes:
        immediately: it took effect when it was decided, in the course of a period.
    """

    units: Decimal
    decided_at: datetime
    effective_at: datetime
    immediately: bool


def units_events(fixed_charge: FixedCharge, subscription: Subscription, schedule: Schedule) -> tuple[UnitsEvent, ...]:
    """All that was decided for a subscription that has started, in that order; later decisions only add to it.

    What was decided before it started counts from its start. From its first own units on, the plan's count no more.
    Lago lets the first take effect a second after the start; here it is the start, so that none falls on the next day.
    """
    own = [one.change for one in subscription.fixed_charge_units if one.fixed_charge_id == fixed_charge.root_id]
    of_plan = [one for one in fixed_charge.units_log if not own or one.decided_at <= own[0].decided_at]
    return tuple(_event(one, subscription, schedule) for one in (*of_plan, *own))


def _event(change: UnitsChange, subscription: Subscription, schedule: Schedule) -> UnitsEvent:
    started_at, activated_at, at = subscription.started_at, subscription.activated_at, change.decided_at
    assert started_at is not None
    assert activated_at is not None
    immediately, effective_at = change.immediately, at
    if at <= activated_at:
        # A clock may stand still: what is decided at the very instant of the start may come after its bill.
        immediately, effective_at = immediately and at == activated_at, started_at
    elif not immediately:
        effective_at = next_fixed_charges_period(schedule, at)
    return UnitsEvent(units=change.units, decided_at=at, effective_at=effective_at, immediately=immediately)


def in_window(events: Sequence[UnitsEvent], from_at: datetime, to_at: datetime) -> tuple[UnitsEvent, ...]:
    """Those that count in the window: that take effect in it, and the last decision of those before it (W3)."""
    earlier = [event for event in events if event.effective_at < from_at][-1:]
    return tuple(event for event in events if event in earlier or from_at <= event.effective_at < to_at)


def full_units(events: Sequence[UnitsEvent]) -> Decimal:
    """The units decided last (W4), of those `in_window`."""
    return events[-1].units if events else Decimal(0)


@exact()
def prorated_units(
    events: Sequence[UnitsEvent], from_at: datetime, to_at: datetime, *, duration_days: int, timezone: str
) -> Decimal:
    """Units by the local days that they held, 6 decimals each.

    A decision that takes effect before an earlier one does supersedes it.

    Args:
        events: those `in_window`.
        duration_days: of the whole period of fixed charges.

    Source: metering-pricing W4.
    """
    first, end = local_date(from_at, timezone), local_date(to_at, timezone) + DAY
    held = [*_not_superseded(events)]
    days = [max(local_date(event.effective_at, timezone), first) for event in held]
    weights = (
        (event.units * max((until - since).days, 0) / duration_days).quantize(_WEIGHT, ROUND_HALF_UP)
        for event, (since, until) in zip(held, pairwise([*days, end]), strict=True)
    )
    return sum(weights, Decimal(0))


def _not_superseded(events: Sequence[UnitsEvent]) -> Iterator[UnitsEvent]:
    for position, event in enumerate(events):
        if all(later.effective_at >= event.effective_at for later in events[position + 1 :]):
            yield event
