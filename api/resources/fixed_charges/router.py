"""The fixed charges of plans and those in force for subscriptions, known by their code."""

from __future__ import annotations

from api.call import Call
from api.envelope import Json
from api.idempotency import answers_of
from api.resources.charges.places import OfPlan, OfSubscription
from api.resources.fixed_charges import operations
from api.routing import Resource

of_plans = Resource("plans")
of_subscriptions = Resource("subscriptions")

_FIXED_CHARGES = "/plans/{code:path}/fixed_charges"
_FIXED_CHARGE = f"{_FIXED_CHARGES}/{{fixed_charge_code:path}}"
_FIXED_CHARGES_IN_FORCE = "/subscriptions/{external_id}/fixed_charges"
_FIXED_CHARGE_IN_FORCE = f"{_FIXED_CHARGES_IN_FORCE}/{{fixed_charge_code:path}}"


@of_plans.get(_FIXED_CHARGES)
async def list_plan_fixed_charges(call: Call) -> Json:
    """List the fixed charges of a plan, the newest first."""
    return await operations.list_fixed_charges(call, OfPlan(call))


@of_plans.post(_FIXED_CHARGES)
async def post_plan_fixed_charge(call: Call) -> Json:
    """Add a fixed charge to a plan."""
    return await operations.post_fixed_charge(call, OfPlan(call))


@of_plans.get(_FIXED_CHARGE)
async def get_plan_fixed_charge(call: Call) -> Json:
    """Read one fixed charge of a plan."""
    return await operations.get_fixed_charge(call, OfPlan(call))


@of_plans.put(_FIXED_CHARGE)
async def put_plan_fixed_charge(call: Call) -> Json:
    """Change a fixed charge of a plan."""
    return await operations.put_fixed_charge(call, OfPlan(call))


@of_plans.delete(_FIXED_CHARGE)
async def delete_plan_fixed_charge(call: Call) -> Json:
    """Remove a fixed charge from a plan."""
    return await operations.delete_fixed_charge(call, OfPlan(call))


@of_subscriptions.get(_FIXED_CHARGES_IN_FORCE)
async def list_subscription_fixed_charges(call: Call) -> Json:
    """List the fixed charges that are in force for a subscription, the newest first."""
    return await operations.list_fixed_charges(call, OfSubscription(call))


@of_subscriptions.get(_FIXED_CHARGE_IN_FORCE)
async def get_subscription_fixed_charge(call: Call) -> Json:
    """Read one fixed charge that is in force for a subscription."""
    return await operations.get_fixed_charge(call, OfSubscription(call))


@of_subscriptions.put(_FIXED_CHARGE_IN_FORCE)
async def put_subscription_fixed_charge(call: Call) -> Json:
    """Override a fixed charge, its units or its price, for this subscription alone."""
    return await operations.override(call, OfSubscription(call))


answers_of(post_plan_fixed_charge, put_plan_fixed_charge, delete_plan_fixed_charge)(operations.fixed_charge_again)
answers_of(put_subscription_fixed_charge)(operations.override_again)
