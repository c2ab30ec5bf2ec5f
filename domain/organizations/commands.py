"""What can be done with organizations, and with the time of a sandbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from domain.kernel.errors import ForbiddenError, InvalidInputError
from domain.kernel.ledger import Ledger
from domain.organizations.organization import Organization, OrganizationDetails
from domain.organizations.test_clock import TestClock, test_clock_id


async def found_organization(
    ledger: Ledger, organization_id: UUID, details: OrganizationDetails, *, sandbox: bool, at: datetime
) -> tuple[Organization, str]:
    """A new organization and its first API key in clear, which is not kept. A sandbox gets a clock that shows `at`."""
    organization = Organization.begin(organization_id, details=details, sandbox=sandbox, at=at)
    key = organization.add_api_key(at=at)
    if not sandbox:
        await ledger.append(organization)
        return organization, key
    clock = TestClock.begin(test_clock_id(organization_id), organization_id=organization_id, now=at, at=at)
    await ledger.append(organization, clock)
    return organization, key


async def update_organization(
    ledger: Ledger,
    organization_id: UUID,
    change: Callable[[OrganizationDetails], OrganizationDetails],
    *,
    at: datetime,
) -> Organization:
    """Change the organization: `change` turns the details of before into the new.

    Raises:
        ConflictError: somebody else did so at the same moment; try again.
    """
    organization = await ledger.load(Organization, organization_id)
    organization.update(change(organization.details), at=at)
    await ledger.append(organization)
    return organization


async def move_test_clock(
    ledger: Ledger, organization_id: UUID, target: datetime, *, sandbox: bool, anything_waits: bool
) -> TestClock:
    """Move a sandbox's time to `target`, at once where nothing waits for time in it.

    The first move may go anywhere as long as nothing waits; from then on time only goes forward.

    Args:
        anything_waits: whether the organization has, or had, a subscription.

    Raises:
        ForbiddenError: the organization is no sandbox.
        InvalidInputError: `target` lies before the clock's time.
        NotAllowedError: an advance to another instant is under way.

    Source: conformance/README.md.
    """
    if not sandbox:
        raise ForbiddenError("test_clock_not_available")
    clock = await ledger.load(TestClock, test_clock_id(organization_id))
    untouched = clock.version == TestClock.INITIAL_VERSION
    if anything_waits:
        clock.request(target, at=clock.now)
    elif untouched or target > clock.now:
        clock.place(target, at=clock.now)
    elif target < clock.now:
        raise InvalidInputError({"now": ["value_is_out_of_range"]})
    await ledger.append(clock)
    return clock
