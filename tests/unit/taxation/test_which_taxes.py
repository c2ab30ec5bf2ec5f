"""The nearest level decides (invoicing-money 9.1)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from domain.catalog.charge import Charge
from domain.catalog.plan import PlanDetails
from domain.taxation.tax import TaxTerms
from domain.taxation.which_taxes import ApplicableTaxes
from tests.builders import instant

CHARGE, PLAN, CUSTOMER, ORGANIZATION, OTHER, GONE = (UUID(int=number) for number in range(6))
TERMS = {
    tax_id: TaxTerms(tax_id=tax_id, code=str(tax_id.int), name="", rate=Decimal(10), description=None)
    for tax_id in (CHARGE, PLAN, CUSTOMER, ORGANIZATION, OTHER)
}
Level = tuple[UUID, ...]


@pytest.mark.parametrize(
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
def test_levels(charge: Level, plan: Level, customer: Level, organization: Level, found: Level, why: str) -> None:
    taxes = ApplicableTaxes(TERMS, customer, organization)
    priced = Charge(
        id=UUID(int=7),
        code="c",
        billable_metric_id=UUID(int=8),
        charge_model="standard",
        properties={},
        tax_ids=charge,
        created_at=instant("2024-01-01"),
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
