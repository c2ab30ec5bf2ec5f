"""What the operator of the installation may do, with the admin key: make organizations.

Source: conformance/README.md.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime

from api.call import Call
from api.envelope import Reply
from api.errors import unauthorized
from api.resources.organizations.schema import read_details
from api.routing import Resource
from domain.kernel import ids
from domain.organizations.commands import found_organization
from domain.organizations.organization import OrganizationDetails, default_prefix

router = Resource("admin", prefix="/admin")


def authenticate(call: Call) -> None:
    """Raises RequestError (401) unless the header carries the admin key; without one nobody gets in."""
    words = (call.header(b"authorization") or "").split()
    expected = call.services.admin_key
    given = words[1] if len(words) > 1 else ""
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise unauthorized()


@router.post("/organizations", status_code=201)
async def create_organization(call: Call) -> Reply:
    """A new organization with an API key, which is shown this once; a sandbox has a test clock.

    `custom_aggregation` lets it make metrics of `custom_agg` (metering-pricing A20).
    """
    authenticate(call)
    await call.read()
    fields = call.fields("organization")
    organization_id = ids.new()
    name = fields.mandatory_text("name")
    sandbox = fields.boolean("sandbox", False)
    prefix = default_prefix(name, organization_id)
    begun = OrganizationDetails(
        name=name,
        document_number_prefix=prefix,
        custom_aggregation=bool(fields.boolean("custom_aggregation", False)),
    )
    details = read_details(fields, begun)
    organization, key = await found_organization(
        call.services.ledger,
        organization_id,
        details,
        sandbox=bool(sandbox),
        at=datetime.now(UTC),  # noqa: TID251 - an organization that is being made has no clock yet
    )
    body = {"lago_id": str(organization.id), "name": details.name, "sandbox": organization.sandbox, "api_key": key}
    return Reply(201, {"organization": body})
