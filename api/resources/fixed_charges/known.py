"""The add-ons that fixed charges in a body may name, looked up before it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.fields import Fields
from api.tenant import Tenant
from domain.kernel.errors import NotFoundError
from projections.views import add_ons
from projections.views.reading import Doc


@dataclass(frozen=True, slots=True)
class KnownAddOn:
    """One that is not deleted."""

    id: UUID
    code: str


async def look_up_add_ons(tenant: Tenant, entries: Sequence[Fields]) -> Mapping[UUID, KnownAddOn]:
    """Those that the entries name by their ids; what is missing has no place in it."""
    named = {add_on_id for entry in entries if (add_on_id := entry.uuid("add_on_id")) is not None}
    found = await add_ons.of_ids(tenant.database, tenant.organization_id, named)
    return {add_on_id: _known(doc) for add_on_id, doc in found.items() if doc["deleted_at"] is None}


async def find_add_on(tenant: Tenant, fields: Fields) -> KnownAddOn:
    """The one that a body names by its id, or else by its code.

    Raises:
        NotFoundError: `add_on_not_found`.
    """
    if fields.values.get("add_on_id") is not None:
        found = await look_up_add_ons(tenant, [fields])
        if not found:
            raise NotFoundError("add_on")
        return next(iter(found.values()))
    code = fields.text("add_on_code")
    doc = await add_ons.get(tenant.database, tenant.organization_id, code) if code else None
    if doc is None:
        raise NotFoundError("add_on")
    return _known(doc)


def _known(doc: Doc) -> KnownAddOn:
    return KnownAddOn(UUID(doc["id"]), doc["details"]["code"])
