from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.subscriptions.trial import in_trial, trial_end_at

START = datetime(2024, 3, 5, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "ends_at", "why"),
    [
        ("10", datetime(2024, 3, 15, 12, 12, tzinfo=UTC), "to the minute of the start"),
        ("45", datetime(2024, 4, 19, 12, 12, tzinfo=UTC), "longer than the period"),
        ("0.5", datetime(2024, 3, 6, 0, 12, tzinfo=UTC), "half a day"),
        ("0", None, "no trial"),
        (None, None, "no trial"),
    ],
)
def test_the_end_of_a_trial(days: str | None, ends_at: datetime | None, why: str) -> None:
    assert trial_end_at(Decimal(days) if days else None, [START], START) == ends_at, why


def test_a_plan_change_does_not_begin_the_trial_anew() -> None:
    upgraded_at = datetime(2024, 3, 10, tzinfo=UTC)
    assert trial_end_at(Decimal(13), [upgraded_at, START], START) == datetime(2024, 3, 18, 12, 12, tzinfo=UTC)


def test_before_the_start_the_requested_one_counts() -> None:
    assert trial_end_at(Decimal(1), [], START) == datetime(2024, 3, 6, 12, 12, tzinfo=UTC)


def test_a_trial_is_over_at_the_instant_of_its_end() -> None:
    end = datetime(2024, 3, 15, 12, 12, tzinfo=UTC)
    assert in_trial(datetime(2024, 3, 15, 12, 11, 59, tzinfo=UTC), end)
    assert not in_trial(end, end)
    assert not in_trial(START, None)
