"""The usage of customers.

Source: api-surface "Customers", Q38; metering-pricing Y1.
"""

from __future__ import annotations

from uuid import UUID

from api.call import Call
from api.envelope import Json
from api.routing import Resource
from domain.catalog.plan import Plan
from domain.customers.customer import Customer
from domain.invoicing.current_usage import current_usage
from domain.kernel.errors import InvalidInputError, NotAllowedError, NotFoundError
from domain.subscriptions.subscription import Subscription
from projections.presenters.customer_usage import present_customer_usage
from projections.views import subscriptions

router = Resource("customers")

_NOT_YET = (
    "charge_id",
    "charge_code",
    "billable_metric_code",
    "group",
    "filter_by_charge_id",
    "filter_by_charge_code",
    "filter_by_metric_code",
    "filter_by_group",
    "filter_by_presentation",
    "skip_grouping",
    "full_usage",
)
"""Parameters that would narrow the answer: refused, since leaving them out would answer another question."""


@router.get("/customers/{external_customer_id}/current_usage")
async def get_current_usage(call: Call) -> Json:
    """The usage of the running period of one subscription, with every event acknowledged so far."""
    tenant, ledger = call.tenant, call.tenant.ledger
    external_id = call.text("external_subscription_id")
    if external_id is None:
        raise InvalidInputError({"external_subscription_id": ["value_is_mandatory"]})
    for name in _NOT_YET:
        if call.parameters.get(name) not in (None, "", "false"):
            raise InvalidInputError({name: ["feature_unavailable"]})
    customer = await ledger.find(Customer, tenant.organization_id, external_id=call.identifiers["external_customer_id"])
    if customer is None:
        raise NotFoundError("customer")
    view = await subscriptions.get(tenant.database, tenant.organization_id, external_id, "active")
    if view is None or view.subscription["customer_id"] != str(customer.id):
        raise NotAllowedError("no_active_subscription")
    subscription = await ledger.load(Subscription, UUID(view.subscription["id"]))
    plan = await ledger.load(Plan, subscription.plan_id)
    usage = await current_usage(ledger, call.services.usage, subscription, plan, view.timezone, at=await tenant.now())
    return {"customer_usage": present_customer_usage(usage)}
