"""Where charges are: in a plan, or in force for one subscription.

Source: metering-pricing F11; api-surface Q44.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, get_args
from uuid import UUID

from api.call import Call
from api.fields import Fields
from api.resources.charges.known import Known
from api.resources.charges.schema import read_charge, read_override
from domain.catalog.charge import Charge
from domain.catalog.commands import update_plan
from domain.catalog.plan import Plan, PlanDetails
from domain.kernel.errors import NotFoundError
from domain.subscriptions.overrides import override_plan
from domain.subscriptions.subscription import Status
from projections.views import plans, subscriptions

_STATUSES = get_args(Status)

Change = Callable[[PlanDetails], PlanDetails]


class Place(Protocol):
    """Of one call."""

    async def plan(self) -> Plan:
        """Raises NotFoundError: `plan_not_found` or `subscription_not_found`."""
        ...

    async def reader(self, plan: Plan) -> Callable[[Fields, Charge, Known, datetime], Charge]:
        """What reads a changed charge of it."""
        ...

    async def update(self, plan: Plan, change: Change, *, cascade: bool, at: datetime) -> Plan:
        """The plan with the change; `cascade` is for the copies of it."""
        ...


class OfPlan:
    """`/plans/{code}`."""

    def __init__(self, call: Call) -> None:
        self._tenant, self._code = call.tenant, call.identifiers["code"]

    async def plan(self) -> Plan:
        found = await self._tenant.ledger.find(Plan, self._tenant.organization_id, code=self._code)
        if found is None:
            raise NotFoundError("plan")
        return found

    async def reader(self, plan: Plan) -> Callable[[Fields, Charge, Known, datetime], Charge]:
        tenant = self._tenant
        subscribed = await plans.is_subscribed(tenant.database, tenant.organization_id, str(plan.id))
        return lambda fields, old, known, at: read_charge(fields, old, known, subscribed=subscribed, at=at)

    async def update(self, plan: Plan, change: Change, *, cascade: bool, at: datetime) -> Plan:
        tenant = self._tenant
        return await update_plan(tenant.ledger, tenant.organization_id, self._code, change, cascade=cascade, at=at)


class OfSubscription:
    """`/subscriptions/{external_id}`, of the version in `subscription_status` (or `status`), else the active one."""

    def __init__(self, call: Call) -> None:
        self._tenant, self._external_id = call.tenant, call.identifiers["external_id"]
        self._status = call.text("subscription_status") or call.text("status") or "active"
        self._subscription_id: UUID | None = None

    async def plan(self) -> Plan:
        tenant, found = self._tenant, None
        if self._status in _STATUSES:
            found = await subscriptions.get(tenant.database, tenant.organization_id, self._external_id, self._status)
        if found is None:
            raise NotFoundError("subscription")
        self._subscription_id = UUID(found.subscription["id"])
        return await tenant.ledger.load(Plan, UUID(found.plan["id"]))

    async def reader(self, plan: Plan) -> Callable[[Fields, Charge, Known, datetime], Charge]:
        return lambda fields, old, known, at: read_override(fields, old, known, at=at)

    async def update(self, plan: Plan, change: Change, *, cascade: bool, at: datetime) -> Plan:
        assert self._subscription_id is not None, "the plan was asked for"
        return await override_plan(self._tenant.ledger, self._subscription_id, change, at=at)
