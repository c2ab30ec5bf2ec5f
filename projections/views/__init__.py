"""Which rows of the read models an aggregate has: a pure function of its state, for the append and for a rebuild."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.domain import Aggregate


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a read model.

    Attributes:
        table: registered in the database by `register_read_model` (a migration).
        doc: what `msgspec.to_builtins` makes of the state: Decimals and UUIDs are strings, instants RFC 3339.
    """

    table: str
    id: UUID
    organization_id: UUID
    doc: dict[str, Any]


Rows = Callable[[Any], list[Row]]


@dataclass(frozen=True, slots=True)
class View:
    """The read model of one kind of aggregate.

    Attributes:
        keys: the columns that `Ledger.find` may look it up by; `uuids` those of them that are no texts.
    """

    table: str
    keys: frozenset[str]
    uuids: frozenset[str]
    rows: Rows


_views: dict[type[Aggregate], View] = {}


def register(
    kind: type[Aggregate],
    table: str,
    *,
    keys: tuple[str, ...] = (),
    uuids: tuple[str, ...] = (),
    rows: Rows | None = None,
) -> None:
    """Say where aggregates of this kind are read: called once per kind, by the modules of this package.

    Args:
        table: the table that `Ledger.find` looks into.
        keys: its indexed columns of text, generated from `doc`, that `Ledger.find` may be asked for.
        uuids: likewise those of ids.
        rows: the rows of an aggregate; by default one in `table`, with its `document`.
    """
    assert kind not in _views, kind
    _views[kind] = View(
        table, frozenset(keys + uuids), frozenset(uuids), rows or (lambda aggregate: [document_row(table, aggregate)])
    )


def view(kind: type[Aggregate]) -> View:
    """The view of a kind. One that is missing is an error of the code: nobody would ever read such an aggregate."""
    register_all()
    assert kind in _views, f"{kind.__qualname__} has no view: register it in projections/views/"
    return _views[kind]


def rows(aggregate: Aggregate) -> list[Row]:
    return view(type(aggregate)).rows(aggregate)


def document_row(table: str, aggregate: Aggregate) -> Row:
    """The row that holds the public state; an aggregate without an organization is one (its id is the tenant)."""
    organization_id = getattr(aggregate, "organization_id", aggregate.id)
    return Row(table, aggregate.id, organization_id, document(aggregate))


def document(aggregate: Aggregate) -> dict[str, Any]:
    """The public state of an aggregate: its attributes without an underscore, `id`, `created_at`, `updated_at`."""
    state = {name: value for name, value in vars(aggregate).items() if not name.startswith("_")}
    state |= {"id": aggregate.id, "created_at": aggregate.created_on, "updated_at": aggregate.modified_on}
    builtins: dict[str, Any] = msgspec.to_builtins(state)
    return builtins


@cache
def register_all() -> None:
    """Import every module of this package, so that the registry is complete."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
