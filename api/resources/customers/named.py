"""The customer that a path names."""

from __future__ import annotations

from uuid import UUID

from api.call import Call
from domain.kernel.errors import NotFoundError
from projections.views import customers


async def named_customer(call: Call) -> UUID:
    """The id of the customer whose external id the path names.

    Raises:
        NotFoundError: `customer_not_found`.
    """
    tenant = call.tenant
    customer = await customers.get(tenant.database, tenant.organization_id, call.identifiers["external_customer_id"])
    if customer is None:
        raise NotFoundError("customer")
    return UUID(customer["id"])
