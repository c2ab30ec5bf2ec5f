"""A usage event as a line of the ingest log, which ClickHouse takes as it is (`schema.sql` has its columns)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from hashlib import blake2b

import msgspec

next_n = itertools.count(1).__next__
"""Ascends within this process, and one process writes a row of the log."""

_encode = msgspec.json.Encoder().encode_lines


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """One event. `seq` is not in the line: the log gives it when it commits, and the loader adds it.

    Attributes:
        n: ascends in the order of arrival within one `seq`.
        event_id: the identity's hash as a UUID (`identity`), or a random one.
        external_subscription_id: "" where the event names none.
        timestamp: UTC without offset, to the microsecond; `received_at` likewise.
        properties: a JSON object without newlines, as sent.
        values: the same as filters, groups and numbers look at it: ClickHouse reads it into a map of strings (null is
            "", and numbers are as they are written here).
        precise_total_amount_cents: decimal digits.
    """

    n: int
    organization_id: str
    external_subscription_id: str
    code: str
    transaction_id: str
    event_id: str
    timestamp: str
    received_at: str
    properties: msgspec.Raw
    values: msgspec.Raw
    precise_total_amount_cents: str | None = None


def encode(lines: Sequence[Line]) -> bytes:
    """Lines, each ended by the one newline that is in it (so properties must not have raw ones)."""
    return _encode(lines)


def identity(organization_id: bytes, external_subscription_id: str, transaction_id: str) -> bytes:
    """16 bytes that are the event's identity: a hash of (organization, subscription, transaction).

    Source: metering-pricing E7 (neither time nor code is part of it).
    """
    names = f"{len(external_subscription_id)}:{external_subscription_id}{transaction_id}"
    return blake2b(organization_id + names.encode(), digest_size=16).digest()


def with_seq(seq: int, body: bytes) -> bytes:
    """The body of the log's row `seq`, with `seq` in each of its lines."""
    return body.replace(b'{"n":', b'{"seq":%d,"n":' % seq, 1).replace(b'\n{"n":', b'\n{"seq":%d,"n":' % seq)
