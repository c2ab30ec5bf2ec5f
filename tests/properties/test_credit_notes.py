"""What credit notes obey, whatever the plan, the end and the payments."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.invoicing.credit_note import CreditNote, CreditNoteContent
from domain.invoicing.credit_note_amounts import give_back
from domain.invoicing.credit_use import use_credit
from domain.invoicing.invoice import IssuedCreditNote
from tests.builders import instant
from tests.unit.invoicing.test_credit_note_amounts import fees, issued, tax
from tests.unit.invoicing.test_totals import FEE
from tests.unit.invoicing.test_unused_days import Ended, invoice

D = Decimal
AT = instant("2024-05-01")
RATES = st.decimals(0, 100, places=2).map(str)


@st.composite
def ends(draw: st.DrawFn) -> Ended:
    """In the month of its start, with any fee, coupon, earlier note and payment."""
    amount = draw(st.integers(1, 10**9))
    start = draw(st.dates(date(2023, 1, 1), date(2024, 12, 31)))
    end = start + timedelta(days=draw(st.integers(0, 30)))
    assume(end.month == start.month)
    ended = Ended(
        amount=amount,
        fee=draw(st.integers(1, amount)),
        copies=draw(st.integers(1, 3)),
        rate=draw(RATES),
        start=start.isoformat(),
        at=f"{end.isoformat()}T12:00",
        upgraded=draw(st.booleans()),
    )
    coupon = draw(st.integers(0, ended.fee or 0))
    credited = draw(st.decimals(0, ended.fee or 0, places=5))
    priced = replace(ended, coupon=str(coupon), credited=str(credited))
    paid = draw(st.integers(0, priced.billed.totals.total_amount_cents))
    return replace(priced, paid=paid, mode=draw(st.sampled_from(("credit", "refund", "offset"))))


def note_of(ended: Ended) -> CreditNoteContent:
    note = ended.note
    assume(note is not None)
    assert note is not None
    return note


@given(ends())
@settings(max_examples=300)
def test_a_note_adds_up_and_never_exceeds_its_fee(ended: Ended) -> None:
    note = note_of(ended)
    given_back, fee = note.given_back, ended.billed.fees[0]
    [item] = note.items
    assert 0 < item.precise_amount_cents <= fee.amount_cents - D(ended.credited)
    parts = (note.credit_amount_cents, note.refund_amount_cents, note.offset_amount_cents)
    assert min(parts) >= 0
    assert sum(parts) == given_back.total_amount_cents
    assert abs(given_back.total_amount_cents - given_back.precise_total_amount_cents) <= 1
    net = fee.amount_cents - fee.precise_coupons_amount_cents
    assert given_back.total_amount_cents <= net + fee.taxes_amount_cents + 1
    if ended.mode == "credit":
        assert parts == (given_back.total_amount_cents, 0, 0)


@given(ends())
@settings(max_examples=300)
def test_taxes_go_back_as_the_item_does(ended: Ended) -> None:
    ended = replace(ended, credited="0")
    note = note_of(ended)
    fee = ended.billed.fees[0]
    [item] = note.items
    prorated = fee.taxes_amount_cents * item.precise_amount_cents / fee.amount_cents
    assert abs(note.given_back.taxes_amount_cents - prorated) <= 1


@given(ends())
@settings(max_examples=300)
def test_no_more_is_refunded_than_was_paid_and_no_more_offset_than_is_due(ended: Ended) -> None:
    note, totals = note_of(ended), ended.billed.totals
    assert note.refund_amount_cents <= ended.paid + 1
    assert note.offset_amount_cents <= totals.total_amount_cents - ended.paid
    if ended.paid == 0:
        assert note.refund_amount_cents == 0


@given(st.integers(1, 10**9), RATES, st.lists(st.decimals(0, 1, places=6), min_size=1, max_size=6))
def test_the_taxes_of_all_notes_of_a_fee_are_its_taxes(amount: int, rate: str, cuts: list[Decimal]) -> None:
    """However it is given back, in the end it is all: what the last note squares."""
    [fee] = fees((amount, "0", [tax(rate)]))
    edges = sorted({int(amount * cut) for cut in cuts} | {0, amount})
    notes: list[IssuedCreditNote] = []
    for lower, upper in pairwise(edges):
        parts = {fee.id: D(upper - lower)}
        notes.append(issued(give_back([fee], parts, notes), parts))
    assert sum(note.taxes_amount_cents for note in notes) == fee.taxes_amount_cents


def credit_note(number: int, cents: int, content: CreditNoteContent) -> CreditNote:
    return CreditNote.begin(
        UUID(int=number),
        organization_id=UUID(int=0),
        customer_id=UUID(int=0),
        external_customer_id="c1",
        invoice_id=UUID(int=1000 + number),
        invoice_number="ACM-1",
        purchase_order_number=None,
        sequential_id=number,
        content=replace(content, credit_amount_cents=cents),
        at=AT - timedelta(hours=number % 3),
    )


CONTENT = Ended(amount=3100, start="2024-05-01", at="2024-05-10").note


@given(st.lists(st.integers(1, 10**6), max_size=5), st.lists(st.integers(0, 10**6), min_size=1, max_size=5))
def test_credit_is_used_once_and_the_oldest_first(balances: list[int], amounts: list[int]) -> None:
    assert CONTENT is not None
    notes = [credit_note(number, cents, CONTENT) for number, cents in enumerate(balances, 1)]
    used: dict[UUID, int] = {}
    for number, amount in enumerate(amounts):
        available = [note for note in notes if note.credit_status == "available"]
        before = sum(note.balance_amount_cents for note in available)
        found = use_credit(invoice([replace(FEE, amount_cents=amount)]), UUID(int=number), available, at=AT)
        applied = found.applied_credit_notes
        taken = sum(row.amount_cents for row in applied)
        assert taken == min(before, amount) == found.totals.credit_notes_amount_cents
        assert found.totals.total_amount_cents == amount - taken
        by_age = sorted(available, key=lambda note: (note.created_on, note.id))
        assert [row.credit_note_id for row in applied] == [note.id for note in by_age[: len(applied)]]
        for row in applied:
            used[row.credit_note_id] = used.get(row.credit_note_id, 0) + row.amount_cents
    for note, balance in zip(notes, balances, strict=True):
        assert note.balance_amount_cents == balance - used.get(note.id, 0)
        assert (note.balance_amount_cents == 0) == (note.credit_status == "consumed")
    if sum(amounts) >= sum(balances):
        assert all(note.balance_amount_cents == 0 for note in notes)


def test_what_is_not_for_an_invoice_is_left() -> None:
    assert CONTENT is not None
    content = invoice([replace(FEE, amount_cents=500)])
    note = credit_note(3, 100, CONTENT)
    assert use_credit(content, note.invoice_id, [note], at=AT) == content, "its own"
    earlier = note.created_on - timedelta(microseconds=1)
    assert use_credit(content, UUID(int=7), [note], at=earlier) == content, "of an instant before it, made late"
    assert use_credit(content, UUID(int=7), [note], at=note.created_on).totals.total_amount_cents == 400
