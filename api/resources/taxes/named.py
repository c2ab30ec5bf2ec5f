"""Taxes that bodies name by their codes, kept by their ids: a tax may change its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from api.fields import Fields
from api.tenant import Tenant
from domain.kernel.errors import NotFoundError
from projections.views import taxes

_KEY = "tax_codes"


async def named_taxes(tenant: Tenant, entries: Sequence[Fields]) -> Mapping[str, UUID]:
    """The taxes that the entries name, by code.

    Raises:
        NotFoundError: `tax_not_found`.
    """
    codes = {code for entry in entries for code in entry.texts(_KEY) if code}
    found = await taxes.ids_of_codes(tenant.database, tenant.organization_id, codes)
    if not found.keys() >= codes:
        raise NotFoundError("tax")
    return found


def read_tax_ids(fields: Fields, named: Mapping[str, UUID], before: tuple[UUID, ...]) -> tuple[UUID, ...]:
    """The list in the body, whole.

    Args:
        named: what `named_taxes` found for the body.
    """
    if _KEY not in fields:
        return before
    return tuple(dict.fromkeys(named[code] for code in fields.texts(_KEY) if code))
