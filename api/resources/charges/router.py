"""The charges of plans and those in force for subscriptions, known by their code; their filters by id."""

from __future__ import annotations

from api.call import Call
from api.envelope import Json
from api.idempotency import answers_of
from api.resources.charges import operations
from api.resources.charges.places import OfPlan, OfSubscription
from api.routing import Resource

of_plans = Resource("plans")
of_subscriptions = Resource("subscriptions")

_CHARGES = "/plans/{code:path}/charges"
_CHARGE = f"{_CHARGES}/{{charge_code:path}}"
_FILTERS = f"{_CHARGE}/filters"
_FILTER = f"{_FILTERS}/{{filter_id}}"
_CHARGES_IN_FORCE = "/subscriptions/{external_id}/charges"
_CHARGE_IN_FORCE = f"{_CHARGES_IN_FORCE}/{{charge_code:path}}"
_FILTERS_IN_FORCE = f"{_CHARGE_IN_FORCE}/filters"
_FILTER_IN_FORCE = f"{_FILTERS_IN_FORCE}/{{filter_id}}"


@of_plans.get(_CHARGES)
async def list_plan_charges(call: Call) -> Json:
    """List the charges of a plan, the newest first."""
    return await operations.list_charges(call, OfPlan(call))


@of_plans.post(_CHARGES)
async def post_plan_charge(call: Call) -> Json:
    """Add a charge to a plan."""
    return await operations.post_charge(call, OfPlan(call))


@of_plans.get(_CHARGE)
async def get_plan_charge(call: Call) -> Json:
    """Read one charge of a plan."""
    return await operations.get_charge(call, OfPlan(call))


@of_plans.put(_CHARGE)
async def put_plan_charge(call: Call) -> Json:
    """Change a charge of a plan."""
    return await operations.put_charge(call, OfPlan(call))


@of_plans.delete(_CHARGE)
async def delete_plan_charge(call: Call) -> Json:
    """Remove a charge from a plan."""
    return await operations.delete_charge(call, OfPlan(call))


@of_plans.get(_FILTERS)
async def list_plan_charge_filters(call: Call) -> Json:
    """List the filters of a charge."""
    return await operations.list_filters(call, OfPlan(call))


@of_plans.post(_FILTERS)
async def post_plan_charge_filter(call: Call) -> Json:
    """Add a filter to a charge."""
    return await operations.post_filter(call, OfPlan(call))


@of_plans.get(_FILTER)
async def get_plan_charge_filter(call: Call) -> Json:
    """Read one filter of a charge."""
    return await operations.get_filter(call, OfPlan(call))


@of_plans.put(_FILTER)
async def put_plan_charge_filter(call: Call) -> Json:
    """Change a filter of a charge."""
    return await operations.put_filter(call, OfPlan(call))


@of_plans.delete(_FILTER)
async def delete_plan_charge_filter(call: Call) -> Json:
    """Remove a filter from a charge."""
    return await operations.delete_filter(call, OfPlan(call))


@of_subscriptions.get(_CHARGES_IN_FORCE)
async def list_subscription_charges(call: Call) -> Json:
    """List the charges that are in force for a subscription, the newest first."""
    return await operations.list_charges(call, OfSubscription(call))


@of_subscriptions.get(_CHARGE_IN_FORCE)
async def get_subscription_charge(call: Call) -> Json:
    """Read one charge that is in force for a subscription."""
    return await operations.get_charge(call, OfSubscription(call))


@of_subscriptions.put(_CHARGE_IN_FORCE)
async def put_subscription_charge(call: Call) -> Json:
    """Override a charge for this subscription alone."""
    return await operations.put_charge(call, OfSubscription(call))


@of_subscriptions.get(_FILTERS_IN_FORCE)
async def list_subscription_charge_filters(call: Call) -> Json:
    """List the filters of a charge that is in force for a subscription."""
    return await operations.list_filters(call, OfSubscription(call))


@of_subscriptions.post(_FILTERS_IN_FORCE)
async def post_subscription_charge_filter(call: Call) -> Json:
    """Add a filter for this subscription alone."""
    return await operations.post_filter(call, OfSubscription(call))


@of_subscriptions.get(_FILTER_IN_FORCE)
async def get_subscription_charge_filter(call: Call) -> Json:
    """Read one filter that is in force for a subscription."""
    return await operations.get_filter(call, OfSubscription(call))


@of_subscriptions.put(_FILTER_IN_FORCE)
async def put_subscription_charge_filter(call: Call) -> Json:
    """Change a filter for this subscription alone."""
    return await operations.put_filter(call, OfSubscription(call))


@of_subscriptions.delete(_FILTER_IN_FORCE)
async def delete_subscription_charge_filter(call: Call) -> Json:
    """Remove a filter for this subscription alone."""
    return await operations.delete_filter(call, OfSubscription(call))


answers_of(post_plan_charge, put_plan_charge, delete_plan_charge, put_subscription_charge)(operations.charge_again)
answers_of(
    post_plan_charge_filter,
    put_plan_charge_filter,
    delete_plan_charge_filter,
    post_subscription_charge_filter,
    put_subscription_charge_filter,
    delete_subscription_charge_filter,
)(operations.filter_again)
