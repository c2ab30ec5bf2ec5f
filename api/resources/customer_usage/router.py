"""The usage of customers: of the running period, as it may go on, and of the periods that were billed.

Source: api-surface "Customers", Q38; metering-pricing Y1, Y4, Y7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from api.call import Call
from api.envelope import Json, listing
from api.resources.customer_usage.narrowing import narrowing
from api.routing import Resource
from domain.catalog.plan import Plan
from domain.customers.customer import Customer
from domain.invoicing.current_usage import CurrentUsage, current_usage, taxed_usage
from domain.invoicing.projected_usage import projected_fee
from domain.kernel.errors import InvalidInputError, NotAllowedError, NotFoundError
from domain.organizations.organization import Organization
from domain.pricing.projection import Elapsed
from domain.subscriptions.subscription import Subscription
from domain.taxation.which_taxes import applicable_taxes
from projections.presenters.customer_usage import present_customer_usage, present_past_usage, present_projected_usage
from projections.views import billable_metrics, past_usage, subscriptions

router = Resource("customers")

_MOST_PERIODS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Asked:
    customer: Customer
    subscription: Subscription
    plan: Plan
    timezone: str


@router.get("/customers/{external_customer_id}/current_usage")
async def get_current_usage(call: Call) -> Json:
    """The usage of the running period of one subscription, with every event acknowledged so far."""
    asked, at = await _asked(call), await call.tenant.now()
    return {"customer_usage": present_customer_usage(await _usage(call, asked, at))}


@router.get("/customers/{external_customer_id}/projected_usage")
async def get_projected_usage(call: Call) -> Json:
    """Likewise, and what it comes to by the end of the period if it goes on as so far."""
    asked, at = await _asked(call), await call.tenant.now()
    usage = await _usage(call, asked, at)
    elapsed = Elapsed.at(at, from_at=usage.from_at, to_at=usage.to_at, timezone=asked.timezone)
    projections = [projected_fee(bucket, elapsed, usage.currency) for bucket in usage.buckets]
    return {"customer_projected_usage": present_projected_usage(usage, projections)}


@router.get("/customers/{external_customer_id}/past_usage")
async def get_past_usage(call: Call) -> Json:
    """The billed periods of one subscription, the newest first."""
    tenant, page, metric_code = call.tenant, call.page, call.text("billable_metric_code")
    external_id = _external_subscription_id(call)
    if (
        metric_code is not None
        and await billable_metrics.get(tenant.database, tenant.organization_id, metric_code) is None
    ):
        raise NotFoundError("billable_metric")
    most = _periods_count(call)
    found, total = await past_usage.select(
        tenant.database,
        tenant.organization_id,
        customer=call.identifiers["external_customer_id"],
        subscription=external_id,
        limit=max(min(page.size, most - page.offset), 0),
        offset=page.offset,
    )
    plan_ids = sorted({UUID(one.period["plan_id"]) for one in found})
    plans = {plan.id: plan.details for plan in await tenant.ledger.load_many(Plan, plan_ids)}
    rows = []
    for one in found:
        shown = [
            fee
            for fee in one.fees
            if fee.external_subscription_id == external_id and metric_code in (None, fee.billable_metric_code)
        ]
        charges = {charge.id: charge for charge in plans[UUID(one.period["plan_id"])].charges}
        rows.append(present_past_usage(one.invoice, one.period, one.fees, shown, charges))
    return listing("usage_periods", rows, page, min(total, most))


async def _asked(call: Call) -> _Asked:
    """
    Raises:
        NotFoundError: `customer_not_found`.
        NotAllowedError: `no_active_subscription`.
    """
    tenant, ledger = call.tenant, call.tenant.ledger
    external_id = _external_subscription_id(call)
    customer = await ledger.find(Customer, tenant.organization_id, external_id=call.identifiers["external_customer_id"])
    if customer is None:
        raise NotFoundError("customer")
    view = await subscriptions.get(tenant.database, tenant.organization_id, external_id, "active")
    if view is None or view.subscription["customer_id"] != str(customer.id):
        raise NotAllowedError("no_active_subscription")
    subscription = await ledger.load(Subscription, UUID(view.subscription["id"]))
    return _Asked(customer, subscription, await ledger.load(Plan, subscription.plan_id), view.timezone)


async def _usage(call: Call, asked: _Asked, at: datetime) -> CurrentUsage:
    """As the call narrows it, with taxes unless it says otherwise."""
    tenant, plan, narrowed = call.tenant, asked.plan.details, narrowing(call)
    metric = None
    if narrowed.metric_code is not None:
        metric = await billable_metrics.get(tenant.database, tenant.organization_id, narrowed.metric_code)
    usage = await current_usage(
        tenant.ledger,
        call.services.usage,
        asked.subscription,
        asked.plan,
        asked.timezone,
        charges=narrowed.charges(plan, None if metric is None else UUID(metric["id"])),
        options=narrowed.options,
        full_usage=narrowed.full_usage,
        at=at,
    )
    if call.boolean("apply_taxes") is False:
        return usage
    organization = await tenant.ledger.load(Organization, tenant.organization_id)
    return taxed_usage(usage, plan, await applicable_taxes(tenant.ledger, organization, asked.customer, [plan]))


def _external_subscription_id(call: Call) -> str:
    external_id = call.text("external_subscription_id")
    if external_id is None:
        raise InvalidInputError({"external_subscription_id": ["value_is_mandatory"]})
    return external_id


def _periods_count(call: Call) -> int:
    given = str(call.parameters.get("periods_count", ""))
    return int(given) if given.isascii() and given.isdigit() and len(given) < 7 else _MOST_PERIODS
