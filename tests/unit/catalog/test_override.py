"""What of a plan's changes reaches the copies that subscriptions have. Source: metering-pricing F11."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.catalog.charge import Charge, ChargeFilter
from domain.catalog.override import cascaded, copied, copied_filter_id
from domain.catalog.plan import PlanDetails

AT = datetime(2024, 3, 1, tzinfo=UTC)
COPY = UUID(int=99)
EU, US = {"region": ("eu",)}, {"region": ("us",)}
PLAN = PlanDetails(name="P", code="p", interval="monthly", amount_cents=0, amount_currency="EUR")


def filter_(number: int, values: Mapping[str, tuple[str, ...]], amount: str, **more: Any) -> ChargeFilter:
    return ChargeFilter(id=UUID(int=number), values=values, properties={"amount": amount, **more}, created_at=AT)


def charge(number: int, code: str, amount: str, *filters: ChargeFilter, **more: Any) -> Charge:
    return Charge(
        id=UUID(int=number),
        code=code,
        billable_metric_id=UUID(int=50),
        charge_model="standard",
        properties={"amount": amount, **more},
        filters=filters,
        created_at=AT,
    )


def plan(*charges: Charge) -> PlanDetails:
    return replace(PLAN, charges=charges)


BEFORE = plan(charge(1, "a", "1", filter_(11, EU, "2")), charge(2, "b", "5"))
OWN = copied(BEFORE, COPY)


def prices(details: PlanDetails) -> list[Any]:
    return [
        (one.code, one.properties["amount"], *(filter_.properties["amount"] for filter_ in one.filters))
        for one in details.charges
    ]


def test_a_copy_has_ids_of_its_own_and_names_what_it_comes_from() -> None:
    assert prices(OWN) == prices(BEFORE)
    assert [one.parent_id for one in OWN.charges] == [one.id for one in BEFORE.charges]
    assert not {one.id for one in OWN.charges} & {one.id for one in BEFORE.charges}
    assert OWN.charges[0].filters[0].id == copied_filter_id(UUID(int=11), COPY)
    assert OWN.charges[0].filters[0].created_at == AT, "which of two equal filters counts is as in the plan"
    assert copied(BEFORE, COPY) == OWN


@pytest.mark.parametrize(
    ("after", "expected", "why"),
    [
        (BEFORE, [("a", "1", "2"), ("b", "5")], "nothing"),
        (plan(charge(1, "a", "9", filter_(11, EU, "8"))), [("a", "9", "8")], "prices, and a charge that goes"),
        (
            plan(*BEFORE.charges, charge(3, "c", "7", filter_(12, US, "1"))),
            [("a", "1", "2"), ("b", "5"), ("c", "7", "1")],
            "a charge that comes",
        ),
        (
            plan(charge(1, "a", "1", filter_(11, US, "2"), filter_(12, EU, "3")), BEFORE.charges[1]),
            [("a", "1", "2", "3"), ("b", "5")],
            "a filter with other values, and one with those that it had",
        ),
        (plan(charge(1, "a", "1"), BEFORE.charges[1]), [("a", "1"), ("b", "5")], "a filter that goes"),
    ],
)
def test_what_reaches_a_copy_that_is_still_the_plans(after: PlanDetails, expected: list[Any], why: str) -> None:
    assert prices(cascaded(BEFORE, after, OWN, COPY, {})) == expected, why


def test_prices_of_its_own_stay() -> None:
    first, second = OWN.charges
    own_filter = replace(first.filters[0], properties={"amount": "20"})
    mine = replace(OWN, charges=(replace(first, properties={"amount": "10"}, filters=(own_filter,)), second))
    after = plan(charge(1, "a", "3", filter_(11, EU, "4")), charge(2, "b", "6"))
    assert prices(cascaded(BEFORE, after, mine, COPY, {})) == [("a", "10", "20"), ("b", "6")]
    grouped = plan(charge(1, "a", "3", filter_(11, EU, "4"), pricing_group_keys=["team"]), charge(2, "b", "6"))
    followed = cascaded(BEFORE, grouped, mine, COPY, {})
    assert followed.charges[0].properties == {"amount": "10", "pricing_group_keys": ["team"]}
    again = cascaded(grouped, after, followed, COPY, {})
    assert again.charges[0].properties == {"amount": "10"}, "groups go as they came"


def test_a_filter_that_it_has_already_is_not_added() -> None:
    first, second = OWN.charges
    mine = replace(OWN, charges=(replace(first, filters=(*first.filters, filter_(77, US, "30"))), second))
    after = plan(charge(1, "a", "1", filter_(11, EU, "2"), filter_(12, US, "3")), BEFORE.charges[1])
    assert prices(cascaded(BEFORE, after, mine, COPY, {})) == [("a", "1", "2", "30"), ("b", "5")]


def test_a_code_that_is_taken() -> None:
    gone = plan(charge(1, "a", "1", filter_(11, EU, "2")))  # b, without the copy
    after = plan(*gone.charges, charge(3, "b", "7"))
    assert prices(cascaded(gone, after, OWN, COPY, {})) == [("a", "1", "2"), ("b", "5"), ("b_2", "7")]
