from datetime import UTC, date, datetime

import pytest

from domain.invoicing.issuing_date import (
    AdjustmentSetting,
    AnchorSetting,
    IssuingKind,
    dates,
    dates_when_finalized,
)

FIRST_OF_JUNE = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("anchor", "adjustment", "grace", "recurring", "issued", "due"),
    [  # invoicing-money 18.19 and 5.2: net payment term 2
        ("next_period_start", "align_with_finalization_date", 3, True, (6, 4), (6, 6)),
        ("next_period_start", "align_with_finalization_date", 0, True, (6, 1), (6, 3)),
        ("next_period_start", "keep_anchor", 3, True, (6, 1), (6, 3)),
        ("current_period_end", "keep_anchor", 3, True, (5, 31), (6, 2)),
        ("current_period_end", "keep_anchor", 0, True, (5, 31), (6, 2)),
        ("current_period_end", "align_with_finalization_date", 0, True, (5, 31), (6, 2)),
        ("current_period_end", "align_with_finalization_date", 3, True, (6, 4), (6, 6)),
        ("current_period_end", "keep_anchor", 3, False, (6, 4), (6, 6)),
        ("next_period_start", "keep_anchor", 3, False, (6, 4), (6, 6)),
        ("current_period_end", "keep_anchor", 0, False, (6, 1), (6, 3)),
    ],
)
def test_dates_of_a_subscription_invoice(
    anchor: AnchorSetting,
    adjustment: AdjustmentSetting,
    grace: int,
    recurring: bool,
    issued: tuple[int, int],
    due: tuple[int, int],
) -> None:
    found = dates("subscription", FIRST_OF_JUNE, "UTC", grace, anchor, adjustment, recurring, 2)
    assert found.issuing_date == date(2024, *issued)
    assert found.payment_due_date == date(2024, *due)
    assert found.expected_finalization_date == date(2024, 6, 1 + grace)
    assert found.net_payment_term == 2


@pytest.mark.parametrize("kind", ["in_advance_charge", "advance_charges", "progressive_billing", "one_off", "credit"])
def test_others_know_no_grace(kind: IssuingKind) -> None:
    found = dates(kind, FIRST_OF_JUNE, "UTC", 3, "current_period_end", "keep_anchor", False, 0)
    assert found.issuing_date == found.expected_finalization_date == found.payment_due_date == date(2024, 6, 1)


@pytest.mark.parametrize(
    ("adjustment", "recurring", "day", "issued", "due"),
    [
        ("align_with_finalization_date", True, 4, 4, 6),
        ("align_with_finalization_date", True, 2, 2, 4),
        ("keep_anchor", True, 2, 1, 3),
        ("keep_anchor", True, 9, 1, 3),
        ("keep_anchor", False, 2, 2, 4),
    ],
)
def test_a_draft_is_issued_when_it_becomes_final(
    adjustment: AdjustmentSetting, recurring: bool, day: int, issued: int, due: int
) -> None:
    drafted = dates("subscription", FIRST_OF_JUNE, "UTC", 3, "next_period_start", adjustment, recurring, 2)
    final = dates_when_finalized(drafted, datetime(2024, 6, day, 10, tzinfo=UTC), "UTC", adjustment, recurring)
    assert final.issuing_date == date(2024, 6, issued)
    assert final.payment_due_date == date(2024, 6, due)
    assert final.expected_finalization_date == date(2024, 6, 4)


@pytest.mark.parametrize(
    ("timezone", "at", "issued", "why"),
    [  # conformance timezones.yaml, ending_at.yaml
        ("Asia/Kolkata", datetime(2023, 2, 28, 18, 30, tzinfo=UTC), date(2023, 3, 1), "the next day already"),
        ("America/Bogota", datetime(2023, 9, 6, tzinfo=UTC), date(2023, 9, 5), "still the day before"),
        ("Europe/Paris", datetime(2023, 9, 6, tzinfo=UTC), date(2023, 9, 6), "the same day"),
    ],
)
def test_dates_are_local(timezone: str, at: datetime, issued: date, why: str) -> None:
    found = dates("subscription", at, timezone, 0, "next_period_start", "align_with_finalization_date", True, 0)
    assert found.issuing_date == issued, why
    final = dates_when_finalized(found, at, timezone, "align_with_finalization_date", True)
    assert final.issuing_date == issued, why
