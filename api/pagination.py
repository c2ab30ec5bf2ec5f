"""Pages of lists, read as leniently as Lago does.

Source: api-surface 3.5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")

PER_PAGE = 100
_LAST_PAGE, _LARGEST = 1_000_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """`number` counts from 1."""

    number: int = 1
    size: int = PER_PAGE

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    def of(self, rows: Sequence[T]) -> Sequence[T]:
        """The rows of this page, of a list that is there as a whole."""
        return rows[self.offset : self.offset + self.size]

    def meta(self, total: int) -> dict[str, int | None]:
        """Lago's `meta` for a list of `total` rows in all. Without any, its current page is 0."""
        if total == 0:
            return {"current_page": 0, "next_page": None, "prev_page": None, "total_pages": 0, "total_count": 0}
        pages = -(-total // self.size)
        return {
            "current_page": self.number,
            "next_page": self.number + 1 if self.number < pages else None,
            "prev_page": self.number - 1 if self.number > 1 else None,
            "total_pages": pages,
            "total_count": total,
        }


def page_of(parameters: Mapping[str, Any]) -> Page:
    """The page that is asked for; what is no positive whole number counts as absent."""
    return Page(
        _positive(parameters.get("page"), 1, _LAST_PAGE), _positive(parameters.get("per_page"), PER_PAGE, _LARGEST)
    )


def _positive(value: object, default: int, most: int) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return default
    return min(int(text), most) or default
