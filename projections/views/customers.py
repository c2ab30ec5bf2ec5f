"""Customers, as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from projections.postgres import Database
from projections.views import reading
from projections.views.reading import Doc, Where, like


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerFilter:
    """Which customers a list holds; an empty filter holds them all. Source: api-surface 2, 3.5.

    Attributes:
        metadata: key -> value; an empty value means that there is no such key.
    """

    search_term: str | None = None
    external_id: str | None = None
    account_types: Sequence[str] = ()
    customer_type: str | None = None
    has_customer_type: bool | None = None
    has_tax_identification_number: bool | None = None
    countries: Sequence[str] = ()
    states: Sequence[str] = ()
    zipcodes: Sequence[str] = ()
    currencies: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


async def get(database: Database, organization_id: UUID, external_id: str) -> Doc | None:
    """The customer with this external id that is not deleted."""
    return await reading.find(
        database,
        organization_id,
        "customers",
        "external_id = %(external_id)s and deleted_at is null",
        external_id=external_id,
    )


async def of_ids(database: Database, organization_id: UUID, ids: Iterable[UUID]) -> dict[str, Doc]:
    """Those that have these ids, deleted ones too, by id."""
    wanted = sorted(set(ids))
    where = Where(["id = any(%(ids)s)"], {"ids": wanted})
    docs, _ = await reading.select(
        database, organization_id, "customers", where, order="id", limit=len(wanted), offset=0
    )
    return {doc["id"]: doc for doc in docs}


async def select(
    database: Database, organization_id: UUID, chosen: CustomerFilter, *, limit: int, offset: int
) -> tuple[list[Doc], int]:
    """One page of the customers that are not deleted, the newest first, and how many there are."""
    return await reading.select(
        database,
        organization_id,
        "customers",
        _where(chosen),
        order="created_at desc, id",
        limit=limit,
        offset=offset,
    )


def _where(chosen: CustomerFilter) -> Where:
    where = Where(["deleted_at is null"])
    if chosen.search_term is not None:
        where.add(
            """exists (select from unnest(array[external_id, doc->'details'->>'name', doc->'details'->>'firstname',
               doc->'details'->>'lastname', doc->'details'->>'legal_name', doc->'details'->>'email']) as searched
               where searched ilike %(search)s)""",
            search=like(chosen.search_term),
        )
    if chosen.external_id is not None:
        where.add("external_id = %(external_id)s", external_id=chosen.external_id)
    if chosen.account_types:
        where.add("doc->'details'->>'account_type' = any(%(account_types)s)", account_types=[*chosen.account_types])
    if chosen.customer_type is not None:
        where.add("doc->'details'->>'customer_type' = %(customer_type)s", customer_type=chosen.customer_type)
    if chosen.has_customer_type is not None:
        where.add("(doc->'details'->>'customer_type' is not null) = %(typed)s", typed=chosen.has_customer_type)
    if chosen.has_tax_identification_number is not None:
        where.add(
            "(coalesce(doc->'details'->>'tax_identification_number', '') <> '') = %(identified)s",
            identified=chosen.has_tax_identification_number,
        )
    if chosen.countries:
        where.add("doc->'details'->'address'->>'country' = any(%(countries)s)", countries=[*chosen.countries])
    if chosen.states:
        where.add("doc->'details'->'address'->>'state' = any(%(states)s)", states=[*chosen.states])
    if chosen.zipcodes:
        where.add("doc->'details'->'address'->>'zipcode' = any(%(zipcodes)s)", zipcodes=[*chosen.zipcodes])
    if chosen.currencies:
        where.add("doc->'details'->>'currency' = any(%(currencies)s)", currencies=[*chosen.currencies])
    present = [{"key": key, "value": value} for key, value in chosen.metadata.items() if value]
    absent = [key for key, value in chosen.metadata.items() if not value]
    if present:
        where.add("doc->'details'->'metadata' @> %(metadata)s::jsonb", metadata=json.dumps(present))
    if absent:
        where.add(
            """not exists (select from jsonb_array_elements(doc->'details'->'metadata') as entry
               where entry->>'key' = any(%(absent)s))""",
            absent=absent,
        )
    return where


async def only_subscription(database: Database, organization_id: UUID, external_id: str) -> str | None:
    """The external id of the customer's active subscription; None unless there is exactly one."""
    query = """
        select external_id from subscriptions where organization_id = %(organization_id)s
        and external_customer_id = %(external_id)s and status = 'active' limit 2
    """
    async with database.connection(organization_id) as connection:
        cursor = await connection.execute(
            query, {"organization_id": organization_id, "external_id": external_id}, prepare=True
        )
        found = await cursor.fetchall()
    return found[0][0] if len(found) == 1 else None


async def is_billed(database: Database, organization_id: UUID, customer_id: UUID) -> bool:
    """Whether the customer has, or had, a subscription or an invoice."""
    condition = "customer_id = %(customer_id)s"
    return await reading.exists(
        database, organization_id, "subscriptions", condition, customer_id=customer_id
    ) or await reading.exists(database, organization_id, "invoices", condition, customer_id=customer_id)
