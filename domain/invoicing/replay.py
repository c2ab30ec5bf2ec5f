"""Replay: an invoice computed again from what it keeps, and compared with what it says.

Nothing but the invoice's own event is read, and usage where it is asked to be aggregated again, so years later the
answer is the same: the figures, or where they differ.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from uuid import UUID

from domain.invoicing.charge_fees import price_minimum
from domain.invoicing.credit_note import CreditNote
from domain.invoicing.event_fees import price_event_inputs
from domain.invoicing.fixed_charge_prices import price_fixed_charge
from domain.invoicing.invoice import Fee, Invoice
from domain.invoicing.standalone_fee import StandaloneFee
from domain.invoicing.subscription_fees import price_subscription
from domain.invoicing.taxes import invoice_taxes, summed_taxes, taxed
from domain.invoicing.totals import totals
from domain.invoicing.unused_days import unused_credit
from domain.invoicing.usage_fees import UsageInputs, price_inputs
from domain.metering.ports import UsageReader
from domain.pricing.commitment import price_commitment
from domain.pricing.fee import PricedFee

_COMPARED = (
    "units",
    "total_aggregated_units",
    "amount_cents",
    "precise_amount_cents",
    "unit_amount_cents",
    "precise_unit_amount",
    "amount_details",
)
_TAXES = ("taxes_rate", "taxes_amount_cents", "taxes_precise_amount_cents", "applied_taxes")


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` of an invoice, or of a fee by itself: it says `kept`, computed again it is `computed`."""

    id: UUID
    what: str
    kept: object
    computed: object


def replay_prices(billed: Invoice | StandaloneFee) -> Iterator[Difference]:
    """Every fee priced and taxed again from its pinned inputs, and an invoice's taxes and totals from its fees."""
    if isinstance(billed, StandaloneFee):
        yield from _of_fee(billed.id, "", billed.fee, billed.currency)
        return
    content = billed.content
    for position, fee in enumerate(content.fees):
        yield from _of_fee(billed.id, f"fees[{position}].", fee, content.currency)
    kept_totals = content.totals
    if content.invoice_type == "advance_charges":
        taxes = summed_taxes(content.fees)
    else:
        taxes = invoice_taxes(content.fees, kept_totals.sub_total_excluding_taxes_amount_cents)
    again = replace(content, taxes_rate=taxes.rate, applied_taxes=taxes.applied)
    yield from _differences(billed.id, "", ("taxes_rate", "applied_taxes"), content, again)
    computed_totals = totals(
        content.fees,
        progressive_billing_credit_cents=kept_totals.progressive_billing_credit_amount_cents,
        coupons_cents=kept_totals.coupons_amount_cents,
        taxes_cents=taxes.amount_cents,
        credit_notes_cents=sum(note.amount_cents for note in content.applied_credit_notes),
        prepaid_credit_cents=kept_totals.prepaid_credit_amount_cents,
    )
    if kept_totals != computed_totals:
        yield Difference(billed.id, "totals", kept_totals, computed_totals)


def replay_credit_note(note: CreditNote, invoice: Invoice) -> Iterator[Difference]:
    """A note for unused days computed again from the `invoice` that it is of, and the end that it keeps."""
    content = note.content
    if content.early_end is None:
        return
    [item] = content.items
    position = [issued.credit_note_id for issued in invoice.issued_credit_notes].index(note.id)
    again = unused_credit(
        note.id,
        invoice.content,
        next(fee for fee in invoice.content.fees if fee.id == item.fee_id),
        invoice.issued_credit_notes[:position],
        content.early_end,
        issuing_date=content.issuing_date,
    )
    yield from _differences(note.id, "", [field.name for field in fields(content)], content, again)


def _of_fee(owner: UUID, where: str, fee: Fee, currency: str) -> Iterator[Difference]:
    yield from _differences(owner, where, _COMPARED, fee, _price(fee, currency))
    yield from _differences(owner, where, _TAXES, fee, taxed(fee, [row.tax for row in fee.applied_taxes]))


def _differences(owner: UUID, where: str, names: Sequence[str], kept: object, computed: object) -> Iterator[Difference]:
    for name in names:
        one, other = getattr(kept, name), getattr(computed, name, None)
        if one != other:
            yield Difference(owner, f"{where}{name}", one, other)


async def replay_usage(reader: UsageReader, billed: Sequence[Invoice | StandaloneFee]) -> list[Difference]:
    """The usage of all fees aggregated again, each up to the watermark that it was computed with.

    Raises:
        UnavailableError: usage cannot be read now.
    """
    found = await asyncio.gather(*(_usage_of(reader, one) for one in billed))  # which share queries to the store
    return [difference for differences in found for difference in differences]


async def _usage_of(reader: UsageReader, billed: Invoice | StandaloneFee) -> list[Difference]:
    fees: Sequence[Fee] = [billed.fee] if isinstance(billed, StandaloneFee) else billed.content.fees
    of_invoice = None if isinstance(billed, StandaloneFee) else billed.content.watermark
    asked: dict[int, list[tuple[Fee, UsageInputs]]] = defaultdict(list)
    for fee in fees:
        if fee.usage is not None:
            watermark = of_invoice if fee.watermark is None else fee.watermark
            assert watermark is not None, fee.id
            asked[watermark].append((fee, fee.usage))
    answers = await asyncio.gather(
        *(reader.aggregate([inputs.query for _, inputs in rows], watermark) for watermark, rows in asked.items())
    )
    differences = []
    for rows, answer in zip(asked.values(), answers, strict=True):
        for (fee, inputs), usages in zip(rows, answer, strict=True):
            found = next((usage for usage in usages if usage.group == inputs.usage.group), None)
            if found != inputs.usage and (found is not None or inputs.usage.units != 0):
                differences.append(Difference(billed.id, f"usage of {fee.item.code}", inputs.usage, found))
    return differences


def _price(fee: Fee, currency: str) -> PricedFee | None:
    if fee.proration is not None:
        return price_subscription(fee.proration, currency)
    if fee.minimum is not None:
        found = price_minimum(fee.minimum, currency)
        return None if found is None else found[0]
    if fee.fixed_charge is not None:
        return price_fixed_charge(fee.fixed_charge, currency)
    if fee.commitment is not None:
        return price_commitment(fee.commitment, currency)
    if fee.event is not None:
        found = price_event_inputs(fee.event, currency)
        return None if found is None else found[0]
    assert fee.usage is not None, fee.id
    return price_inputs(fee.usage, currency)[0]
