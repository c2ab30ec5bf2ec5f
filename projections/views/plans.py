"""Plans, as they are read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from projections.postgres import Database
from projections.views import reading
from projections.views.reading import Doc, Where

_COUNTS = """
with used (id, plan_id) as (
  select id, id from plans where id = any(%(ids)s) union all
  select parent_id, id from plans where parent_id = any(%(ids)s)
)
select used.id, count(distinct customer_id), count(*) from subscriptions join used using (plan_id)
where organization_id = %(organization_id)s and status = 'active'
group by used.id
"""


@dataclass(frozen=True, slots=True)
class PlanCounts:
    """Active subscriptions of a plan or a copy of it, and their customers."""

    customers: int = 0
    active_subscriptions: int = 0


async def get(database: Database, organization_id: UUID, code: str) -> Doc | None:
    """The plan with this code that is not deleted."""
    return await reading.find(
        database,
        organization_id,
        "plans",
        "code = %(code)s and deleted_at is null and parent_id is null",
        code=code,
    )


async def select(database: Database, organization_id: UUID, *, limit: int, offset: int) -> tuple[list[Doc], int]:
    """One page of those that are not deleted, the newest first, and how many there are."""
    return await reading.select(
        database,
        organization_id,
        "plans",
        Where(["deleted_at is null", "parent_id is null"]),
        order="created_at desc, id",
        limit=limit,
        offset=offset,
    )


async def ids_of_metric(database: Database, organization_id: UUID, billable_metric_id: str) -> list[UUID]:
    """Of the plans that are not deleted and charge for the metric."""
    query = """
        select id from plans where organization_id = %(organization_id)s and deleted_at is null
        and doc->'details'->'charges' @> %(charge)s::jsonb order by id
    """
    charge = json.dumps([{"billable_metric_id": billable_metric_id}])
    async with database.connection(organization_id) as connection:
        cursor = await connection.execute(query, {"organization_id": organization_id, "charge": charge})
        return [row[0] for row in await cursor.fetchall()]


async def is_subscribed(database: Database, organization_id: UUID, plan_id: str) -> bool:
    """Whether a subscription has, or had, the plan or a copy of it."""
    condition = "(plan_id = %(plan_id)s or plan_id in (select id from plans where parent_id = %(plan_id)s))"
    return await reading.exists(database, organization_id, "subscriptions", condition, plan_id=plan_id)


async def counts(database: Database, organization_id: UUID, ids: Sequence[str]) -> dict[str, PlanCounts]:
    """By the id of the plan, for each of `ids`."""
    async with database.connection(organization_id) as connection:
        cursor = await connection.execute(_COUNTS, {"organization_id": organization_id, "ids": list(map(UUID, ids))})
        found = {str(plan_id): PlanCounts(*numbers) for plan_id, *numbers in await cursor.fetchall()}
    return {plan_id: found.get(plan_id, PlanCounts()) for plan_id in ids}
