"""Credit notes for unused days: what they are over and how they are given back (invoicing-money 18.5 to 18.7, 18.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from domain.customers.customer import Address
from domain.invoicing.credit_note import CreditNoteContent, EarlyEnd, GivenBackAs
from domain.invoicing.credit_note_amounts import give_back
from domain.invoicing.invoice import Fee, InvoiceContent, IssuedCreditNote, Party, SubscriptionFeeInputs
from domain.invoicing.taxes import invoice_taxes, taxed
from domain.invoicing.totals import totals
from domain.invoicing.unused_days import unused_credit
from domain.subscriptions.billing_dates import Lifetime, Schedule, boundaries
from domain.subscriptions.intervals import BillingTime, Interval
from domain.subscriptions.proration import Formula
from domain.taxation.tax import TaxTerms
from tests.builders import instant
from tests.unit.invoicing.test_totals import FEE

D = Decimal
NOTE_ID = UUID(int=99)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A subscription in advance that ended, and the fee that its last invoice bills `copies` times over.

    `fee` is what was billed where that is not the plan's amount, `coupon` its share of coupons, `credited` what a
    note has given back of it before.
    """

    amount: int
    at: str
    start: str
    anchor: str | None = None
    interval: Interval = "monthly"
    billing_time: BillingTime = "calendar"
    timezone: str = "UTC"
    rate: str = "20"
    fee: int | None = None
    copies: int = 1
    coupon: str = "0"
    credited: str = "0"
    trial_end: str | None = None
    upgraded: bool = False
    mode: GivenBackAs = "credit"
    paid: int = 0
    used_credit: int = 0

    @property
    def end(self) -> EarlyEnd:
        lifetime = Lifetime(instant(self.start), instant(self.at), "upgrade" if self.upgraded else None)
        return EarlyEnd(lifetime=lifetime, mode=self.mode, paid_cents=self.paid)

    @property
    def billed(self) -> InvoiceContent:
        schedule = Schedule(
            interval=self.interval,
            billing_time=self.billing_time,
            subscription_at=instant(self.anchor or self.start),
            timezone=self.timezone,
            pay_in_advance=True,
        )
        lifetime = Lifetime(instant(self.start))
        inputs = SubscriptionFeeInputs(
            plan_amount_cents=self.amount,
            schedule=schedule,
            lifetime=lifetime,
            boundaries=boundaries(schedule, lifetime, instant(self.at)),
            formula=Formula.FULL,
            trial_end=instant(self.trial_end) if self.trial_end else None,
        )
        fee = replace(
            FEE,
            amount_cents=self.amount if self.fee is None else self.fee,
            precise_coupons_amount_cents=D(self.coupon),
            pay_in_advance=True,
            proration=inputs,
        )
        other = replace(FEE, amount_cents=self.amount)
        tax = TaxTerms(tax_id=UUID(int=1), code="vat", name="VAT", rate=D(self.rate), description=None)
        rows = [taxed(fee, [tax])]
        rows += [taxed(replace(other, id=UUID(int=number)), [tax]) for number in range(1, self.copies)]
        return invoice(rows, coupons_cents=int(D(self.coupon)), credit_notes_cents=self.used_credit)

    @property
    def issued(self) -> Sequence[IssuedCreditNote]:
        if D(self.credited) == 0:
            return ()
        fee, part = self.billed.fees[0], D(self.credited)
        given = give_back(self.billed.fees, {fee.id: part}, ())
        return (
            IssuedCreditNote(
                credit_note_id=UUID(int=98),
                items={fee.id: part},
                taxes_amount_cents=given.taxes_amount_cents,
                precise_taxes_amount_cents=given.precise_taxes_amount_cents,
                offset_amount_cents=0,
            ),
        )

    @property
    def note(self) -> CreditNoteContent | None:
        billed = self.billed
        return unused_credit(NOTE_ID, billed, billed.fees[0], self.issued, self.end, issuing_date=date(2024, 1, 1))

    @property
    def total(self) -> int:
        note = self.note
        return 0 if note is None else note.given_back.total_amount_cents


def invoice(fees: Sequence[Fee], *, coupons_cents: int = 0, credit_notes_cents: int = 0) -> InvoiceContent:
    party = Party(name="", legal_number=None, tax_identification_number=None, email=None, address=Address())
    day = date(2024, 1, 1)
    taxes = invoice_taxes(fees, sum(fee.amount_cents for fee in fees) - coupons_cents)
    return InvoiceContent(
        invoice_type="subscription",
        currency="EUR",
        timezone="UTC",
        locale="en",
        issuing_date=day,
        expected_finalization_date=day,
        payment_due_date=day,
        net_payment_term=0,
        seller=party,
        buyer=party,
        footer=None,
        subscriptions=(),
        fees=tuple(fees),
        totals=totals(
            fees,
            coupons_cents=coupons_cents,
            taxes_cents=taxes.amount_cents,
            credit_notes_cents=credit_notes_cents,
        ),
        watermark=None,
        taxes_rate=taxes.rate,
        applied_taxes=taxes.applied,
    )


@pytest.mark.parametrize(
    ("ended", "item", "sub_total", "taxes", "rounded_once", "total"),
    [
        (Ended(amount=20_000, rate="25", start="2023-06-01", at="2023-06-01T12:00"),
         "19333.33333", 19_333, 4833, 24_167, 24_166),
        (Ended(amount=16_000, rate="25", start="2023-06-01", at="2023-06-01T12:00"),
         "15466.66666", 15_467, 3867, 19_333, 19_334),
        (Ended(amount=10_000, start="2023-02-01", at="2023-02-08"), "7142.85714", 7143, 1429, 8571, 8572),
        (Ended(amount=5000, start="2023-02-01", at="2023-02-08"), "3571.42857", 3571, 714, 4286, 4285),
        (Ended(amount=2999, interval="weekly", rate="23.33", start="2023-06-05", at="2023-06-05T12:00"),
         "2570.57142", 2571, 600, 3170, 3171),
    ],
)  # fmt: skip
def test_a_total_is_that_of_its_rounded_parts(
    ended: Ended, item: str, sub_total: int, taxes: int, rounded_once: int, total: int
) -> None:
    """18.5: the item is cut off at 5 decimals, and the total moved by one where it misses the parts."""
    note = ended.note
    assert note is not None
    [row] = note.items
    assert (row.precise_amount_cents, row.fee_id) == (D(item), FEE.id)
    given = note.given_back
    assert (given.sub_total_excluding_taxes_amount_cents, given.taxes_amount_cents) == (sub_total, taxes)
    assert given.creditable_amount_cents == rounded_once
    assert given.total_amount_cents == note.credit_amount_cents == total


@pytest.mark.parametrize(
    ("ended", "total", "why"),
    [
        (Ended(amount=5000, fee=3750, start="2023-02-08", at="2023-02-08T12:00"), 4285, "18.6: 20 of 28 days"),
        (Ended(amount=5000, billing_time="anniversary", start="2023-02-08", at="2023-02-08T12:00"), 5785,
         "18.6: 27 of 28 days of its own month"),
        (Ended(amount=5000, fee=3929, timezone="America/Los_Angeles", start="2023-02-08", at="2023-02-08"), 4500,
         "18.6: it is still the 7th there"),
        (Ended(amount=10_000, fee=7500, start="2023-02-08", at="2023-02-21T10:00"), 3000, "18.6: 7 days"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15"), 1920, "18.7: 16 of 31 days"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15", upgraded=True), 2040, "18.7: that day as well"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15", trial_end="2022-10-17"), 1800,
         "18.7: a trial that runs on"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15", trial_end="2022-11-05"), 0,
         "18.7: a trial beyond the period"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-31"), 0, "its last day is used"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15", credited="200"), 1680, "18.7: a note before"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15", credited="1600"), 0, "all given back before"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15", credited="3100"), 0, "and more than that"),
        (Ended(amount=3100, start="2022-09-01", at="2022-10-15", coupon="3100"), 0, "a coupon had paid for it"),
        (Ended(amount=1000, rate="0", anchor="2023-06-29", billing_time="anniversary", start="2023-06-29",
               at="2023-09-28T05:00", upgraded=True), 32, "18.9, L4: the last day of the period"),
        (Ended(amount=1000, fee=871, rate="25", start="2024-03-05T12:12", at="2024-03-12T12:12", upgraded=True), 806,
         "18.9: 20 of 31 days"),
        (Ended(amount=1500, fee=968, rate="25", anchor="2024-03-05T12:12", start="2024-03-12T12:12",
               at="2024-03-12T13:12", upgraded=True), 1210, "18.9: upgraded again on the same day"),
        (Ended(amount=1000, rate="25", billing_time="anniversary", start="2024-03-05T12:12", at="2024-03-12T12:12",
               upgraded=True), 968, "18.9: 24 of 31 days"),
        (Ended(amount=1500, fee=1161, rate="25", billing_time="anniversary", anchor="2024-03-05T12:12",
               start="2024-03-12T12:12", at="2024-03-12T13:12", upgraded=True), 1451,
         "18.9: 1161.29 held to what was billed"),
        (Ended(amount=5000, start="2023-01-08", at="2023-02-25T06:00"), 643, "EX1: 536 and 107 of tax"),
    ],
)  # fmt: skip
def test_what_is_given_back(ended: Ended, total: int, why: str) -> None:
    note = ended.note
    assert ended.total == total, why
    assert (note is None) == (total == 0)
    if note is not None:
        assert (note.credit_amount_cents, note.refund_amount_cents, note.offset_amount_cents) == (total, 0, 0)


SHARED = Ended(amount=3100, copies=2, start="2022-09-01", at="2022-10-15", mode="refund")
ALONE = replace(SHARED, copies=1)


@pytest.mark.parametrize(
    ("ended", "refund", "rest", "why"),
    [
        (replace(SHARED, paid=7440), 1920, 0, "18.7: all was paid"),
        (replace(SHARED, paid=5580), 990, 930, "18.7: 2790 for this fee, of which 1800 are used"),
        (replace(SHARED, paid=930), 0, 1920, "18.7: less was paid than is used"),
        (replace(SHARED, paid=5580, credited="200"), 990, 690, "18.7: a note before"),
        (replace(SHARED, paid=5580, credited="200", coupon="500"), 1035, 374, "18.7: and a coupon"),
        (replace(ALONE, paid=1920, trial_end="2022-10-12"), 1440, 480, "18.7: 4 days used after the trial"),
        (replace(ALONE, paid=0), 0, 1920, "nothing was paid"),
        (Ended(amount=10_000, fee=7500, start="2023-02-08", at="2023-02-21", mode="refund", paid=7500), 1500, 1500,
         "18.6: days are used from the start on, not from the period's"),
        (Ended(amount=16_000, rate="25", start="2023-06-01", at="2023-06-01", mode="refund", paid=20_000), 19_334, 0,
         "18.5: without credit the refund takes the cent"),
        (Ended(amount=20_000, rate="25", start="2023-06-01", at="2023-06-01", mode="refund", paid=25_000), 24_166, 0,
         "18.5: or gives it"),
        (Ended(amount=16_000, rate="25", start="2023-06-01", at="2023-06-01", mode="refund", paid=10_000), 9333, 10_001,
         "18.5: else the credit"),
        (Ended(amount=3100, timezone="Asia/Tokyo", start="2022-08-31T15:00", at="2022-10-14T16:00", mode="refund",
               paid=3720), 1920, 0, "quirk 7: used days are local, 1 to 15 October"),
    ],
)  # fmt: skip
def test_what_was_paid_beyond_the_used_days_is_refunded(ended: Ended, refund: int, rest: int, why: str) -> None:
    note = ended.note
    assert note is not None
    assert (note.refund_amount_cents, note.credit_amount_cents, note.offset_amount_cents) == (refund, rest, 0), why


@pytest.mark.parametrize(
    ("ended", "refund", "offset", "credit", "why"),
    [
        (replace(SHARED, paid=7440), 1920, 0, 0, "18.7: nothing is due"),
        (replace(SHARED, paid=5580), 990, 930, 0, "18.7: as a refund, but for the rest"),
        (replace(SHARED, paid=930), 0, 1920, 0, "18.7"),
        (replace(SHARED, paid=5580, credited="200", coupon="500"), 1035, 374, 0, "18.7"),
        (replace(ALONE, used_credit=3720), 0, 0, 1920, "paid by credit: there is nothing to offset, it would be lost"),
        (replace(ALONE, used_credit=3000), 0, 720, 1200, "what is due, and the rest is credit"),
        (Ended(amount=16_000, rate="25", start="2023-06-01", at="2023-06-01", paid=10_000), 9333, 10_000, 1,
         "18.5: the cent that rounding adds, too"),
    ],
)  # fmt: skip
def test_no_more_is_offset_than_is_due(ended: Ended, refund: int, offset: int, credit: int, why: str) -> None:
    note = replace(ended, mode="offset").note
    assert note is not None
    found = note.refund_amount_cents, note.offset_amount_cents, note.credit_amount_cents
    assert found == (refund, offset, credit), why


def test_a_plan_that_changed_since_gives_back_what_was_billed() -> None:
    """The amount and the calendar are the fee's own: here of June, in which it ended."""
    ended = Ended(amount=3000, rate="0", start="2023-05-01", at="2023-06-20")
    inputs = ended.billed.fees[0].proration
    assert inputs is not None
    assert inputs.boundaries.to_at == datetime.fromisoformat("2023-06-30T23:59:59.999999+00:00")
    assert ended.total == 1000
