"""The fees of fixed charges: which of them an invoice bills, for which window, and what was billed of it before.

Source: metering-pricing 18 (W5 to W9); invoicing-money 3.1 item 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from domain.catalog.add_on import AddOn
from domain.catalog.fixed_charge import FixedCharge
from domain.invoicing.billed_subscription import BilledSubscription
from domain.invoicing.fixed_charge_prices import FixedChargeInputs, price_fixed_charge
from domain.invoicing.invoice import Fee, FeeItem
from domain.kernel import ids
from domain.kernel.zones import DAY, day_count, end_of_day, local_date
from domain.pricing.fixed_charge import UnexpiredFee
from domain.subscriptions.billing_dates import Boundaries, boundaries
from domain.subscriptions.due import decisions_heeded
from domain.subscriptions.fixed_charge_units import UnitsEvent, in_window, units_events
from domain.subscriptions.subscription import BilledFixedCharge, InvoicingReason, Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledUnits:
    """A fixed charge that an invoice bills.

    Attributes:
        fee: None where there is nothing to bill (metering-pricing W5).
        billed: what its subscription keeps of it, where it is paid in advance.
    """

    fee: Fee | None
    billed: BilledFixedCharge | None


def bill_window(
    invoice_id: UUID, one: BilledSubscription, add_ons: Mapping[UUID, AddOn], window: Boundaries
) -> Iterator[BilledUnits]:
    """What an invoice of `window` bills: arrears for the period behind, in advance for the one that is running.

    Decisions of the billing instant and after it do not count, however late the invoice is made.

    Args:
        add_ons: of all fixed charges of the plan.
    """
    running, taken = _running(one, window.timestamp), Counter[UUID]()
    for fixed_charge in one.plan.details.fixed_charges:
        covered = running if fixed_charge.pay_in_advance else window
        if _is_billed(fixed_charge, window, one.reason) and not _is_paid(one.subscription, fixed_charge, covered):
            events = units_events(fixed_charge, one.subscription, one.schedule)
            known = [event for event in events if _is_known(event, one, window.timestamp)]
            units = _bill(
                invoice_id,
                one,
                add_ons,
                fixed_charge,
                covered,
                known,
                billed_units=None,
                taken_cents=taken[fixed_charge.add_on_id],
            )
            if units.billed is not None:
                net_cents = 0 if units.fee is None else units.fee.amount_cents
                taken[fixed_charge.add_on_id] += units.billed.amount_cents - net_cents
            yield units


def bill_changes(
    invoice_id: UUID, one: BilledSubscription, add_ons: Mapping[UUID, AddOn], at: datetime
) -> Iterator[BilledUnits]:
    """What units cost that were decided at `at` and took effect at once, beyond those that are paid (W8).

    One decision about each fixed charge: where a clock stands still there may be more, each of a request of its own.
    """
    running = _running(one, at)
    for fixed_charge in one.plan.details.fixed_charges:
        events = units_events(fixed_charge, one.subscription, one.schedule)
        heeded = decisions_heeded(one.subscription, fixed_charge)
        changed = (n for n in range(heeded, len(events)) if events[n].immediately and events[n].decided_at == at)
        last = next(changed, None) if fixed_charge.pay_in_advance else None
        if last is not None:
            before = _billed_before(one.subscription, fixed_charge, running)
            paid = sum((billed.units for billed in before), Decimal(0))
            yield _bill(invoice_id, one, add_ons, fixed_charge, running, events[: last + 1], billed_units=paid)


def _running(one: BilledSubscription, at: datetime) -> Boundaries:
    """The whole period in progress, also where the subscription has ended before this was billed."""
    return boundaries(one.schedule, replace(one.lifetime, terminated_at=None), at, current_usage=True)


def _is_billed(fixed_charge: FixedCharge, window: Boundaries, reason: InvoicingReason) -> bool:
    """Whether an invoice of this reason bills it (W6, W7)."""
    if fixed_charge.pay_in_advance and reason == "subscription_starting":
        return True
    if window.fixed_charges_from_at is None:
        return False
    return reason == "subscription_periodic" if fixed_charge.pay_in_advance else reason != "subscription_starting"


def _is_paid(subscription: Subscription, fixed_charge: FixedCharge, covered: Boundaries) -> bool:
    """Whether it was billed in advance for this window already, as at the end of a trial (W7)."""
    before = _billed_before(subscription, fixed_charge, covered) if fixed_charge.pay_in_advance else []
    return any(one.units or one.amount_cents for one in before)


def _billed_before(
    subscription: Subscription, fixed_charge: FixedCharge, covered: Boundaries
) -> list[BilledFixedCharge]:
    """What was billed in advance for this window: where the customer has moved to another time zone, its ends lie some
    hours apart, and its middle in it."""
    from_at, to_at = covered.fixed_charges_from_at, covered.fixed_charges_to_at
    assert from_at is not None
    assert to_at is not None
    return [
        one
        for one in subscription.billed_fixed_charges
        if one.fixed_charge_id == fixed_charge.root_id
        and from_at <= one.from_at + (one.to_at - one.from_at) / 2 <= to_at
    ]


def _bill(
    invoice_id: UUID,
    one: BilledSubscription,
    add_ons: Mapping[UUID, AddOn],
    fixed_charge: FixedCharge,
    covered: Boundaries,
    decided: Sequence[UnitsEvent],
    *,
    billed_units: Decimal | None,
    taken_cents: int = 0,
) -> BilledUnits:
    from_at, to_at, at = covered.fixed_charges_from_at, covered.fixed_charges_to_at, covered.timestamp
    assert from_at is not None
    assert to_at is not None
    zone = one.schedule.timezone
    if one.is_upgraded and fixed_charge.prorated:  # the day is the next plan's, by the day as for usage (T4, A23)
        to_at = end_of_day(local_date(to_at, zone) - DAY, zone)
    inputs = FixedChargeInputs(
        charge_model=fixed_charge.charge_model,
        properties=fixed_charge.properties,
        prorated=fixed_charge.prorated,
        events=in_window(decided, from_at, to_at),
        from_at=from_at,
        to_at=to_at,
        duration_days=covered.fixed_charges_duration,
        timezone=zone,
        billed_units=billed_units,
        unexpired=tuple(_unexpired(one, fixed_charge, from_at, to_at)) if billed_units is None else (),
        taken_cents=taken_cents,
    )
    fee = _fee(ids.of("fee", invoice_id, one.subscription.id, fixed_charge.id), one, add_ons, fixed_charge, inputs)
    worth = price_fixed_charge(replace(inputs, unexpired=()), one.plan.details.amount_currency)
    billed = BilledFixedCharge(
        fixed_charge_id=fixed_charge.root_id,
        add_on_id=fixed_charge.add_on_id,
        prorated=fixed_charge.prorated,
        decisions=len(decided),
        units=fee.units,
        amount_cents=worth.amount_cents,
        currency=one.plan.details.amount_currency,
        from_at=from_at,
        to_at=to_at,
        billed_at=at,
    )
    is_kept = billed_units is not None or fee.units != 0 or fee.amount_cents != 0
    return BilledUnits(fee=fee if is_kept else None, billed=billed if fixed_charge.pay_in_advance else None)


def _is_known(event: UnitsEvent, one: BilledSubscription, at: datetime) -> bool:
    """Whether it was decided before; what holds from the start was, also where the start was recorded later."""
    return event.decided_at < at or event.effective_at == one.subscription.started_at


def _unexpired(
    one: BilledSubscription, fixed_charge: FixedCharge, from_at: datetime, to_at: datetime
) -> Iterator[UnexpiredFee]:
    """What the plan before was paid, in the same money, for the same add-on and days that are still to come (W9)."""
    is_first = not _ever_billed(one.subscription, fixed_charge)
    if one.previous is None or not (fixed_charge.prorated and fixed_charge.pay_in_advance and is_first):
        return
    zone, currency = one.schedule.timezone, one.plan.details.amount_currency
    for old in one.previous.billed_fixed_charges:
        is_same = (old.add_on_id, old.currency) == (fixed_charge.add_on_id, currency)
        if is_same and old.prorated and old.amount_cents and old.to_at >= from_at:
            yield UnexpiredFee(
                amount_cents=old.amount_cents,
                days_left=day_count(from_at, min(old.to_at, to_at), zone),
                days=day_count(old.billed_at, old.to_at, zone),
            )


def _ever_billed(subscription: Subscription, fixed_charge: FixedCharge) -> bool:
    return any(one.fixed_charge_id == fixed_charge.root_id for one in subscription.billed_fixed_charges)


def _fee(
    fee_id: UUID,
    one: BilledSubscription,
    add_ons: Mapping[UUID, AddOn],
    fixed_charge: FixedCharge,
    inputs: FixedChargeInputs,
) -> Fee:
    add_on = add_ons[fixed_charge.add_on_id].details
    priced = price_fixed_charge(inputs, one.plan.details.amount_currency)
    return Fee.of(
        priced,
        id=fee_id,
        fee_type="fixed_charge",
        item=FeeItem(
            code=add_on.code,
            name=add_on.name,
            description=add_on.description,
            invoice_display_name=fixed_charge.invoice_display_name or add_on.invoice_display_name,
            lago_item_id=fixed_charge.add_on_id,
            item_type="AddOn",
            grouped_by={},
        ),
        subscription_id=one.subscription.id,
        external_subscription_id=one.subscription.external_id,
        fixed_charge_id=fixed_charge.id,
        events_count=None,
        from_at=inputs.from_at,
        to_at=inputs.to_at,
        pay_in_advance=fixed_charge.pay_in_advance,
        fixed_charge=inputs,
    )
