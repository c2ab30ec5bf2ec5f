"""A process that writes to the ledger: `python -m tests.projections.ledger_writer DSN NAME APPENDS`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from domain.customers.customer import Customer, CustomerDetails
from domain.kernel import ids
from projections.ledger.ledger import PostgresLedger
from projections.postgres import Database

ORGANIZATION = ids.of("organization", "tail")
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


async def append(ledger: PostgresLedger, external_id: str) -> None:
    details = CustomerDetails(external_id=external_id)
    await ledger.append(
        Customer.begin(ids.new(), organization_id=ORGANIZATION, sequential_id=1, details=details, at=AT)
    )


async def write(dsn: str, name: str, appends: int) -> None:
    async with Database(dsn) as database:
        ledger = PostgresLedger(database)
        limit = asyncio.Semaphore(8)

        async def limited(number: int) -> None:
            async with limit:
                await append(ledger, f"{name} {number}")

        await asyncio.gather(*map(limited, range(appends)))
        await ledger.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))
