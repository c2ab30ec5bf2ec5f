"""What `domain.kernel.ledger.Ledger` promises, kept by the one on PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg.sql import SQL

from domain.catalog.plan import Plan, PlanDetails
from domain.customers.customer import Customer, CustomerDetails
from domain.kernel import ids
from domain.kernel.errors import ConflictError, DuplicateError, NotFoundError, UnavailableError
from domain.kernel.ledger import SequenceNumber
from projections.ledger.ledger import COMMAND_CONSTRAINT, CommandKey, PostgresLedger, current_command, find_statement
from projections.postgres import Database

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
ORGANIZATION = ids.of("organization", "ledger")
SEQUENCE = f"customer:{ORGANIZATION}"


def customer(external_id: str, *, number: int = 1, organization_id: UUID = ORGANIZATION) -> Customer:
    details = CustomerDetails(external_id=external_id)
    return Customer.begin(ids.new(), organization_id=organization_id, sequential_id=number, details=details, at=AT)


async def create(ledger: PostgresLedger, external_id: str) -> Customer:
    created = customer(external_id)
    await ledger.append(created)
    return created


async def create_numbered(ledger: PostgresLedger, external_id: str) -> Customer:
    number = SequenceNumber.next(SEQUENCE)
    created = customer(external_id, number=number.placeholder)
    await ledger.append(created, sequences=[number])
    return created


def rename(changed: Customer, name: str) -> Customer:
    changed.update(replace(changed.details, name=name), at=AT)
    return changed


async def count_events(database: Database) -> int:
    async with database.unbound() as connection:
        row = await (await connection.execute("select count(*) from events")).fetchone()
    assert row is not None
    return int(row[0])


async def docs(database: Database) -> list[dict[str, Any]]:
    async with database.connection(ORGANIZATION) as connection:
        cursor = await connection.execute("select doc from customers order by sequential_id, id")
        return [doc for (doc,) in await cursor.fetchall()]


@pytest.fixture
def command() -> Iterator[CommandKey]:
    key = CommandKey(ORGANIZATION, "key", "fingerprint")
    token = current_command.set(key)
    yield key
    current_command.reset(token)


@pytest_asyncio.fixture
async def other_process(database: Database) -> AsyncIterator[PostgresLedger]:
    """A second ledger on the same database: another writer, which shares no group with the first."""
    ledger = PostgresLedger(database)
    yield ledger
    await ledger.close()


async def test_what_is_appended_is_loaded(ledger: PostgresLedger) -> None:
    created = await create(ledger, "a")
    await ledger.append(rename(created, "Ada"))
    loaded = await ledger.load(Customer, created.id)
    assert vars(loaded) == vars(created)
    assert loaded.version == 2


async def test_loading_what_is_not_there(ledger: PostgresLedger) -> None:
    created = await create(ledger, "a")
    with pytest.raises(NotFoundError, match="customer_not_found"):
        await ledger.load(Customer, ids.new())
    with pytest.raises(NotFoundError, match="customer_not_found"):
        await ledger.load_many(Customer, [created.id, ids.new()])


async def test_several_are_loaded_in_the_order_asked_for(ledger: PostgresLedger) -> None:
    first, second = await create(ledger, "a"), await create(ledger, "b")
    loaded = await ledger.load_many(Customer, [second.id, first.id, second.id])
    assert [one.details.external_id for one in loaded] == ["b", "a", "b"]


async def test_find_sees_one_organization_and_nothing_deleted(ledger: PostgresLedger) -> None:
    created = await create(ledger, "a")
    await ledger.append(customer("a", organization_id=ids.new()))
    found = await ledger.find(Customer, ORGANIZATION, external_id="a")
    assert found is not None
    assert found.id == created.id
    found.delete(at=AT)
    await ledger.append(found)
    assert await ledger.find(Customer, ORGANIZATION, external_id="a") is None
    assert (await ledger.load(Customer, created.id)).deleted_at == AT
    await create(ledger, "a")  # the name is free again


async def test_find_all(ledger: PostgresLedger) -> None:
    created = [await create(ledger, name) for name in "abc"]
    found = await ledger.find_all(Customer, ORGANIZATION)
    assert [one.id for one in found] == sorted(one.id for one in created)


async def test_a_young_table_is_looked_up_by_its_index(database: Database) -> None:
    """Without statistics the planner would rather read all customers and compare each with each question."""
    statement = SQL("explain (costs off) ") + find_statement(Customer, ("external_id",))
    async with database.connection(ORGANIZATION) as connection:
        rows = await (await connection.execute(statement, [["a", "b"], ORGANIZATION])).fetchall()
    [condition] = [line for (line,) in rows if "Index Cond" in line and "organization_id" in line]
    assert "external_id = asked.external_id" in condition


async def test_several_aggregates_commit_together_or_not_at_all(ledger: PostgresLedger, database: Database) -> None:
    stale = await ledger.load(Customer, (await create(ledger, "a")).id)
    await ledger.append(rename(await ledger.load(Customer, stale.id), "first"))
    with pytest.raises(ConflictError):
        await ledger.append(customer("b"), rename(stale, "second"))
    assert await count_events(database) == 2
    assert await ledger.find(Customer, ORGANIZATION, external_id="b") is None


async def test_nothing_decided_is_nothing_written(ledger: PostgresLedger, database: Database) -> None:
    created = await create(ledger, "a")
    await ledger.append(created)
    assert await count_events(database) == 1


async def test_one_bad_append_of_fifty_fails_alone(ledger: PostgresLedger, database: Database) -> None:
    await create(ledger, "taken")
    names = [f"customer {n}" for n in range(50)]
    names[17] = "taken"
    outcomes = await asyncio.gather(*(create_numbered(ledger, name) for name in names), return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [type(error) for error in failed] == [DuplicateError]
    assert isinstance(outcomes[17], DuplicateError)
    assert outcomes[17].constraint == "customers_external_id"
    assert await count_events(database) == 50
    assert sorted(doc["sequential_id"] for doc in await docs(database))[1:] == list(range(1, 50))


async def test_a_value_that_the_database_refuses_fails_alone(ledger: PostgresLedger, database: Database) -> None:
    names = ["good", "nul \x00", secrets.token_hex(9_000), "also good"]  # jsonb has no NUL, an index no such long key
    outcomes = await asyncio.gather(*(create(ledger, name) for name in names), return_exceptions=True)
    assert [isinstance(outcome, Customer) for outcome in outcomes] == [True, False, False, True]
    assert await count_events(database) == 2


async def test_two_writers_race_on_a_stream(ledger: PostgresLedger, other_process: PostgresLedger) -> None:
    created = await create(ledger, "a")

    async def add(writer: PostgresLedger, name: str) -> None:
        while True:
            try:
                return await writer.append(rename(await writer.load(Customer, created.id), name))
            except ConflictError:
                continue

    await asyncio.gather(*(add((ledger, other_process)[n % 2], f"{n}") for n in range(40)))
    assert (await ledger.load(Customer, created.id)).version == 41


async def test_only_one_of_those_who_decided_on_the_same_version_commits(
    ledger: PostgresLedger, other_process: PostgresLedger
) -> None:
    created = await create(ledger, "a")
    writers = [ledger, other_process] * 10
    loaded = [await writer.load(Customer, created.id) for writer in writers]
    attempts = [writer.append(rename(one, f"{n}")) for n, (writer, one) in enumerate(zip(writers, loaded, strict=True))]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert Counter(map(type, outcomes)) == {type(None): 1, ConflictError: 19}
    winner = outcomes.index(None)
    assert (await ledger.load(Customer, created.id)).details.name == f"{winner}"


async def test_a_name_that_is_given_up_is_free_within_the_append(ledger: PostgresLedger) -> None:
    details = PlanDetails(name="P", code="pro", interval="monthly", amount_cents=1, amount_currency="EUR")
    old, new = (
        Plan.begin(ids.new(), organization_id=ORGANIZATION, parent_id=None, details=details, at=AT) for _ in range(2)
    )
    await ledger.append(old)
    old.delete(at=AT)
    await ledger.append(new, old)
    found = await ledger.find(Plan, ORGANIZATION, code="pro")
    assert found is not None
    assert found.id == new.id


async def test_a_name_is_given_once(ledger: PostgresLedger, other_process: PostgresLedger) -> None:
    writers = [ledger, other_process] * 10
    outcomes = await asyncio.gather(*(create(writer, "same") for writer in writers), return_exceptions=True)
    assert Counter(map(type, outcomes)) == {Customer: 1, DuplicateError: 19}


async def test_sequences_have_no_gaps(
    ledger: PostgresLedger, other_process: PostgresLedger, database: Database
) -> None:
    names = [f"{n % 60}" for n in range(100)]  # 40 of them taken
    outcomes = await asyncio.gather(
        *(create_numbered((ledger, other_process)[n % 2], name) for n, name in enumerate(names)), return_exceptions=True
    )
    created = [outcome for outcome in outcomes if isinstance(outcome, Customer)]
    assert sorted(one.sequential_id for one in created) == list(range(1, 61))
    assert [doc["sequential_id"] for doc in await docs(database)] == list(range(1, 61))
    for one in created:
        assert vars(await ledger.load(Customer, one.id)) == vars(one)


async def test_several_numbers_in_one_append(ledger: PostgresLedger) -> None:
    numbers = [SequenceNumber.next(SEQUENCE), SequenceNumber.next("another"), SequenceNumber.next(SEQUENCE)]
    customers = [customer(f"{n}", number=number.placeholder) for n, number in enumerate(numbers)]
    await ledger.append(*customers, sequences=numbers)
    assert [one.sequential_id for one in customers] == [1, 1, 2]


async def test_a_command_is_found_again(ledger: PostgresLedger, command: CommandKey) -> None:
    assert await ledger.find_command(ORGANIZATION, "key") is None
    created = await create(ledger, "a")
    found = await ledger.find_command(ORGANIZATION, "key")
    assert found is not None
    assert (found.key, found.topic, found.aggregate_id) == (command, "customer", created.id)
    assert await ledger.find_command(ids.new(), "key") is None


async def test_commands_that_change_nothing_are_kept(ledger: PostgresLedger, database: Database) -> None:
    """Beside others in one transaction: whether or not they come last, and one of them was done before."""
    created = await create(ledger, "a")

    async def command(key: str, *, changes: bool) -> None:
        current_command.set(CommandKey(ORGANIZATION, key, "fingerprint"))
        await (create_numbered(ledger, key) if changes else ledger.append(created))

    await asyncio.gather(*(command(key, changes=False) for key in "bc"))
    tasks = [command(key, changes=key in "de") for key in "dbefg"]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), DuplicateError, *[type(None)] * 3]
    found = [await ledger.find_command(ORGANIZATION, key) for key in "bcdefg"]
    assert [one and one.topic for one in found] == ["customer"] * 6
    assert [one.aggregate_id == created.id for one in found if one] == [True, True, False, False, True, True]
    assert await count_events(database) == 3
    assert [doc["sequential_id"] for doc in await docs(database)] == [1, 1, 2]


async def test_a_failed_command_leaves_no_key(ledger: PostgresLedger, command: CommandKey) -> None:
    token = current_command.set(None)
    await create(ledger, "a")
    current_command.reset(token)
    with pytest.raises(DuplicateError, match="value_already_exist"):
        await create(ledger, "a")
    assert await ledger.find_command(ORGANIZATION, command.key) is None


async def test_the_same_command_twenty_times_at_once(
    ledger: PostgresLedger, other_process: PostgresLedger, database: Database, command: CommandKey
) -> None:
    writers = [ledger, other_process] * 10
    attempts = [create_numbered(writer, f"{n}") for n, writer in enumerate(writers)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert Counter(map(type, outcomes)) == {Customer: 1, DuplicateError: 19}
    assert {error.constraint for error in outcomes if isinstance(error, DuplicateError)} == {COMMAND_CONSTRAINT}
    assert await count_events(database) == 1
    assert [doc["sequential_id"] for doc in await docs(database)] == [1]


async def test_a_large_event_does_not_hang(ledger: PostgresLedger) -> None:
    """Source: engine 0.3. Its transaction is its own, what is small goes on beside it."""
    large = rename(customer("large"), "x" * 5_000_000)
    async with asyncio.timeout(20):
        await asyncio.gather(ledger.append(large), *(create(ledger, f"{n}") for n in range(20)))
    assert len((await ledger.load(Customer, large.id)).details.name or "") == 5_000_000


async def test_a_writer_that_is_closed_answers_everybody(database: Database) -> None:
    ledger = PostgresLedger(database)
    await create(ledger, "first")
    waiting = [asyncio.create_task(create(ledger, f"{n}")) for n in range(10)]
    await asyncio.sleep(0)
    await ledger.close()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {Customer, UnavailableError}
    with pytest.raises(UnavailableError):
        await create(ledger, "late")


async def test_the_application_cannot_write_past_the_append(ledger: PostgresLedger, database: Database) -> None:
    await create(ledger, "a")
    for statement in (
        "insert into events values (gen_random_uuid(), 1, 't', '', 99)",
        "update events set topic = 'x'",
        "delete from events",
        "update customers set doc = '{}'",
        "delete from commands",
        "update sequences set value = 0",
        "truncate events",
        "insert into read_models values ('events')",
    ):
        for organization in (ORGANIZATION, None):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                async with database.connection(organization) as connection:
                    await connection.execute(statement)
