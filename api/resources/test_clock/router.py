"""The time of a sandbox: asked for, and moved.

Source: conformance/README.md.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

from api.call import Call
from api.envelope import Json, Reply
from api.idempotency import answers
from api.resources.test_clock.schema import read_now
from api.routing import Resource
from api.tenant import Tenant
from domain.kernel.errors import ForbiddenError
from domain.organizations.commands import move_test_clock
from domain.organizations.test_clock import test_clock_id
from projections.presenters.test_clocks import present_test_clock
from projections.views import reading, test_clocks

router = Resource("test_clock")

_POLLS, _PAUSE_SECONDS = 20, 0.05


@router.get("/test_clock")
async def get_test_clock(call: Call) -> Json:
    """The sandbox's time, and whether all that was due by then is done."""
    if not call.tenant.sandbox:
        raise ForbiddenError("test_clock_not_available")
    return _body(await test_clocks.get(call.tenant.database, call.tenant.organization_id))


@router.put("/test_clock")
async def put_test_clock(call: Call) -> Reply:
    """Move the sandbox's time; 202 while what falls in between is still being worked through."""
    tenant = call.tenant
    if not tenant.sandbox:
        raise ForbiddenError("test_clock_not_available")
    await move_test_clock(
        tenant.ledger,
        tenant.organization_id,
        read_now(call.fields("test_clock")),
        sandbox=tenant.sandbox,
        anything_waits=await reading.exists(tenant.database, tenant.organization_id, "subscriptions", "true"),
    )
    return await _arrived(tenant, test_clock_id(tenant.organization_id))


@answers("test_clock")
async def _arrived(tenant: Tenant, clock_id: UUID) -> Reply:
    """The clock once it is ready, or as it is after a moment's waiting, which saves clients most of their polls."""
    for _ in range(_POLLS):
        state = await test_clocks.get(tenant.database, tenant.organization_id)
        if state.target == state.now:
            return Reply(200, _body(state))
        await asyncio.sleep(_PAUSE_SECONDS)
    return Reply(202, _body(state))


def _body(state: test_clocks.ClockState) -> Json:
    return {"test_clock": present_test_clock(state)}
