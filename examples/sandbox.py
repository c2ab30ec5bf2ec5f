"""What every example needs: a sandbox of its own, its clock, and the newest invoice of a customer on the terminal."""

from __future__ import annotations

import argparse
import time
from decimal import Decimal
from typing import Any, NamedTuple

import httpx
from lago_python_client import Client
from lago_python_client.models.fee import FeeResponse
from rich.console import Console
from rich.table import Table

PATIENCE_SECONDS = 60
EXPONENTS = {"EUR": 2, "JPY": 0, "USD": 2}
"""Currency of an example -> decimal places of its amounts."""


class Line(NamedTuple):
    """One line of an invoice: units and unit price as the API writes them, the amount in minor units."""

    units: str
    unit_price: str
    amount_cents: int


class Sandbox:
    """A new organization whose time stands still until it is moved. `client` is Lago's own."""

    def __init__(self, name: str, now: str) -> None:
        """Reads `--url` and `--admin-key` from the command line; `now` is RFC 3339."""
        parser = argparse.ArgumentParser(description=name)
        parser.add_argument("--url", default="http://127.0.0.1:3000")
        parser.add_argument("--admin-key", required=True)
        arguments = parser.parse_args()
        answer = httpx.post(
            f"{arguments.url}/admin/organizations",
            json={"organization": {"name": name, "sandbox": True}},
            headers={"Authorization": f"Bearer {arguments.admin_key}"},
        )
        api_key = answer.raise_for_status().json()["organization"]["api_key"]
        self._clock = f"{arguments.url}/api/v1/test_clock"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self.client: Any = Client(api_key=api_key, api_url=arguments.url)  # its annotations contradict themselves
        self.move_clock(now)

    def move_clock(self, now: str) -> None:
        """Move time forward to `now` (RFC 3339) and wait until all that falls due on the way is done."""
        answer = httpx.put(self._clock, json={"test_clock": {"now": now}}, headers=self._headers, timeout=30)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while answer.raise_for_status().json()["test_clock"]["status"] != "ready":
            if time.monotonic() > deadline:
                raise TimeoutError(f"the clock does not arrive at {now}: {answer.text}")
            time.sleep(0.05)
            answer = httpx.get(self._clock, headers=self._headers, timeout=30)


def print_invoice(client: Any, external_customer_id: str) -> dict[str, Line | int]:
    """Print the customer's newest invoice.

    Returns:
        Its lines by name, and its total in minor units under "Total".
    """
    rows = client.invoices.find_all({"external_customer_id": external_customer_id})["invoices"]
    invoice = client.invoices.find(max(rows, key=lambda row: str(row.issuing_date)).lago_id)
    currency = invoice.currency
    table = Table(title=f"{invoice.number}  ·  {invoice.issuing_date}", title_justify="left")
    table.add_column("")
    for column in ("units", "unit price", currency):
        table.add_column(column, justify="right")
    lines: dict[str, Line | int] = {}
    for fee in invoice.fees.__root__ if invoice.fees else ():
        name, line = _line(fee)
        assert name not in lines, f"two lines are called {name}"
        lines[name] = line
        table.add_row(name, line.units, line.unit_price, _major(line.amount_cents, currency))
    table.add_section()
    table.add_row("[bold]Total[/]", "", "", f"[bold]{_major(invoice.total_amount_cents, currency)}[/]")
    Console(highlight=False).print(table)
    return {**lines, "Total": invoice.total_amount_cents}


def _line(fee: FeeResponse) -> tuple[str, Line]:
    assert fee.item is not None
    assert fee.units is not None
    assert fee.precise_unit_amount is not None
    assert fee.amount_cents is not None
    names = (fee.item.invoice_display_name or fee.item.name, fee.item.filter_invoice_display_name)
    return ": ".join(name for name in names if name), Line(fee.units, fee.precise_unit_amount, fee.amount_cents)


def _major(amount_cents: int, currency: str) -> str:
    return f"{Decimal(amount_cents).scaleb(-EXPONENTS[currency]):,}"
