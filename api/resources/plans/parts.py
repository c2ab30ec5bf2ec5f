"""The lists of charges, usage or fixed, in the body of a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

from api.fields import Fields


class _Part(Protocol):
    @property
    def id(self) -> UUID: ...

    @property
    def code(self) -> str: ...


P = TypeVar("P", bound=_Part)


def read_code(fields: Fields) -> str | None:
    """The code that a body gives a charge, usage or fixed; a blank one is none, as one that is absent."""
    code = fields.text("code")
    return code if code is not None and code.strip() else None


def read_parts(
    fields: Fields, name: str, before: Sequence[P], read: Callable[[Fields, P | None, set[str]], P]
) -> tuple[P, ...]:
    """The list in the body, whole: its parts are known by id, those that it does not name are gone.

    Args:
        read: makes one of its entry and of what it was, None where it is new; a new one without a code gets one that
            is not in the set.
    """
    entries = fields.objects(name)
    if entries is None:
        return tuple(before)
    olds = {part.id: part for part in before}
    matched = [olds.pop(id_, None) if (id_ := entry.uuid("id")) else None for entry in entries]
    codes = {read_code(entry) or (old.code if old else None) for entry, old in zip(entries, matched, strict=True)}
    taken = {code for code in codes if code}
    after: list[P] = []
    for entry, old in zip(entries, matched, strict=True):
        part = read(entry, old, taken)
        taken.add(part.code)
        after.append(part)
    if len({part.code for part in after}) < len(after):
        fields.refuse("code", "value_already_exist")
    return tuple(after)
