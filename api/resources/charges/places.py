"""Where charges, usage and fixed, are: in a plan, or in force for one subscription.

Source: metering-pricing F11, W2; api-surface Q44.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol, get_args
from uuid import UUID

from api.call import Call
from api.fields import Fields
from api.resources.charges.known import Known
from api.resources.charges.schema import read_charge, read_override
from api.tenant import Tenant
from domain.catalog.charge import Charge
from domain.catalog.commands import update_plan
from domain.catalog.plan import Plan, PlanDetails
from domain.kernel.errors import NotFoundError
from domain.subscriptions.overrides import override_plan
from domain.subscriptions.subscription import Status
from projections.presenters.fixed_charges import own_units
from projections.views import plans, subscriptions
from projections.views.reading import Doc

_STATUSES = get_args(Status)

Change = Callable[[PlanDetails], PlanDetails]


class Place(Protocol):
    """Of one call."""

    async def plan(self) -> Plan:
        """Raises NotFoundError: `plan_not_found` or `subscription_not_found`."""
        ...

    @property
    def own_units(self) -> Mapping[str, str]:
        """Units of fixed charges that count here instead of the plan's, by root id; asked for after the plan."""
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

    @property
    def own_units(self) -> Mapping[str, str]:
        return {}

    async def is_subscribed(self, plan: Plan) -> bool:
        """Whether it has, or had, a subscription."""
        return await plans.is_subscribed(self._tenant.database, self._tenant.organization_id, str(plan.id))

    async def reader(self, plan: Plan) -> Callable[[Fields, Charge, Known, datetime], Charge]:
        subscribed = await self.is_subscribed(plan)
        return lambda fields, old, known, at: read_charge(fields, old, known, subscribed=subscribed, at=at)

    async def update(self, plan: Plan, change: Change, *, cascade: bool, at: datetime) -> Plan:
        tenant = self._tenant
        return await update_plan(tenant.ledger, tenant.organization_id, self._code, change, cascade=cascade, at=at)


class OfSubscription:
    """`/subscriptions/{external_id}`, of the version in `subscription_status` (or `status`), else the active one."""

    def __init__(self, call: Call) -> None:
        self._tenant, self._external_id = call.tenant, call.identifiers["external_id"]
        self._status = call.text("subscription_status") or call.text("status") or "active"
        self._found: Doc | None = None

    async def plan(self) -> Plan:
        tenant, found = self._tenant, None
        if self._status in _STATUSES:
            found = await subscriptions.get(tenant.database, tenant.organization_id, self._external_id, self._status)
        if found is None:
            raise NotFoundError("subscription")
        self._found = found.subscription
        return await tenant.ledger.load(Plan, UUID(found.plan["id"]))

    @property
    def subscription_id(self) -> UUID:
        """Asked for after the plan."""
        return UUID(self._subscription["id"])

    @property
    def own_units(self) -> Mapping[str, str]:
        return own_units(self._subscription)

    async def reader(self, plan: Plan) -> Callable[[Fields, Charge, Known, datetime], Charge]:
        return lambda fields, old, known, at: read_override(fields, old, known, at=at)

    async def update(self, plan: Plan, change: Change, *, cascade: bool, at: datetime) -> Plan:
        return await override_plan(self._tenant.ledger, self.subscription_id, change, at=at)

    @property
    def _subscription(self) -> Doc:
        assert self._found is not None, "the plan was asked for"
        return self._found


def cascades(fields: Fields | None) -> bool:
    """Whether a body asks that copies follow."""
    return fields is not None and bool(fields.boolean("cascade_updates"))


async def past_plans(tenant: Tenant, plan_id: UUID) -> list[Plan]:
    """The plan as it was, the latest first; of a copy then the plan that it was made of."""
    found = await tenant.ledger.history(Plan, plan_id)
    parent_id = found[0].parent_id
    return found if parent_id is None else found + await tenant.ledger.history(Plan, parent_id)
