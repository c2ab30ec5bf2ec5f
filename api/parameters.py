"""Parameters of a request: those of the query, with brackets, merged with those of the body.

Source: api-surface 3.1, 3.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from api.errors import bad_request
from domain.kernel.errors import InvalidInputError

_JSON = msgspec.json.Decoder(float_hook=Decimal)
_NUL, _UNKNOWN = "\x00", "\ufffd"
_MAX_FIELDS = 1000


def parse_query(query: bytes) -> dict[str, Any]:
    """`a=1&b[]=2&b[]=3&c[k]=4` as `{"a": "1", "b": ["2", "3"], "c": {"k": "4"}}`, and `c[k][]=4` as `{"k": ["4"]}`.

    The last of equal names counts.

    PostgreSQL's text knows no NUL, so nothing that is stored can hold one: it becomes U+FFFD, which finds nothing.
    """
    if not query:
        return {}
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise bad_request() from None
    for name, value in pairs:
        value = value.replace(_NUL, _UNKNOWN)
        base, bracket, rest = name.partition("[")
        if not bracket or not rest.endswith("]"):
            found[name] = value
        elif rest == "]":
            if not isinstance(found.get(base), list):
                found[base] = []
            found[base].append(value)
        else:
            if not isinstance(found.get(base), dict):
                found[base] = {}
            key, nested, _ = rest.partition("][]")
            if not nested:
                found[base][rest[:-1]] = value
            elif isinstance(found[base].get(key), list):
                found[base][key].append(value)
            else:
                found[base][key] = [value]
    return found


def parse_body(body: bytes) -> dict[str, Any]:
    """The object in a body of JSON; `{}` for an empty body and for JSON that is no object. Fractions are Decimals.

    Raises:
        RequestError: 400, not JSON.
        InvalidInputError: a NUL in a text.
    """
    if not body.strip():
        return {}
    try:
        value = _JSON.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise bad_request() from None
    if not isinstance(value, dict):
        return {}
    if b"\\u0000" in body:
        refuse_nul(value)
    return value


def refuse_nul(body: Mapping[str, Any]) -> None:
    """Raises InvalidInputError that names the first field, inside its wrapper, whose value holds a NUL."""
    for wrapper, inner in body.items():
        if isinstance(inner, dict):
            for key, value in inner.items():
                if _has_nul(key) or _has_nul(value):
                    raise InvalidInputError({key.replace(_NUL, ""): ["value_is_invalid"]})
        elif _has_nul(inner) or _has_nul(wrapper):
            raise InvalidInputError({wrapper.replace(_NUL, ""): ["value_is_invalid"]})


def _has_nul(value: object) -> bool:
    match value:
        case str():
            return _NUL in value
        case dict():
            return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
        case list():
            return any(map(_has_nul, value))
        case _:
            return False


def clean(identifier: str) -> str:
    """A decoded part of a path, in which nothing stored is found where it held a NUL."""
    return identifier.replace(_NUL, _UNKNOWN)
