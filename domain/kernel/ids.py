"""Identifiers: random ones in the order of their making, and those that follow from what they name."""

from __future__ import annotations

import os
import random
import time
from uuid import UUID, uuid5

_NAMESPACE = UUID("6f1c9a52-8f6e-5d0b-9a3e-0d1b7a3c5e11")
_source = random.Random()  # noqa: S311 - unique is enough, an id is no secret
os.register_at_fork(after_in_child=_source.seed)
_random = _source.getrandbits


def new() -> UUID:
    """A UUID of version 7 (RFC 9562): later ones sort after earlier ones, which keeps indexes dense.

    Its time is the machine's, also in a sandbox: it orders, and is never read as an instant.
    """
    millis = time.time_ns() // 1_000_000
    bits = _random(74)
    return UUID(int=(millis & (1 << 48) - 1) << 80 | 0x7 << 76 | bits >> 62 << 64 | 0b10 << 62 | bits & (1 << 62) - 1)


def of(kind: str, *parts: object) -> UUID:
    """The identifier that follows from `kind` and `parts`, so that a retry finds what the first try made."""
    return uuid5(_NAMESPACE, "\x1f".join((kind, *map(str, parts))))
