"""The nearest level decides (invoicing-money 9.1)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from domain.catalog.charge import Charge
from domain.catalog.fixed_charge import FixedCharge, UnitsChange
from domain.catalog.plan import MinimumCommitment, PlanDetails
from domain.taxation.tax import TaxTerms
from domain.taxation.which_taxes import ApplicableTaxes
from tests.builders import instant

CHARGE, PLAN, CUSTOMER, ORGANIZATION, OTHER, GONE = (UUID(int=number) for number in range(6))
TERMS = {
    tax_id: TaxTerms(tax_id=tax_id, code=str(tax_id.int), name="", rate=Decimal(10), description=None)
    for tax_id in (CHARGE, PLAN, CUSTOMER, ORGANIZATION, OTHER)
}
Level = tuple[UUID, ...]


LEVELS = pytest.mark.parametrize(
    ("charge", "plan", "customer", "organization", "found", "why"),
    [
        ((CHARGE,), (PLAN,), (CUSTOMER,), (ORGANIZATION,), [CHARGE], "the charge's come first"),
        ((), (PLAN,), (CUSTOMER,), (ORGANIZATION,), [PLAN], "then the plan's"),
        ((), (), (CUSTOMER,), (ORGANIZATION,), [CUSTOMER], "then the customer's"),
        ((), (), (), (ORGANIZATION,), [ORGANIZATION], "then the organization's"),
        ((), (), (), (), [], "nobody has any"),
        ((CHARGE, OTHER), (PLAN,), (), (), [CHARGE, OTHER], "all of the level"),
        ((GONE,), (PLAN,), (), (), [PLAN], "a level whose taxes are deleted has none"),
        ((GONE, OTHER), (PLAN,), (), (), [OTHER], "but for those that are left"),
    ],
)
AT = instant("2024-01-01")


@LEVELS
def test_levels(charge: Level, plan: Level, customer: Level, organization: Level, found: Level, why: str) -> None:
    taxes = ApplicableTaxes(TERMS, customer, organization)
    priced = Charge(
        id=UUID(int=7),
        code="c",
        billable_metric_id=UUID(int=8),
        charge_model="standard",
        properties={},
        tax_ids=charge,
        created_at=AT,
    )
    details = PlanDetails(
        name="p",
        code="p",
        interval="monthly",
        amount_cents=0,
        amount_currency="EUR",
        tax_ids=plan,
        charges=(replace(priced, id=UUID(int=9), tax_ids=(OTHER,)), priced),
    )
    assert [terms.tax_id for terms in taxes.of_charge(details, priced.id)] == list(found), why
    of_plan = taxes.of_charge(replace(details, charges=()), None)
    assert of_plan == taxes.nearest(plan), "the plan's own amount knows no charge"


@LEVELS
def test_levels_of_fixed_charges_and_commitments(
    charge: Level, plan: Level, customer: Level, organization: Level, found: Level, why: str
) -> None:
    taxes = ApplicableTaxes(TERMS, customer, organization)
    sold = FixedCharge(
        id=UUID(int=7),
        code="f",
        add_on_id=UUID(int=8),
        charge_model="standard",
        properties={},
        units_log=(UnitsChange(units=Decimal(1), decided_at=AT, immediately=False),),
        tax_ids=charge,
        created_at=AT,
    )
    details = PlanDetails(
        name="p",
        code="p",
        interval="monthly",
        amount_cents=0,
        amount_currency="EUR",
        tax_ids=plan,
        fixed_charges=(replace(sold, id=UUID(int=9), tax_ids=(OTHER,)), sold),
        minimum_commitment=MinimumCommitment(id=UUID(int=10), amount_cents=1, tax_ids=charge, created_at=AT),
    )
    assert [terms.tax_id for terms in taxes.of_fixed_charge(details, sold.id)] == list(found), why
    assert [terms.tax_id for terms in taxes.of_commitment(details)] == list(found), why
