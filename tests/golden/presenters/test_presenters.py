"""What goes over the wire stays as it is, key for key and in their order."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from projections.presenters import wire
from projections.views.reading import Doc
from tests.golden.presenters.presented import FOLDER, decided, presented, read_back


@pytest.mark.parametrize("order", [decided, read_back])
@pytest.mark.parametrize("name", sorted(presented()))
def test_presenter(name: str, order: Callable[[Doc], Doc]) -> None:
    assert json.dumps(presented(order)[name], indent=2) + "\n" == (FOLDER / f"{name}.json").read_text()


@pytest.mark.parametrize(
    ("value", "instant", "millis", "offset", "why"),
    [
        ("2024-02-29T12:30:15.999999Z", "2024-02-29T12:30:15Z", "2024-02-29T12:30:15.999Z",
         "2024-02-29T12:30:15+00:00", "cut, not rounded"),
        ("2024-02-29T12:30:15Z", "2024-02-29T12:30:15Z", "2024-02-29T12:30:15.000Z",
         "2024-02-29T12:30:15+00:00", "without a fraction"),
        ("2024-02-29T01:30:15.5+02:00", "2024-02-28T23:30:15Z", "2024-02-28T23:30:15.500Z",
         "2024-02-28T23:30:15+00:00", "another offset"),
        (None, None, None, None, "null is null"),
    ],
)  # fmt: skip
def test_times(value: str | None, instant: str | None, millis: str | None, offset: str | None, why: str) -> None:
    assert wire.instant(value) == instant, why
    assert wire.instant_millis(value) == millis, why
    assert wire.instant_offset(value) == offset, why


def test_numbers() -> None:
    assert (wire.number("7.5"), wire.number(None)) == (7.5, None)
