"""Subscriptions as they are read: each with its plan, those before and after it, and the time zone of its billing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

import msgspec

from projections.postgres import Database
from projections.views.reading import Doc, Where

_JOINED: LiteralString = """
select subscriptions.doc::text, plans.doc::text,
       coalesce(customers.doc->'details'->>'timezone', organizations.doc->'details'->>'timezone'),
       previous.plan_code, following.plan_code, count(*) over ()
from subscriptions
join plans on plans.id = subscriptions.plan_id
join customers on customers.id = subscriptions.customer_id
join organizations on organizations.id = subscriptions.organization_id
left join subscriptions previous on previous.id = (subscriptions.doc->>'previous_subscription_id')::uuid
left join subscriptions following on following.id = (subscriptions.doc->>'next_subscription_id')::uuid
"""


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """Docs of a subscription and of its plan.

    Attributes:
        timezone: the customer's or else the organization's.
        previous_plan_code, next_plan_code: of the subscriptions that changes of plan link it with.
    """

    subscription: Doc
    plan: Doc
    timezone: str
    previous_plan_code: str | None
    next_plan_code: str | None


async def get(database: Database, organization_id: UUID, external_id: str, status: str) -> SubscriptionView | None:
    """The subscription with this external id in this status, the one that started last where there are several."""
    where = Where()
    where.add("subscriptions.external_id = %(external_id)s", external_id=external_id)
    where.add("subscriptions.status = %(status)s", status=status)
    found, _ = await select(database, organization_id, where, limit=1, offset=0)
    return found[0] if found else None


async def by_id(database: Database, organization_id: UUID, subscription_id: UUID) -> SubscriptionView | None:
    where = Where()
    where.add("subscriptions.id = %(id)s", id=subscription_id)
    found, _ = await select(database, organization_id, where, limit=1, offset=0)
    return found[0] if found else None


async def of_ids(database: Database, organization_id: UUID, ids: Sequence[UUID]) -> list[SubscriptionView]:
    where = Where()
    where.add("subscriptions.id = any(%(ids)s)", ids=list(ids))
    found, _ = await select(database, organization_id, where, limit=len(ids), offset=0)
    return found


async def select(
    database: Database, organization_id: UUID, where: Where, *, limit: int, offset: int
) -> tuple[list[SubscriptionView], int]:
    """One page, those that were to begin last first, and how many there are in all."""
    conditions: LiteralString = " and ".join(["subscriptions.organization_id = %(organization_id)s", *where.conditions])
    query: LiteralString = (
        f"{_JOINED} where {conditions} order by subscriptions.subscription_at desc, subscriptions.started_at desc, "
        "subscriptions.id desc limit %(limit)s offset %(offset)s"
    )
    values = {"organization_id": organization_id, "limit": limit, "offset": offset, **where.values}
    async with database.connection(organization_id) as connection:
        rows = await (await connection.execute(query, values)).fetchall()
    views = [
        SubscriptionView(msgspec.json.decode(subscription), msgspec.json.decode(plan), *more)
        for subscription, plan, *more, _ in rows
    ]
    return views, rows[0][-1] if rows else 0


async def last_started_at(database: Database, organization_id: UUID, external_id: str) -> datetime | None:
    """Start of the active subscription with this external id, else of the one that was terminated last."""
    query: LiteralString = (
        "select started_at from subscriptions"
        " where organization_id = %s and external_id = %s and started_at is not null"
        " order by status = 'active' desc, instant(doc->>'terminated_at') desc nulls last limit 1"
    )
    async with database.connection(organization_id) as connection:
        row = await (await connection.execute(query, (organization_id, external_id))).fetchone()
    return None if row is None else row[0]
