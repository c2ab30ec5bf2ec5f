"""Whatever is used, paid, given back and ended, and however late it is billed: what was paid is on one invoice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.invoicing.billing import advance_subscription
from domain.invoicing.commands import change_fee_payment_status, delete_fee
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices
from domain.invoicing.standalone_fee import FeePaymentStatus, StandaloneFee
from domain.kernel.ledger import Ledger
from domain.subscriptions.commands import terminate_subscription
from domain.subscriptions.subscription import OnTerminationInvoice, Subscription
from domain.taxation.commands import create_tax
from domain.taxation.tax import TaxDetails
from tests.builders import MemoryUsage, Shop, arrive, instant

START = instant("2024-01-01")
Kind = Literal["use", "pay", "change", "delete", "bill", "end"]
Step = tuple[Kind, timedelta, int]
"""What is done, how long after the step before, and a number that chooses among what there is."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("use", "use", "use", "pay", "pay", "pay", "pay", "change", "delete", "bill", "bill", "end")),
        st.integers(1, 400).map(lambda hours: timedelta(hours=hours)),
        st.integers(0, 10**6),
    ),
    min_size=8,
    max_size=40,
)


class Story:
    """A customer who uses, pays and leaves, and comes back an hour later under the same external id."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.ledger, self.usage = shop, shop.ledger, MemoryUsage()
        self.now: datetime = START
        self.begun: list[Subscription] = []

    async def begin(self) -> None:
        terms = {"pay_in_advance": True, "invoiceable": False, "regroup_paid_fees": "invoice"}
        metric = await self.shop.metric("calls", aggregation_type="sum_agg", field_name="n")
        await self.shop.plan(charges=(self.shop.charge(metric, "standard", {"amount": "1"}, **terms),))
        await self.subscribe()

    async def subscribe(self) -> None:
        self.begun.append(await self.shop.subscribe(at=self.now.isoformat()))

    async def do(self, kind: Kind, number: int) -> None:
        open_fees = [fee for fee in await self.fees() if fee.invoice_id is None and fee.deleted_at is None]
        match kind:
            case "use":
                self.usage.add("calls", self.now.isoformat(), n=str(Decimal(number) / 100))
                await arrive(self.shop, self.usage, len(self.usage.events))
            case "end":
                await terminate_subscription(
                    self.ledger,
                    self.begun[-1].id,
                    on_termination_credit_note=None,
                    on_termination_invoice=get_args(OnTerminationInvoice)[number % 2],
                    at=self.now,
                )
                self.now += timedelta(hours=1)
                await self.subscribe()
            case "bill":
                await self.bill()
            case "delete" if open_fees:
                await delete_fee(self.ledger, open_fees[number % len(open_fees)].id, at=self.now)
            case "pay" | "change" if open_fees:
                status: FeePaymentStatus = "succeeded"
                if kind == "change":
                    status = get_args(FeePaymentStatus)[number % 4]
                fee = open_fees[number % len(open_fees)]
                await change_fee_payment_status(self.ledger, fee.id, status, at=self.now)

    async def bill(self) -> None:
        for subscription in self.begun:
            await advance_subscription(self.ledger, self.usage, self.shop.fees, subscription.id, at=self.now)

    async def fees(self) -> list[StandaloneFee]:
        return await self.ledger.find_all(StandaloneFee, self.shop.organization.id)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, rate=st.decimals(0, 30, places=2))
async def test_who_has_paid_has_one_invoice_of_it(ledger: Ledger, steps: Sequence[Step], rate: Decimal) -> None:
    story = Story(await Shop.open(ledger))
    tax = TaxDetails(name="VAT", code="vat", rate=rate)
    await create_tax(ledger, story.shop.organization.id, tax, applied_to_organization=True, at=START)
    await story.begin()
    for kind, after, number in steps:
        story.now += after
        await story.do(kind, number)
    story.now += timedelta(days=70)
    await story.bill()

    fees = await story.fees()
    invoices = await ledger.find_all(Invoice, story.shop.organization.id)
    gathered = {one.id: one for one in invoices if one.content.invoice_type == "advance_charges"}
    paid = [fee for fee in fees if fee.payment_status == "succeeded"]
    assert {fee.id: fee.invoice_id for fee in fees if fee.invoice_id is not None} == {
        fee.id: invoice.id for invoice in gathered.values() for fee in invoice.content.fees
    }
    assert all(fee.invoice_id is not None for fee in paid)
    assert all(fee.invoice_id is None for fee in fees if fee not in paid)
    for fee in paid:
        assert fee.invoice_id is not None
        [first, *_] = [row.timestamp for row in gathered[fee.invoice_id].content.subscriptions]
        assert fee.payment_status_at is not None
        assert fee.payment_status_at <= first, "no bill takes what was paid after it"
    for invoice in gathered.values():
        totals, own = invoice.content.totals, invoice.content.fees
        assert totals.fees_amount_cents == sum(fee.amount_cents for fee in own)
        assert totals.taxes_amount_cents == sum(fee.taxes_amount_cents for fee in own)
        assert totals.total_amount_cents == totals.fees_amount_cents + totals.taxes_amount_cents
        assert (invoice.payment_status, invoice.total_paid_amount_cents) == ("succeeded", totals.total_amount_cents)
        assert len({fee.id for fee in own}) == len(own)
        assert {fee.subscription_id for fee in own} == {row.subscription_id for row in invoice.content.subscriptions}
        assert list(replay_prices(invoice)) == []
    total = sum(fee.fee.amount_cents + fee.fee.taxes_amount_cents for fee in paid)
    assert sum(invoice.total_paid_amount_cents for invoice in gathered.values()) == total
    numbers = [one.numbering.sequential_id for one in invoices if one.numbering is not None]
    assert sorted(numbers) == list(range(1, len(invoices) + 1)), "no number is lost and none given twice"
