"""What can be done with customers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from domain.customers.customer import Customer, CustomerDetails
from domain.kernel import ids
from domain.kernel.errors import InvalidInputError, NotFoundError
from domain.kernel.ledger import Ledger, SequenceNumber
from domain.subscriptions.subscription import Subscription


async def upsert_customer(
    ledger: Ledger,
    organization_id: UUID,
    external_id: str,
    change: Callable[[CustomerDetails], CustomerDetails],
    *,
    is_billed: Callable[[UUID], Awaitable[bool]] | None = None,
    at: datetime,
) -> Customer:
    """Create the customer with this external id, or change it: `change` turns the details of before into the new.

    Args:
        is_billed: whether the customer with this id has, or had, a subscription or an invoice: its currency stays.
            None where `change` leaves the currency alone.

    Raises:
        InvalidInputError: the currency would change.
        DuplicateError, ConflictError: somebody else did so at the same moment; try again.
    """
    customer = await ledger.find(Customer, organization_id, external_id=external_id)
    if customer is not None:
        details = change(customer.details)
        if customer.details.currency not in (None, details.currency):
            assert is_billed is not None
            if await is_billed(customer.id):
                raise InvalidInputError({"currency": ["currencies_does_not_match"]})
        customer.update(details, at=at)
        await ledger.append(customer)
        return customer
    number = SequenceNumber.next(f"customer:{organization_id}")
    customer = Customer.begin(
        ids.new(),
        organization_id=organization_id,
        sequential_id=number.placeholder,
        details=change(CustomerDetails(external_id=external_id)),
        at=at,
    )
    await ledger.append(customer, sequences=[number])
    return customer


async def delete_customer(ledger: Ledger, organization_id: UUID, external_id: str, *, at: datetime) -> Customer:
    """Soft: it is gone for look-ups, what was billed stays. Its subscriptions end now, and their workflows bill them.

    Raises:
        NotFoundError: `customer_not_found`.

    Source: invoicing-money 1.9.
    """
    customer = await ledger.find(Customer, organization_id, external_id=external_id)
    if customer is None:
        raise NotFoundError("customer")
    customer.delete(at=at)
    subscriptions = await ledger.find_all(Subscription, organization_id, customer_id=str(customer.id))
    for subscription in subscriptions:
        subscription.terminate(subscription.details, terminated_at=at, at=at)
    await ledger.append(customer, *subscriptions)
    return customer
