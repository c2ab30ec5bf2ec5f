"""Taxes on a real ledger: resolved when an invoice is issued, and kept with it (invoicing-money 4.3, 4.4, 4.7, 9.1)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from domain.catalog.fixed_charge import FixedCharge, UnitsChange
from domain.catalog.plan import MinimumCommitment
from domain.invoicing.billing import advance_subscription
from domain.invoicing.current_usage import current_usage, taxed_usage
from domain.invoicing.document import document_of
from domain.invoicing.invoice import Invoice
from domain.invoicing.replay import replay_prices
from domain.invoicing.standalone_fee import StandaloneFee
from domain.kernel import ids
from domain.kernel.ledger import Ledger
from domain.organizations.organization import Organization
from domain.subscriptions.subscription import Subscription
from domain.taxation.commands import create_tax, delete_tax, update_tax
from domain.taxation.tax import Tax, TaxDetails
from domain.taxation.which_taxes import applicable_taxes
from tests.builders import MemoryUsage, Shop, arrive, instant

D = Decimal


async def tax(shop: Shop, code: str, rate: str, *, default: bool = False) -> Tax:
    return await create_tax(
        shop.ledger,
        shop.organization.id,
        TaxDetails(name=code.title(), code=code, rate=D(rate)),
        applied_to_organization=default,
        at=instant("2024-01-01"),
    )


async def bill(shop: Shop, usage: MemoryUsage, subscription: Subscription, at: str) -> Invoice:
    """The invoice that is due last until then; it replays."""
    await advance_subscription(shop.ledger, usage, shop.fees, subscription.id, at=instant(at))
    found = await shop.ledger.find_all(
        Invoice, shop.organization.id, customer_id=str(subscription.customer_id), status="finalized"
    )
    invoice = max(found, key=lambda one: one.content.issuing_date)
    assert list(replay_prices(invoice)) == []
    return invoice


def rows(invoice: Invoice) -> list[tuple[str, int, int]]:
    """Code, base and amount of each tax."""
    return [(row.tax.code, row.fees_amount_cents, row.amount_cents) for row in invoice.content.applied_taxes]


async def test_every_fee_has_the_taxes_of_its_charge_or_plan(ledger: Ledger) -> None:
    """4.7 without its coupon: the true-up has the taxes of its charge."""
    shop, usage = await Shop.open(ledger), MemoryUsage()
    banking, free, sales = (
        await tax(shop, "banking", "10"),
        await tax(shop, "free", "0"),
        await tax(shop, "sales", "20"),
    )
    transfers = await shop.metric("transfers", aggregation_type="sum_agg", field_name="total")
    cards = await shop.metric("cards")
    await shop.plan(
        amount_cents=10_000,
        tax_ids=(banking.id,),
        charges=(
            shop.charge(transfers, "standard", {"amount": "1"}, tax_ids=(free.id,)),
            shop.charge(cards, "standard", {"amount": "30"}, min_amount_cents=5000, tax_ids=(sales.id,)),
        ),
    )
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("transfers", "2024-01-02", total="50")
    usage.add("cards", "2024-01-02")
    invoice = await bill(shop, usage, subscription, "2024-02-01")
    assert [(fee.amount_cents, fee.taxes_rate, fee.taxes_amount_cents) for fee in invoice.content.fees] == [
        (10_000, D(10), 1000),
        (5000, D(0), 0),
        (3000, D(20), 600),
        (2000, D(20), 400),
    ]
    assert rows(invoice) == [("banking", 10_000, 1000), ("free", 5000, 0), ("sales", 5000, 1000)]
    assert invoice.content.taxes_rate == 10
    totals = invoice.content.totals
    assert (totals.sub_total_excluding_taxes_amount_cents, totals.taxes_amount_cents) == (20_000, 2000)
    assert (totals.sub_total_including_taxes_amount_cents, totals.total_amount_cents) == (22_000, 22_000)
    document = document_of(invoice)
    assert [(row.name, row.rate, row.amount_cents) for row in document.taxes][::2] == [
        ("Banking", D(10), 1000),
        ("Sales", D(20), 1000),
    ]
    assert [line.taxes_rate for line in document.sections[0].lines] == [10, 0, 20, 20]


async def test_the_nearest_level_decides(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await tax(shop, "default", "25", default=True)
    own, of_plan, of_charge = (
        await tax(shop, "own", "8"),
        await tax(shop, "plan", "10"),
        await tax(shop, "charge", "20"),
    )
    metric = await shop.metric("units")
    await shop.plan("plain", amount_cents=10_000)
    charges = (shop.charge(metric, "standard", {"amount": "5"}, tax_ids=(of_charge.id,)),)
    await shop.plan("taxed", amount_cents=10_000, tax_ids=(of_plan.id,), charges=charges)
    await shop.customer("c1")
    await shop.customer("c2", tax_ids=(own.id,))
    usage.add("units", "2024-01-02", subscription="s3")
    without = await bill(shop, usage, await shop.subscribe("s1", at="2024-01-01", plan="plain"), "2024-02-01")
    assert rows(without) == [("default", 10_000, 2500)]
    second = await shop.subscribe("s2", at="2024-01-01", plan="plain", customer="c2")
    await shop.subscribe("s3", at="2024-01-01", plan="taxed", customer="c2")
    invoice = await bill(shop, usage, second, "2024-02-01")
    assert rows(invoice) == [("own", 10_000, 800), ("plan", 10_000, 1000), ("charge", 500, 100)]
    assert invoice.content.totals.taxes_amount_cents == 1900


async def test_an_invoice_rounds_its_tax_once(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await tax(shop, "vat", "10", default=True)
    metrics = [await shop.metric(code, aggregation_type="sum_agg", field_name="n") for code in ("a", "b")]
    charges = tuple(shop.charge(metric, "standard", {"amount": "1"}) for metric in metrics)
    await shop.plan(amount_cents=105, charges=charges)
    subscription = await shop.subscribe(at="2024-01-01")
    for code in ("a", "b"):
        usage.add(code, "2024-01-02", n="1.05")
    invoice = await bill(shop, usage, subscription, "2024-02-01")
    assert [fee.taxes_amount_cents for fee in invoice.content.fees] == [11, 11, 11]
    assert (invoice.content.totals.taxes_amount_cents, invoice.content.totals.total_amount_cents) == (32, 347)


async def test_a_changed_tax_reaches_the_invoices_to_come(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    vat = await tax(shop, "vat", "10", default=True)
    await tax(shop, "local", "5", default=True)
    own = await tax(shop, "own", "1")
    await shop.customer(tax_ids=(own.id,))
    await shop.plan(amount_cents=1000, tax_ids=(vat.id,))
    subscription = await shop.subscribe(at="2024-01-01")
    first = await bill(shop, usage, subscription, "2024-02-01")

    async def change(before: TaxDetails) -> None:
        await update_tax(
            ledger,
            shop.organization.id,
            before.code,
            lambda details: replace(details, code="mwst", name="MwSt", rate=D("20")),
            applied_to_organization=None,
            at=instant("2024-02-15"),
        )

    await change(vat.details)
    second = await bill(shop, usage, subscription, "2024-03-01")
    await delete_tax(ledger, shop.organization.id, "mwst", at=instant("2024-03-15"))
    third = await bill(shop, usage, subscription, "2024-04-01")
    await delete_tax(ledger, shop.organization.id, "own", at=instant("2024-04-15"))
    fourth = await bill(shop, usage, subscription, "2024-05-01")
    assert rows(first) == [("vat", 1000, 100)]
    assert rows(second) == [("mwst", 1000, 200)], "the same tax, by another name"
    assert rows(third) == [("own", 1000, 10)], "without the plan's the customer's"
    assert rows(fourth) == [("local", 1000, 50)], "and then what is left of the defaults"
    kept = await ledger.load(Invoice, first.id)
    assert rows(kept) == rows(first)
    assert list(replay_prices(kept)) == []


async def test_a_default_comes_and_goes(ledger: Ledger) -> None:
    shop = await Shop.open(ledger)
    vat = await tax(shop, "vat", "10")
    for applied, defaults in ((True, (vat.id,)), (True, (vat.id,)), (None, (vat.id,)), (False, ()), (False, ())):
        await update_tax(
            ledger,
            shop.organization.id,
            "vat",
            lambda details: details,
            applied_to_organization=applied,
            at=instant("2024-01-02"),
        )
        organization = await ledger.load(Organization, shop.organization.id)
        assert organization.details.tax_ids == defaults, applied


async def test_a_replay_finds_a_tax_that_is_not_what_it_was(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await tax(shop, "vat", "10", default=True)
    await shop.plan(amount_cents=1000)
    invoice = await bill(shop, usage, await shop.subscribe(at="2024-01-01"), "2024-02-01")
    content = invoice.content
    [fee], [row] = content.fees, content.applied_taxes
    for what, tampered in {
        "fees[0].taxes_amount_cents": replace(content, fees=(replace(fee, taxes_amount_cents=99),)),
        "taxes_rate": replace(content, taxes_rate=D(9)),
        "applied_taxes": replace(content, applied_taxes=(replace(row, amount_cents=99),)),
        "totals": replace(content, totals=replace(content.totals, taxes_amount_cents=99)),
    }.items():
        invoice.content = tampered
        assert [difference.what for difference in replay_prices(invoice)] == [what]


async def test_fees_in_advance_are_taxed_at_once(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    vat = await tax(shop, "vat", "20")
    calls, texts = await shop.metric("calls"), await shop.metric("texts")
    await shop.plan(
        amount_cents=0,
        tax_ids=(vat.id,),
        charges=(
            shop.charge(calls, "standard", {"amount": "1.01"}, pay_in_advance=True),
            shop.charge(texts, "standard", {"amount": "1.01"}, pay_in_advance=True, invoiceable=False),
        ),
    )
    await shop.subscribe(at="2024-01-01")
    for number, code in enumerate(("calls", "texts"), 1):
        usage.add(code, "2024-01-05")
        assert await arrive(shop, usage, number) == 1
    [invoice] = await ledger.find_all(Invoice, shop.organization.id)
    assert list(replay_prices(invoice)) == []
    assert (rows(invoice), invoice.content.totals.total_amount_cents) == ([("vat", 101, 20)], 121)
    [standalone] = await ledger.find_all(StandaloneFee, shop.organization.id)
    for fee in (standalone.fee, *invoice.content.fees):
        assert (fee.taxes_rate, fee.taxes_amount_cents, fee.taxes_precise_amount_cents) == (D(20), 20, D("20.2"))
        assert [(row.tax.code, row.amount_cents) for row in fee.applied_taxes] == [("vat", 20)]


async def test_renewals_that_stand_alone_are_taxed(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    vat = await tax(shop, "vat", "20", default=True)
    seats = await shop.metric("seats", aggregation_type="sum_agg", field_name="n", recurring=True)
    charge = shop.charge(seats, "standard", {"amount": "10"}, pay_in_advance=True, invoiceable=False)
    await shop.plan(charges=(charge,))
    subscription = await shop.subscribe(at="2024-01-01")
    usage.add("seats", "2024-01-05", n="3")
    await bill(shop, usage, subscription, "2024-02-01")
    [renewal] = await ledger.find_all(StandaloneFee, shop.organization.id)
    assert (renewal.fee.amount_cents, renewal.fee.taxes_amount_cents) == (3000, 600)
    assert [row.tax.tax_id for row in renewal.fee.applied_taxes] == [vat.id]


async def test_current_usage_has_the_taxes_of_its_invoice(ledger: Ledger) -> None:
    shop, usage = await Shop.open(ledger), MemoryUsage()
    await tax(shop, "vat", "10", default=True)
    metrics = [await shop.metric(code, aggregation_type="sum_agg", field_name="n") for code in ("a", "b")]
    charges = tuple(shop.charge(metric, "standard", {"amount": "1"}) for metric in metrics)
    plan = await shop.plan(charges=charges)
    customer = await shop.customer()
    subscription = await shop.subscribe(at="2024-01-01")
    for code in ("a", "b"):
        usage.add(code, "2024-01-02", n="1.04")
    organization = await ledger.load(Organization, shop.organization.id)
    shown = await current_usage(ledger, usage, subscription, plan, "UTC", at=instant("2024-01-10"))
    taxes = await applicable_taxes(ledger, organization, customer, [plan.details])
    taxed = taxed_usage(shown, plan.details, taxes)
    assert (shown.taxes_amount_cents, taxed.amount_cents, taxed.taxes_amount_cents) == (0, 208, 21), "20.8, once"


async def test_fixed_charges_and_commitments_name_taxes_of_their_own(ledger: Ledger) -> None:
    shop, at = await Shop.open(ledger), instant("2024-01-01")
    of_plan, of_charge, of_commitment = [await tax(shop, code, "10") for code in ("plan", "charge", "commitment")]
    await tax(shop, "other", "10")
    seats = FixedCharge(
        id=ids.new(),
        code="seats",
        add_on_id=ids.new(),
        charge_model="standard",
        properties={"amount": "1"},
        units_log=(UnitsChange(units=D(1), decided_at=at, immediately=False),),
        tax_ids=(of_charge.id,),
        created_at=at,
    )
    plan = await shop.plan(
        tax_ids=(of_plan.id,),
        fixed_charges=(seats,),
        minimum_commitment=MinimumCommitment(id=ids.new(), amount_cents=1, tax_ids=(of_commitment.id,), created_at=at),
    )
    customer = await shop.customer()
    for gone, expected in (
        ("", ["charge", "commitment"]),
        ("charge", ["plan", "commitment"]),
        ("commitment", ["plan"] * 2),
    ):
        if gone:
            await delete_tax(ledger, shop.organization.id, gone, at=at)
        taxes = await applicable_taxes(ledger, shop.organization, customer, [plan.details])
        found = [taxes.of_fixed_charge(plan.details, seats.id), taxes.of_commitment(plan.details)]
        assert [[terms.code for terms in level] for level in found] == [[code] for code in expected]
        assert "other" not in {terms.code for terms in taxes.terms.values()}, "by one query, only what is named"
