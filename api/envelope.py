"""What answers look like: an object or a list under its name, as JSON.

Source: api-surface 2, 3.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from api.pagination import Page

Json = dict[str, Any]

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not simply JSON with status 200.

    Attributes:
        body: JSON, or else
        content: bytes of `content_type`. With neither the answer is empty and has no content type.
    """

    status: int = 200
    body: Json | None = None
    content: bytes = b""
    content_type: str | None = None


def listing(name: str, rows: Sequence[Json], page: Page, total: int) -> Json:
    """One page of a list under its name, with `meta`."""
    return {name: rows, "meta": page.meta(total)}


def encode(body: Json) -> bytes:
    return _ENCODER.encode(body)
