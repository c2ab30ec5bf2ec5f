"""`durabill demo`: a quarter of usage becomes three invoices that can be replayed, shown and checked as it happens.

Every figure is asserted. The story is the one of the README: a plan of 50 USD a month with 1,000 calls included, then
0.10 USD a call, and storage by the gigabyte; duplicates, late events, an unknown metric; and a worker that is killed
while it bills.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.embedded import processes
from cli.embedded.folder import DataFolder

NEW_YORK = ZoneInfo("America/New_York")
BATCH = 100
SENT_TWICE = 3
"""How many of each month's batches are sent a second time, whole: 100 events each."""

console = Console(highlight=False)


class DemoError(Exception):
    """A figure that is not what it must be."""


@dataclass(frozen=True)
class Month:
    """The usage of one month, and what it costs: 50.00 + 0.10 for each call after 1,000 + 0.25 a gigabyte."""

    first: datetime
    calls: int
    gigabytes: tuple[str, int]

    @property
    def gigabytes_used(self) -> Decimal:
        each, times = self.gigabytes
        return Decimal(each) * times

    @property
    def fees(self) -> dict[str, int]:
        """Code of a fee's item -> cents."""
        return {"pro": 5000, "api_calls": max(0, self.calls - 1000) * 10, "gb": int(self.gigabytes_used * 25)}

    @property
    def end(self) -> datetime:
        return (self.first + timedelta(days=32)).replace(day=1)


MONTHS = (
    Month(datetime(2026, 1, 1, tzinfo=NEW_YORK), 3_600, ("0.5", 400)),
    Month(datetime(2026, 2, 1, tzinfo=NEW_YORK), 700, ("2.25", 300)),
    Month(datetime(2026, 3, 1, tzinfo=NEW_YORK), 6_400, ("1", 600)),
)
EVENTS = sum(month.calls + month.gigabytes[1] for month in MONTHS)


def check(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise DemoError(f"{what}: {found!r}, expected {expected!r}")


class Demo:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self.duplicates = 0
        self.rates: list[float] = []

    def call(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        answer = self.http.request(method, path, json=body)
        check(f"{method} {path} answers {answer.text[:300]}", answer.status_code, status)
        return answer.json() if answer.content else None

    # The stack ----------------------------------------------------------------------------------------------------

    def wait_until_ready(self, stack: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            if stack.poll() is not None:
                raise DemoError("the stack has ended; what it said is above")
            try:
                if self.http.get("/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise DemoError(f"the stack is not ready after 180 s; see {self.folder / 'logs'}")

    def worker_processes(self) -> list[int]:
        """Process ids of the role that bills."""
        found = []
        for pid in processes.ours(self.folder):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"worker" in words and b"billing,documents" in words:
                found.append(pid)
        return found

    # The story ----------------------------------------------------------------------------------------------------

    def set_up(self) -> None:
        admin_key = os.environ.get("DURABILL_ADMIN_KEY") or DataFolder(self.folder).key("admin")
        answer = self.http.post(
            "/admin/organizations",
            json={"organization": {"name": "Demo", "sandbox": True, "default_currency": "USD", "country": "US"}},
            headers={"Authorization": f"Bearer {admin_key}"},
        )
        check(f"creating the sandbox answers {answer.text[:300]}", answer.status_code, 201)
        organization = answer.json()["organization"]
        self.organization_id = organization["lago_id"]
        self.http.headers["Authorization"] = f"Bearer {organization['api_key']}"
        self.clock(MONTHS[0].first)
        metric_ids = [
            self.call("POST", "/api/v1/billable_metrics", {"billable_metric": metric})["billable_metric"]["lago_id"]
            for metric in (
                {"name": "API calls", "code": "api_calls", "aggregation_type": "count_agg"},
                {"name": "Storage", "code": "gb", "aggregation_type": "sum_agg", "field_name": "gb"},
            )
        ]
        calls = [
            {"from_value": 0, "to_value": 1000, "per_unit_amount": "0", "flat_amount": "0"},
            {"from_value": 1001, "to_value": None, "per_unit_amount": "0.10", "flat_amount": "0"},
        ]
        self.call(
            "POST",
            "/api/v1/plans",
            {
                "plan": {
                    "name": "Pro",
                    "code": "pro",
                    "interval": "monthly",
                    "amount_cents": 5000,
                    "amount_currency": "USD",
                    "pay_in_advance": False,
                    "charges": [
                        {
                            "billable_metric_id": metric_ids[0],
                            "charge_model": "graduated",
                            "properties": {"graduated_ranges": calls},
                        },
                        {
                            "billable_metric_id": metric_ids[1],
                            "charge_model": "standard",
                            "properties": {"amount": "0.25"},
                        },
                    ],
                }
            },
        )
        customer = {"external_id": "acme", "name": "Acme Corp", "currency": "USD", "timezone": "America/New_York"}
        self.call("POST", "/api/v1/customers", {"customer": customer})
        self.call(
            "POST",
            "/api/v1/subscriptions",
            {"subscription": {"external_customer_id": "acme", "external_id": "acme-pro", "plan_code": "pro"}},
        )
        console.print("[bold]1[/]  a sandbox, two metrics, plan [cyan]pro[/], customer [cyan]acme[/] in New York")

    def clock(self, now: datetime) -> None:
        """Move the sandbox's time and wait until all that falls in between is done."""
        text = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = self.http.put("/api/v1/test_clock", json={"test_clock": {"now": text}})
        deadline = time.monotonic() + 120
        while answer.json()["test_clock"]["status"] != "ready":
            if time.monotonic() > deadline:
                raise DemoError(f"the clock does not arrive at {text}: {answer.text}")
            time.sleep(0.05)
            answer = self.http.get("/api/v1/test_clock")

    def events_of(self, month: Month) -> list[dict[str, Any]]:
        """All events of a month, over its days; the first of the last day's are sent late, see `send`."""
        name = month.first.strftime("%Y-%m")
        seconds = (month.end - month.first).total_seconds() - 86_400
        total = month.calls + month.gigabytes[1]

        def event(number: int, code: str, properties: dict[str, Any]) -> dict[str, Any]:
            at = month.first.timestamp() + seconds * number / total
            return {
                "transaction_id": f"{name}-{number}",
                "external_subscription_id": "acme-pro",
                "code": code,
                "timestamp": f"{at:.3f}",
                "properties": properties,
            }

        events = [event(number, "api_calls", {"path": f"/v1/{number % 7}"}) for number in range(month.calls)]
        events += [
            event(month.calls + number, "gb", {"gb": month.gigabytes[0]}) for number in range(month.gigabytes[1])
        ]
        return events

    def send(self, batches: list[list[dict[str, Any]]], progress: Progress, task: Any) -> None:
        def post(batch: list[dict[str, Any]]) -> None:
            answer = self.http.post("/api/v1/events/batch", json={"events": batch})
            if answer.status_code == 422:
                codes = answer.json()["error_details"]
                check("a batch that was sent twice", codes["0"], {"transaction_id": ["value_already_exist"]})
                self.duplicates += len(batch)
            else:
                check(f"a batch answers {answer.text[:300]}", answer.status_code, 200)
                progress.update(task, advance=len(batch))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(post, batches))

    def use(self, month: Month, progress: Progress, task: Any) -> None:
        """Send a month's events: some twice, and those of its first hours a day late."""
        events = self.events_of(month)
        batches = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
        late, in_time = batches[:2], batches[2:]
        started = time.monotonic()
        self.send(in_time, progress, task)
        self.send(in_time[:SENT_TWICE], progress, task)
        self.clock(month.end - timedelta(hours=20))
        self.send(late, progress, task)
        self.rates.append(len(events) / (time.monotonic() - started))
        unknown = {"transaction_id": f"unknown-{month.first:%m}", "code": "no_such_metric"}
        self.call("POST", "/api/v1/events", {"event": {**unknown, "external_subscription_id": "acme-pro"}})

    def look_at_usage(self, month: Month) -> None:
        usage = self.call("GET", "/api/v1/customers/acme/current_usage?external_subscription_id=acme-pro")
        charges = {row["billable_metric"]["code"]: row for row in usage["customer_usage"]["charges_usage"]}
        check("calls in use", Decimal(charges["api_calls"]["units"]), Decimal(month.calls))
        check("gigabytes in use", Decimal(charges["gb"]["units"]), month.gigabytes_used)
        check("usage so far", usage["customer_usage"]["amount_cents"], month.fees["api_calls"] + month.fees["gb"])

    def kill_the_worker_while_it_bills(self, month: Month) -> None:
        """SIGKILL to the process that bills, as soon as the month's end is asked for; the supervisor starts it anew."""
        asked = threading.Thread(target=self.clock, args=(month.end,))
        asked.start()
        time.sleep(0.02)
        victims = self.worker_processes()
        check("workers that run", bool(victims), True)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        asked.join()

    def invoices(self) -> Iterator[dict[str, Any]]:
        listed = self.call("GET", "/api/v1/invoices?external_customer_id=acme")
        check("invoices", listed["meta"]["total_count"], len(MONTHS))
        for row in sorted(listed["invoices"], key=lambda row: row["issuing_date"]):
            yield self.call("GET", f"/api/v1/invoices/{row['lago_id']}")["invoice"]

    def show(self, invoice: dict[str, Any], month: Month) -> None:
        table = Table(title=f"{invoice['number']}  ·  {invoice['issuing_date']}", title_justify="left")
        table.add_column("")
        for name in ("units", "unit price", "USD"):
            table.add_column(name, justify="right")
        for fee in invoice["fees"]:
            table.add_row(
                fee["item"]["name"], fee["units"], fee["precise_unit_amount"], f"{fee['amount_cents'] / 100:,.2f}"
            )
        table.add_section()
        table.add_row("[bold]Total[/]", "", "", f"[bold]{invoice['total_amount_cents'] / 100:,.2f}[/]")
        console.print(table)
        found = {fee["item"]["code"]: fee["amount_cents"] for fee in invoice["fees"]}
        check(f"fees of {month.first:%B}", found, month.fees)
        check(f"total of {month.first:%B}", invoice["total_amount_cents"], sum(month.fees.values()))
        check("issuing date", invoice["issuing_date"], f"{month.end:%Y-%m-%d}")

    def document(self, invoice_id: str, target: Path) -> str:
        """The PDF's path, or why there is none."""
        self.call("POST", f"/api/v1/invoices/{invoice_id}/download")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            url = self.call("GET", f"/api/v1/invoices/{invoice_id}")["invoice"]["file_url"]
            if url:
                content = self.http.get(url).content
                check("the document", content[:5], b"%PDF-")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                return str(target)
            time.sleep(0.1)
        return "none: WeasyPrint's libraries are missing, `make setup` says what to install"

    def replay(self) -> None:
        environment = {**os.environ, **DataFolder(self.folder).published()}
        command = [sys.executable, "-m", "cli.main", "replay", "--organization", self.organization_id]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        said = answer.stdout.strip().splitlines()
        check(f"the replay says {answer.stdout}{answer.stderr}", answer.returncode, 0)
        check("the replay", said[-1], f"{len(MONTHS)} invoices, replay equal")
        console.print(f"[bold]6[/]  {said[-1]}")

    def tell(self, documents: Path) -> None:
        self.set_up()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("   events", total=EVENTS)
            for number, month in enumerate(MONTHS):
                self.use(month, progress, task)
                self.look_at_usage(month)
                if number == 1:
                    self.kill_the_worker_while_it_bills(month)
                else:
                    self.clock(month.end)
        rate = max(self.rates)
        console.print(f"[bold]2[/]  {EVENTS:,} events, up to {rate:,.0f}/s; some a day late, some for no known metric")
        expected = SENT_TWICE * BATCH * len(MONTHS)
        check("duplicates refused", self.duplicates, expected)
        console.print(f"[bold]3[/]  {self.duplicates} events were sent twice: refused, and counted once")
        console.print("[bold]4[/]  the worker was killed (SIGKILL) while it billed February: one invoice all the same")
        invoices = list(self.invoices())
        for invoice, month in zip(invoices, MONTHS, strict=True):
            self.show(invoice, month)
        path = self.document(invoices[-1]["lago_id"], documents / f"{invoices[-1]['number']}.pdf")
        console.print(f"[bold]5[/]  PDF: {path}")
        self.replay()


def run(folder: Path, documents: Path) -> int:
    """Run the demo on a data folder of its own; 0 if every figure is right. No process is left behind."""
    demo = Demo(folder.absolute(), processes.free_port())
    command = [sys.executable, "-m", "cli.main", "up", "--port", str(demo.port), "--data", str(demo.folder)]
    stack = subprocess.Popen(command, start_new_session=True)
    try:
        demo.wait_until_ready(stack)
        demo.tell(documents)
    except DemoError as error:
        console.print(f"[bold red]wrong[/]  {error}")
        return 1
    finally:
        stack.send_signal(signal.SIGTERM)
        stack.wait(60)
    left = processes.ours(demo.folder)
    if left:
        console.print(f"[bold red]wrong[/]  processes left behind: {left}")
        return 1
    return 0
