"""What of a plan's changes reaches the copies that subscriptions have. Source: metering-pricing F11, W10."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.catalog.charge import Charge, ChargeFilter
from domain.catalog.fixed_charge import FixedCharge, FixedChargeModel, UnitsChange
from domain.catalog.override import cascaded, copied, copied_filter_id
from domain.catalog.plan import MinimumCommitment, PlanDetails

AT, LATER = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 9, tzinfo=UTC)
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


def fixed(
    number: int, code: str, amount: str, *units: str, model: FixedChargeModel = "standard", **more: Any
) -> FixedCharge:
    """Its units as they were decided, the first when it was made and the others later, at once."""
    first, *others = map(Decimal, units)
    made = FixedCharge(
        id=UUID(int=number),
        code=code,
        add_on_id=UUID(int=60),
        charge_model=model,
        properties={"amount": amount},
        units_log=(UnitsChange(units=first, decided_at=AT, immediately=False),),
        created_at=AT,
        **more,
    )
    for changed in others:
        made = made.with_units(changed, immediately=True, at=LATER)
    return made


def sold(*fixed_charges: FixedCharge) -> PlanDetails:
    return replace(PLAN, fixed_charges=fixed_charges)


def terms(details: PlanDetails) -> list[Any]:
    return [
        (one.code, one.charge_model, one.properties["amount"], [str(change.units) for change in one.units_log])
        for one in details.fixed_charges
    ]


SOLD = sold(fixed(31, "a", "1", "10"), fixed(32, "b", "5", "2", "3"))
COPIED = copied(SOLD, COPY)
A, B = ("a", "standard", "1", ["10"]), ("b", "standard", "5", ["2", "3"])


def test_a_copy_has_fixed_charges_and_a_commitment_of_its_own() -> None:
    commitment = MinimumCommitment(id=UUID(int=40), amount_cents=5, tax_ids=(UUID(int=41),), created_at=AT)
    details = replace(SOLD, minimum_commitment=commitment)
    own = copied(details, COPY)
    assert terms(own) == [A, B], "with all that was decided of their units"
    assert [one.parent_id for one in own.fixed_charges] == [one.id for one in SOLD.fixed_charges]
    assert [one.root_id for one in own.fixed_charges] == [one.root_id for one in SOLD.fixed_charges]
    assert not {one.id for one in own.fixed_charges} & {one.id for one in SOLD.fixed_charges}
    assert own.minimum_commitment is not None
    assert own.minimum_commitment.id != commitment.id
    assert replace(own.minimum_commitment, id=commitment.id) == commitment
    assert copied(details, COPY) == own
    dearer = replace(details, minimum_commitment=replace(commitment, amount_cents=6))
    assert cascaded(details, dearer, own, COPY, {}) == own, "only prices of charges cascade"


@pytest.mark.parametrize(
    ("after", "expected", "why"),
    [
        (SOLD, [A, B], "nothing"),
        (sold(fixed(31, "a", "7", "10"), SOLD.fixed_charges[1]), [("a", "standard", "7", ["10"]), B], "a price"),
        (
            sold(fixed(31, "a", "1", "10", "12"), SOLD.fixed_charges[1]),
            [("a", "standard", "1", ["10", "12"]), B],
            "units, with the change as it was decided",
        ),
        (
            sold(fixed(31, "a", "1", "10", "12", "10"), fixed(32, "b", "6", "2", "3", "4", model="volume")),
            [("a", "standard", "1", ["10", "12", "10"]), ("b", "volume", "6", ["2", "3", "4"])],
            "all of it at once",
        ),
        (sold(SOLD.fixed_charges[1]), [B], "one that goes"),
        (
            sold(*SOLD.fixed_charges, fixed(33, "c", "8", "1")),
            [A, B, ("c", "standard", "8", ["1"])],
            "one that comes",
        ),
        (
            sold(replace(SOLD.fixed_charges[0], code="x", invoice_display_name="X"), SOLD.fixed_charges[1]),
            [A, B],
            "names and codes are its own",
        ),
    ],
)
def test_what_reaches_fixed_charges_that_are_still_the_plans(after: PlanDetails, expected: list[Any], why: str) -> None:
    followed = cascaded(SOLD, after, COPIED, COPY, {})
    assert terms(followed) == expected, why
    changes = {change for one in after.fixed_charges for change in one.units_log}
    assert changes >= {change for one in followed.fixed_charges for change in one.units_log}, why


DEARER = sold(fixed(31, "a", "7", "10", "12"), SOLD.fixed_charges[1])


@pytest.mark.parametrize(
    ("own", "units", "expected", "why"),
    [
        ({}, {}, ("a", "standard", "7", ["10", "12"]), "the plan's in all"),
        ({"invoice_display_name": "Mine"}, {}, ("a", "standard", "7", ["10", "12"]), "names are no price"),
        ({"properties": {"amount": "2"}}, {}, ("a", "standard", "2", ["10"]), "another price"),
        ({"charge_model": "volume"}, {}, ("a", "volume", "1", ["10"]), "another model"),
        (
            {"units_log": fixed(31, "a", "1", "10", "11").units_log},
            {},
            ("a", "standard", "1", ["10", "11"]),
            "other units, which a plan left behind without cascading",
        ),
        ({}, {31: "11"}, ("a", "standard", "1", ["10"]), "other units that the subscription keeps"),
        ({}, {31: "10.0"}, ("a", "standard", "7", ["10", "12"]), "it keeps the plan's"),
        ({}, {32: "11"}, ("a", "standard", "7", ["10", "12"]), "those of another one"),
    ],
)
def test_fixed_charges_of_its_own_stay(
    own: dict[str, Any], units: dict[int, str], expected: tuple[object, ...], why: str
) -> None:
    first, second = COPIED.fixed_charges
    mine = replace(COPIED, fixed_charges=(replace(first, **own), second))
    own_units = {UUID(int=number): Decimal(of_one) for number, of_one in units.items()}
    assert terms(cascaded(SOLD, DEARER, mine, COPY, own_units)) == [expected, B], why


def test_a_code_of_a_fixed_charge_that_is_taken() -> None:
    gone = sold(SOLD.fixed_charges[0])
    after = sold(*gone.fixed_charges, fixed(33, "b", "7", "1"))
    assert [code for code, *_ in terms(cascaded(gone, after, COPIED, COPY, {}))] == ["a", "b", "b_2"]
