"""A sum paid in advance that never fell: its peak is its total, for which nothing has to be put in order.

Where it fell, or a number does not fit, the question is for `sum.py`. Source: metering-pricing A6, G4, V6.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.metering.peak import Peak
from domain.metering.ports import Usage, UsageQuery
from projections.usage.aggregations import sum as total
from projections.usage.shape import Shape

condition, columns = total.condition, total.columns


class Row(msgspec.Struct, array_like=True):
    """
    Attributes:
        amount: of the events' own amounts, in cents.
        inside: the total without what was carried over.
        falls: events that took units away in the window, or whose number does not fit.
    """

    events: int = 0
    total: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    inside: Decimal = Decimal(0)
    falls: int = 0


def may_answer(query: UsageQuery) -> bool:
    """Whether the peak is all that would need the events' order."""
    return query.in_advance and query.prorated is None and query.allowance is None and not query.each_event


def select(_: Shape, rows: str) -> str:
    return f"""
select question, group, (
  count(), toString(sum(number)), toString(ifNull(sum(amount), 0)), toString(sumIf(number, at >= from_at)),
  countIf(not fits or (number < 0 and at >= from_at))
) as found
from ({rows}) group by question, group"""  # noqa: S608


def usage(_: UsageQuery, row: Row) -> Usage:
    return Usage(
        units=row.total,
        events_count=row.events,
        peak=Peak(current=row.inside, max=row.inside, max_prorated=row.inside),
        precise_total_amount_cents=row.amount,
    )
