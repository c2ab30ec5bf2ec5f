"""The trial of a subscription: days from its first start during which the plan's amount is not owed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

_DAY_MICROSECONDS = 86_400_000_000


def trial_end_at(
    trial_period: Decimal | None, started_ats: Sequence[datetime], subscription_at: datetime
) -> datetime | None:
    """The instant at which the trial ends, or None where the plan has none.

    Args:
        trial_period: the plan's, in days of 24 hours, fractions allowed.
        started_ats: starts of all subscriptions of the customer with this external id, terminated ones too: a plan
            change does not begin the trial anew.
        subscription_at: the requested start, for a subscription that has not started.

    Source: metering-pricing L7, invoicing-money 1.6.
    """
    if not trial_period:
        return None
    length = timedelta(microseconds=int(trial_period * _DAY_MICROSECONDS))
    return min(started_ats, default=subscription_at) + length


def in_trial(at: datetime, trial_end: datetime | None) -> bool:
    """Whether `at` lies before the end of the trial."""
    return trial_end is not None and at < trial_end
