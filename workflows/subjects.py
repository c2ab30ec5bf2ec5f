"""Which subscriptions there are to wait for, as the ledger's read models say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from projections.postgres import Database

PAGE_SIZE = 10_000

_LIVES: LiteralString = """
(s.status in ('pending', 'active')
 or s.status = 'terminated' and ((s.doc->>'owes_final_invoice')::boolean or (s.doc->>'owes_starting_invoice')::boolean
                                 or (s.doc->>'owes_credit_note')::boolean or (s.doc->>'owes_paid_fees')::boolean))
"""
_SUBJECTS: LiteralString = (
    f"select s.id as subscription_id, s.organization_id, s.customer_id, s.plan_id, {_LIVES} as lives, "  # noqa: S608 - literals only
    "instant(t.doc->>'now') as now "
    "from subscriptions s left join test_clocks t on t.organization_id = s.organization_id"
)
_CONCERNED = f"""
{_SUBJECTS} where s.id = any(%(subscriptions)s)
union
{_SUBJECTS} join customers c on c.organization_id = s.organization_id and c.id = s.customer_id
where c.id = any(%(customers)s) and {_LIVES}
union
{_SUBJECTS} where s.plan_id = any(%(plans)s) and {_LIVES}
union
{_SUBJECTS} where s.organization_id = any(%(organizations)s) and {_LIVES}
"""
_LIVING = f"{_SUBJECTS} where s.id > %(after)s and {_LIVES} order by s.id limit %(limit)s"
_CLOCKS: LiteralString = """
select t.id, t.organization_id, instant(t.doc->>'now') as now, instant(t.doc->>'target') as target from test_clocks t
"""
_ADVANCING_OR_NEEDED = f"""
{_CLOCKS} where instant(t.doc->>'target') <> instant(t.doc->>'now')
or exists (select from subscriptions s where s.organization_id = t.organization_id and {_LIVES})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A subscription.

    Attributes:
        lives: whether anything can be due for it still, so that its workflow must run.
        now: its sandbox's time; None in production.
    """

    subscription_id: UUID
    organization_id: UUID
    customer_id: UUID
    plan_id: UUID
    lives: bool
    now: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A sandbox's clock, `id` the aggregate's; on its way where `target` is not `now`."""

    id: UUID
    organization_id: UUID
    now: datetime
    target: datetime


async def concerned(
    database: Database,
    *,
    subscriptions: Collection[UUID] = (),
    customers: Collection[UUID] = (),
    organizations: Collection[UUID] = (),
    plans: Collection[UUID] = (),
) -> list[Subject]:
    """These subscriptions, and those that live of these customers, organizations and plans, by one query."""
    values = {
        "subscriptions": list(subscriptions),
        "customers": list(customers),
        "organizations": list(organizations),
        "plans": list(plans),
    }
    async with database.connection(None) as connection:
        return await (await connection.cursor(row_factory=class_row(Subject)).execute(_CONCERNED, values)).fetchall()


async def living(database: Database) -> AsyncIterator[list[Subject]]:
    """All that live, in pages."""
    after = UUID(int=0)
    while True:
        async with database.connection(None) as connection:
            cursor = connection.cursor(row_factory=class_row(Subject))
            page = await (await cursor.execute(_LIVING, {"after": after, "limit": PAGE_SIZE})).fetchall()
        if page:
            yield page
        if len(page) < PAGE_SIZE:
            return
        after = page[-1].subscription_id


async def clocks(database: Database, ids: Collection[UUID]) -> list[Clock]:
    async with database.connection(None) as connection:
        cursor = connection.cursor(row_factory=class_row(Clock))
        return await (await cursor.execute(f"{_CLOCKS} where t.id = any(%s)", (list(ids),))).fetchall()


async def clocks_in_use(database: Database) -> list[Clock]:
    """Those that are on their way, or whose sandbox has a subscription that lives."""
    async with database.connection(None) as connection:
        return await (await connection.cursor(row_factory=class_row(Clock)).execute(_ADVANCING_OR_NEEDED)).fetchall()


async def head(database: Database) -> int:
    """The position of the ledger's last event."""
    async with database.unbound() as connection:
        row = await (await connection.execute("select coalesce(max(notification_id), 0) from events")).fetchone()
    assert row is not None
    position: int = row[0]
    return position
