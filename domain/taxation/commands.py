"""What can be done with taxes. None of it touches an invoice that is issued: that keeps copies (`TaxTerms`).

Source: invoicing-money 9.1, 19 (quirk 32).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ledger import Ledger
from domain.organizations.organization import Organization
from domain.taxation.tax import Tax, TaxDetails


async def create_tax(
    ledger: Ledger, organization_id: UUID, details: TaxDetails, *, applied_to_organization: bool | None, at: datetime
) -> Tax:
    """A new tax.

    Args:
        applied_to_organization: whether customers without taxes of their own have it.

    Raises:
        InvalidInputError: the code is taken; DuplicateError where that happened just now.
    """
    await _refuse_taken(ledger, organization_id, details.code)
    tax = Tax.begin(ids.new(), organization_id=organization_id, details=details, at=at)
    await ledger.append(tax, *await _defaults(ledger, tax, applied=applied_to_organization, at=at))
    return tax


async def update_tax(
    ledger: Ledger,
    organization_id: UUID,
    code: str,
    change: Callable[[TaxDetails], TaxDetails],
    *,
    applied_to_organization: bool | None,
    at: datetime,
) -> Tax:
    """Change a tax: `change` turns the details of before into the new. Whatever has it has the changed one.

    Args:
        applied_to_organization: None leaves that alone.

    Raises:
        NotFoundError: `tax_not_found`.
        InvalidInputError: the new code is taken.
    """
    tax = await _find(ledger, organization_id, code)
    details = change(tax.details)
    if details.code != tax.details.code:
        await _refuse_taken(ledger, organization_id, details.code)
    tax.update(details, at=at)
    await ledger.append(tax, *await _defaults(ledger, tax, applied=applied_to_organization, at=at))
    return tax


async def delete_tax(ledger: Ledger, organization_id: UUID, code: str, *, at: datetime) -> Tax:
    """Delete a tax; its code is free again, and what had it has the taxes of the next level.

    Raises:
        NotFoundError: `tax_not_found`.
    """
    tax = await _find(ledger, organization_id, code)
    tax.delete(at=at)
    await ledger.append(tax)
    return tax


async def _defaults(ledger: Ledger, tax: Tax, *, applied: bool | None, at: datetime) -> list[Organization]:
    """The organization, where the tax comes to its defaults or goes from them; None leaves them alone."""
    if applied is None:
        return []
    organization = await ledger.load(Organization, tax.organization_id)
    details = organization.details
    if applied == (tax.id in details.tax_ids):
        return []
    others = tuple(tax_id for tax_id in details.tax_ids if tax_id != tax.id)
    organization.update(replace(details, tax_ids=(*others, tax.id) if applied else others), at=at)
    return [organization]


async def _find(ledger: Ledger, organization_id: UUID, code: str) -> Tax:
    found = await ledger.find(Tax, organization_id, code=code)
    if found is None:
        raise NotFoundError("tax")
    return found


async def _refuse_taken(ledger: Ledger, organization_id: UUID, code: str) -> None:
    if await ledger.find(Tax, organization_id, code=code) is not None:
        raise InvalidInputError({"code": ["value_already_exist"]})
