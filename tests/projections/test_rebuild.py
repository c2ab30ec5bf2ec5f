"""Read models follow from the log alone: rebuilt they are equal, and what was damaged is put right."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psycopg

from domain.customers.customer import Customer
from projections.ledger.ledger import PostgresLedger
from projections.ledger.rebuild import Comparison, rebuild
from projections.postgres import Database
from tests.projections.ledger_writer import AT, ORGANIZATION, append


async def fill(ledger: PostgresLedger) -> None:
    await asyncio.gather(*(append(ledger, f"{n}") for n in range(20)))
    renamed = await ledger.find(Customer, ORGANIZATION, external_id="3")
    deleted = await ledger.find(Customer, ORGANIZATION, external_id="4")
    assert renamed is not None
    assert deleted is not None
    renamed.update(replace(renamed.details, name="Ada"), at=AT)
    deleted.delete(at=AT)
    await ledger.append(renamed, deleted)
    await append(ledger, "4")  # the name of one that is deleted


async def customers(database: Database) -> list[tuple[object, ...]]:
    async with database.connection(None) as connection:
        return list(await (await connection.execute("select * from customers order by id")).fetchall())


async def test_a_rebuild_is_equal(ledger: PostgresLedger, database_url: str) -> None:
    await fill(ledger)
    comparisons = await rebuild(database_url)
    assert Comparison("customers", live=21, rebuilt=21, different=0) in comparisons
    assert sum(comparison.different for comparison in comparisons) == 0


async def test_differences_are_counted_and_put_right(
    ledger: PostgresLedger, database: Database, database_url: str
) -> None:
    await fill(ledger)
    before = await customers(database)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("""update customers set doc = doc || '{"sequential_id": 7}' where external_id = '5'""")
        owner.execute("delete from customers where external_id in ('6', '7')")
        owner.execute(
            "insert into customers (id, organization_id, doc) values (gen_random_uuid(), gen_random_uuid(), '{}')"
        )
    assert Comparison("customers", live=20, rebuilt=21, different=4) in await rebuild(database_url)
    assert await customers(database) != before
    await rebuild(database_url, switch=True)
    assert await customers(database) == before
    assert sum(comparison.different for comparison in await rebuild(database_url)) == 0


async def test_commands_go_on_during_a_switch(ledger: PostgresLedger, database_url: str) -> None:
    await fill(ledger)

    async def work() -> None:
        for number in range(100, 200):
            await append(ledger, f"{number}")

    await asyncio.gather(work(), rebuild(database_url, switch=True), return_exceptions=False)
    assert Comparison("customers", live=121, rebuilt=121, different=0) in await rebuild(database_url)


async def test_after_a_switch_rows_are_still_isolated(
    ledger: PostgresLedger, database: Database, database_url: str
) -> None:
    await fill(ledger)
    await rebuild(database_url, switch=True)
    assert await ledger.find(Customer, ORGANIZATION, external_id="3") is not None
    async with database.connection(ORGANIZATION) as connection:
        row = await (await connection.execute("select count(*) from customers")).fetchone()
    assert row == (21,)
