"""Which taxes a fee has: those of the nearest level that has any.

Source: invoicing-money 9.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.catalog.plan import PlanDetails
from domain.customers.customer import Customer
from domain.kernel.ledger import Ledger
from domain.organizations.organization import Organization
from domain.taxation.tax import Tax, TaxTerms


@dataclass(frozen=True, slots=True)
class ApplicableTaxes:
    """The taxes that an invoice of one customer may have, as they are when it is made.

    Attributes:
        terms: by id, of those that are not deleted.
        customer, organization: what the customer has, and its billing entity by default.
    """

    terms: Mapping[UUID, TaxTerms]
    customer: tuple[UUID, ...]
    organization: tuple[UUID, ...]

    def nearest(self, *own: Sequence[UUID]) -> tuple[TaxTerms, ...]:
        """The taxes of the first level that has any; levels are not added to one another.

        Args:
            own: levels nearer than the customer, the nearest first: those of the charge (usage or fixed) or of the
                commitment, those of the plan.
        """
        for level in (*own, self.customer, self.organization):
            found = tuple(self.terms[tax_id] for tax_id in level if tax_id in self.terms)
            if found:
                return found
        return ()

    def of_charge(self, plan: PlanDetails, charge_id: UUID | None) -> tuple[TaxTerms, ...]:
        """Of a charge of the plan, or with None of the plan's own amount."""
        own = [charge.tax_ids for charge in plan.charges if charge.id == charge_id]
        return self.nearest(*own, plan.tax_ids)

    def of_fixed_charge(self, plan: PlanDetails, fixed_charge_id: UUID) -> tuple[TaxTerms, ...]:
        """Of a fixed charge of the plan; those of its add-on are for add-ons that are sold by themselves."""
        own = [fixed_charge.tax_ids for fixed_charge in plan.fixed_charges if fixed_charge.id == fixed_charge_id]
        return self.nearest(*own, plan.tax_ids)

    def of_commitment(self, plan: PlanDetails) -> tuple[TaxTerms, ...]:
        """Of what fills up to the plan's minimum commitment."""
        own = [] if plan.minimum_commitment is None else [plan.minimum_commitment.tax_ids]
        return self.nearest(*own, plan.tax_ids)


async def applicable_taxes(
    ledger: Ledger, organization: Organization, customer: Customer, plans: Iterable[PlanDetails]
) -> ApplicableTaxes:
    """All that fees under these plans may have, by one query; by none where no level names a tax."""
    own, inherited = customer.details.tax_ids, organization.details.tax_ids
    named = {*own, *inherited, *(tax_id for plan in plans for tax_id in _named(plan))}
    taxes = await ledger.load_many(Tax, sorted(named)) if named else []
    return ApplicableTaxes({tax.id: tax.terms for tax in taxes if tax.deleted_at is None}, own, inherited)


def _named(plan: PlanDetails) -> Iterator[UUID]:
    yield from plan.tax_ids
    for charge in plan.charges:
        yield from charge.tax_ids
    for fixed_charge in plan.fixed_charges:
        yield from fixed_charge.tax_ids
    if plan.minimum_commitment is not None:
        yield from plan.minimum_commitment.tax_ids
