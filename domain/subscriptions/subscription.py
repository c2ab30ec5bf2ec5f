"""A subscription: a customer on a plan, from its start to its end, and which of its periods are billed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.catalog.fixed_charge import UnitsChange
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import InvalidInputError, NotAllowedError
from domain.kernel.zones import local_date
from domain.subscriptions.billing_dates import PlanChange
from domain.subscriptions.intervals import BillingTime

Status = Literal["pending", "active", "terminated", "canceled", "incomplete"]
OnTerminationCreditNote = Literal["credit", "skip", "refund", "offset"]
OnTerminationInvoice = Literal["generate", "skip"]
InvoicingReason = Literal[
    "subscription_starting",
    "subscription_periodic",
    "subscription_terminating",
    "in_advance_charge",
    "in_advance_charge_periodic",
    "progressive_billing",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionDetails:
    """What may be changed while it lives (invoicing-money 1.8).

    `subscription_at` is the requested start and the anchor of anniversaries. `ending_at` ends it on that local day.
    """

    name: str | None = None
    subscription_at: datetime
    billing_time: BillingTime = "calendar"
    ending_at: datetime | None = None
    on_termination_credit_note: OnTerminationCreditNote | None = None
    on_termination_invoice: OnTerminationInvoice = "generate"
    consolidate_invoice: bool = True
    purchase_order_number: str | None = None
    progressive_billing_disabled: bool = False

    def check_end(self, timezone: str, *, at: datetime) -> None:
        """Raises InvalidInputError where it does not end on a local day after that of `at` and after the start's."""
        if self.ending_at is not None:
            ends_on = local_date(self.ending_at, timezone)
            if ends_on <= local_date(at, timezone) or ends_on <= local_date(self.subscription_at, timezone):
                raise InvalidInputError({"ending_at": ["invalid_date"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUnits:
    """Units of a fixed charge for one subscription alone; `fixed_charge_id` is the one in its plan, not in a copy."""

    fixed_charge_id: UUID
    change: UnitsChange


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledFixedCharge:
    """What was billed in advance of a fixed charge for the window, at `billed_at`.

    Attributes:
        fixed_charge_id: `FixedCharge.root_id`.
        decisions: how many of the decisions about its units that bill has heeded.
        units: of its fee; zero where it had none.
        amount_cents: what they cost, whatever an old plan's payments took off the fee.
    """

    fixed_charge_id: UUID
    add_on_id: UUID
    prorated: bool
    decisions: int
    units: Decimal
    amount_cents: int
    currency: str
    from_at: datetime
    to_at: datetime
    billed_at: datetime


class Subscription(Aggregate):
    TOPIC = "subscription"

    class Created(Aggregate.Created):
        TOPIC = "subscription.created"
        organization_id: UUID
        customer_id: UUID
        external_customer_id: str
        external_id: str
        plan_id: UUID
        plan_code: str
        details: SubscriptionDetails
        previous_subscription_id: UUID | None
        predecessor: PlanChange | None

    class Activated(Aggregate.Event):
        """It runs from `started_at` on.

        `billed_on` is the last local day for which no periodic bill is owed: the start, or where the start lies in
        the past the day before the creation (metering-pricing B3, L6). `starts_with_invoice` says that the first
        period is billed at once, in advance; `starts_with_fixed_charges` likewise of fixed charges in advance.
        """

        TOPIC = "subscription.activated"
        started_at: datetime
        billed_on: date
        starts_with_invoice: bool
        starts_with_fixed_charges: bool

        def apply(self, subscription: Subscription) -> None:
            subscription.status = "active"
            subscription.owes_fixed_charges = self.starts_with_fixed_charges
            subscription.started_at, subscription.activated_at = self.started_at, self.timestamp
            subscription.billed_on, subscription.owes_starting_invoice = self.billed_on, self.starts_with_invoice

    class Updated(Aggregate.Event):
        TOPIC = "subscription.updated"
        details: SubscriptionDetails

        def apply(self, subscription: Subscription) -> None:
            subscription.details = self.details

    class PlanSwapped(Aggregate.Event):
        """Another plan, before it has begun (invoicing-money 1.4)."""

        TOPIC = "subscription.plan_swapped"
        plan_id: UUID
        plan_code: str
        details: SubscriptionDetails

        def apply(self, subscription: Subscription) -> None:
            subscription.plan_id, subscription.plan_code = self.plan_id, self.plan_code
            subscription.details = self.details

    class DowngradeScheduled(Aggregate.Event):
        """The subscription that is to follow it at the end of the period that was in progress then."""

        TOPIC = "subscription.downgrade_scheduled"
        next_subscription_id: UUID

        def apply(self, subscription: Subscription) -> None:
            subscription.next_subscription_id = self.next_subscription_id
            subscription.downgrade_asked_at = self.timestamp

    class DowngradeCanceled(Aggregate.Event):
        """It goes on after all."""

        TOPIC = "subscription.downgrade_canceled"

        def apply(self, subscription: Subscription) -> None:
            subscription.next_subscription_id = subscription.downgrade_asked_at = None

    class PlanOverridden(Aggregate.Event):
        """`plan_id` is the copy of its plan that is for it alone; the plan's code stays its own (F11)."""

        TOPIC = "subscription.plan_overridden"
        plan_id: UUID

        def apply(self, subscription: Subscription) -> None:
            subscription.plan_id = self.plan_id

    class FixedChargeUnitsSet(Aggregate.Event):
        """Its own units of a fixed charge: those of its plan count no more for it (metering-pricing W2)."""

        TOPIC = "subscription.fixed_charge_units_set"
        fixed_charge_id: UUID
        units: Decimal
        immediately: bool

        def apply(self, subscription: Subscription) -> None:
            change = UnitsChange(units=self.units, decided_at=self.timestamp, immediately=self.immediately)
            own = OwnUnits(fixed_charge_id=self.fixed_charge_id, change=change)
            subscription.fixed_charge_units = (*subscription.fixed_charge_units, own)

    class Billed(Aggregate.Event):
        """`invoice_id` bills it for the billing day `billed_on` (local), whatever its window was.

        `covered_until` is the last instant that its fee in advance is for; None where it has none, or one of zero.
        """

        TOPIC = "subscription.billed"
        invoice_id: UUID
        reason: InvoicingReason
        billed_on: date
        subscription_fee: bool
        charges_to_at: datetime | None
        timezone: str
        fixed_charges: tuple[BilledFixedCharge, ...]
        covered_until: datetime | None

        def apply(self, subscription: Subscription) -> None:
            subscription._keep_fixed_charges(self.fixed_charges)
            if self.reason == "subscription_starting":
                subscription.owes_starting_invoice = False
            elif self.reason == "subscription_terminating":
                subscription.owes_final_invoice = False
            else:
                subscription.billed_on = self.billed_on
            subscription.invoice_ids = (*subscription.invoice_ids, self.invoice_id)
            subscription.fee_billed_on = self.billed_on if self.subscription_fee else subscription.fee_billed_on
            subscription.last_charges_to_at, subscription.last_timezone = self.charges_to_at, self.timezone
            if self.covered_until is not None:
                subscription.covered_until, subscription.covered_by_invoice_id = self.covered_until, self.invoice_id
                subscription.owes_credit_note = subscription.leaves_days_unused

    class FixedChargesBilled(Aggregate.Event):
        """Fixed charges in advance, by themselves: at the start, or for units that changed in the course of a period.

        `invoice_id` is None where there was nothing to bill.
        """

        TOPIC = "subscription.fixed_charges_billed"
        invoice_id: UUID | None
        fixed_charges: tuple[BilledFixedCharge, ...]

        def apply(self, subscription: Subscription) -> None:
            subscription._keep_fixed_charges(self.fixed_charges)
            if self.invoice_id is not None:
                subscription.invoice_ids = (*subscription.invoice_ids, self.invoice_id)

    class TrialEnded(Aggregate.Event):
        TOPIC = "subscription.trial_ended"
        trial_ended_at: datetime
        starts_with_invoice: bool

        def apply(self, subscription: Subscription) -> None:
            subscription.trial_ended_at = self.trial_ended_at
            subscription.owes_starting_invoice = self.starts_with_invoice

    class Terminated(Aggregate.Event):
        """Its end; where that is a change of plan, `successor` says which and `next_subscription_id` what follows."""

        TOPIC = "subscription.terminated"
        terminated_at: datetime
        details: SubscriptionDetails
        ends_with_invoice: bool
        successor: PlanChange | None
        next_subscription_id: UUID | None

        def apply(self, subscription: Subscription) -> None:
            subscription.status, subscription.terminated_at = "terminated", self.terminated_at
            subscription.details = self.details
            subscription.owes_final_invoice = self.ends_with_invoice
            subscription.successor, subscription.next_subscription_id = self.successor, self.next_subscription_id
            subscription.downgrade_asked_at = None
            subscription.owes_paid_fees = not self.ends_with_invoice
            subscription.owes_credit_note = subscription.leaves_days_unused

    class PaidFeesGathered(Aggregate.Event):
        """It ended without a final invoice; its fees that were paid by then are on an invoice of theirs (1.5)."""

        TOPIC = "subscription.paid_fees_gathered"

        def apply(self, subscription: Subscription) -> None:
            subscription.owes_paid_fees = False

    class UnusedDaysCredited(Aggregate.Event):
        """What its end leaves unused is given back; by no credit note where that comes to nothing."""

        TOPIC = "subscription.unused_days_credited"
        credit_note_id: UUID | None

        def apply(self, subscription: Subscription) -> None:
            subscription.owes_credit_note = False

    class Canceled(Aggregate.Event):
        TOPIC = "subscription.canceled"

        def apply(self, subscription: Subscription) -> None:
            subscription.status, subscription.canceled_at = "canceled", self.timestamp

    def __init__(
        self,
        organization_id: UUID,
        customer_id: UUID,
        external_customer_id: str,
        external_id: str,
        plan_id: UUID,
        plan_code: str,
        details: SubscriptionDetails,
        previous_subscription_id: UUID | None,
        predecessor: PlanChange | None,
    ) -> None:
        self.organization_id = organization_id
        self.customer_id, self.external_customer_id = customer_id, external_customer_id
        self.external_id, self.plan_id, self.plan_code = external_id, plan_id, plan_code
        self.details, self.previous_subscription_id, self.predecessor = details, previous_subscription_id, predecessor
        self.successor: PlanChange | None = None
        self.next_subscription_id: UUID | None = None
        self.downgrade_asked_at: datetime | None = None
        self.status: Status = "pending"
        self.started_at: datetime | None = None
        self.activated_at: datetime | None = None
        self.trial_ended_at: datetime | None = None
        self.terminated_at: datetime | None = None
        self.canceled_at: datetime | None = None
        self.billed_on: date | None = None
        self.fee_billed_on: date | None = None
        self.invoice_ids: tuple[UUID, ...] = ()
        self.owes_starting_invoice = False
        self.owes_final_invoice = False
        self.owes_fixed_charges = False
        self.owes_paid_fees = False
        self.owes_credit_note = False
        self.covered_until: datetime | None = None
        self.covered_by_invoice_id: UUID | None = None
        self.fixed_charge_units: tuple[OwnUnits, ...] = ()
        self.billed_fixed_charges: tuple[BilledFixedCharge, ...] = ()
        self.last_charges_to_at: datetime | None = None
        self.last_timezone: str | None = None

    def _keep_fixed_charges(self, billed: tuple[BilledFixedCharge, ...]) -> None:
        """What was billed of each fixed charge for its latest window is all that later bills ask for."""
        self.owes_fixed_charges = False
        latest = {one.fixed_charge_id: one.from_at for one in billed}
        kept = (
            one
            for one in self.billed_fixed_charges
            if one.fixed_charge_id not in latest or latest[one.fixed_charge_id] <= one.to_at
        )
        self.billed_fixed_charges = (*kept, *billed)

    @property
    def leaves_days_unused(self) -> bool:
        """Whether it ended while a fee in advance covers it, and that is to be given back (invoicing-money 1.5)."""
        return (
            self.terminated_at is not None
            and self.covered_until is not None
            and self.terminated_at <= self.covered_until
            and self.details.on_termination_credit_note != "skip"
        )

    def activate(
        self,
        *,
        started_at: datetime,
        billed_on: date,
        starts_with_invoice: bool,
        starts_with_fixed_charges: bool,
        at: datetime,
    ) -> None:
        """Idempotent: only a pending one is activated."""
        if self.status == "pending":
            self.trigger_event(
                self.Activated,
                started_at=started_at,
                billed_on=billed_on,
                starts_with_invoice=starts_with_invoice,
                starts_with_fixed_charges=starts_with_fixed_charges,
                timestamp=at,
            )

    def update(self, details: SubscriptionDetails, *, at: datetime) -> None:
        """Raises NotAllowedError where it lives no more: `purchase_order_number_not_editable`, or of anything else."""
        if self.status not in ("pending", "active"):
            reordered = details.purchase_order_number != self.details.purchase_order_number
            raise NotAllowedError("purchase_order_number_not_editable" if reordered else "subscription_not_active")
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

    def swap_plan(self, plan_id: UUID, plan_code: str, details: SubscriptionDetails, *, at: datetime) -> None:
        """Only before it has begun, and not where it waits for the end of another."""
        assert self.status == "pending", self.id
        assert self.previous_subscription_id is None, self.id
        self.trigger_event(self.PlanSwapped, plan_id=plan_id, plan_code=plan_code, details=details, timestamp=at)

    def schedule_downgrade(self, next_subscription_id: UUID, *, at: datetime) -> None:
        assert self.status == "active", self.id
        self.trigger_event(self.DowngradeScheduled, next_subscription_id=next_subscription_id, timestamp=at)

    def call_off_downgrade(self, *, at: datetime) -> None:
        """Of the active one that was to be followed, or of the pending one that was to follow. Idempotent."""
        if self.status == "pending":
            self.trigger_event(self.Canceled, timestamp=at)
        elif self.downgrade_asked_at is not None:
            self.trigger_event(self.DowngradeCanceled, timestamp=at)

    def override_plan(self, plan_id: UUID, *, at: datetime) -> None:
        if self.status not in ("pending", "active"):
            raise NotAllowedError("subscription_not_active")
        self.trigger_event(self.PlanOverridden, plan_id=plan_id, timestamp=at)

    def set_fixed_charge_units(self, fixed_charge_id: UUID, units: Decimal, *, immediately: bool, at: datetime) -> None:
        """Also where the units are what they were: that is a decision all the same (metering-pricing W2).

        Args:
            fixed_charge_id: `FixedCharge.root_id`.
        """
        if self.status not in ("pending", "active"):
            raise NotAllowedError("subscription_not_active")
        self.trigger_event(
            self.FixedChargeUnitsSet,
            fixed_charge_id=fixed_charge_id,
            units=units,
            immediately=immediately,
            timestamp=at,
        )

    def bill(
        self,
        invoice_id: UUID,
        *,
        reason: InvoicingReason,
        billed_on: date,
        subscription_fee: bool,
        charges_to_at: datetime | None,
        timezone: str,
        fixed_charges: tuple[BilledFixedCharge, ...],
        covered_until: datetime | None,
        at: datetime,
    ) -> None:
        self.trigger_event(
            self.Billed,
            invoice_id=invoice_id,
            reason=reason,
            billed_on=billed_on,
            subscription_fee=subscription_fee,
            charges_to_at=charges_to_at,
            timezone=timezone,
            fixed_charges=fixed_charges,
            covered_until=covered_until,
            timestamp=at,
        )

    def bill_fixed_charges(
        self, invoice_id: UUID | None, fixed_charges: tuple[BilledFixedCharge, ...], *, at: datetime
    ) -> None:
        self.trigger_event(self.FixedChargesBilled, invoice_id=invoice_id, fixed_charges=fixed_charges, timestamp=at)

    def end_trial(self, trial_ended_at: datetime, *, starts_with_invoice: bool, at: datetime) -> None:
        if self.trial_ended_at is None:
            self.trigger_event(
                self.TrialEnded, trial_ended_at=trial_ended_at, starts_with_invoice=starts_with_invoice, timestamp=at
            )

    def terminate(self, details: SubscriptionDetails, *, terminated_at: datetime, at: datetime) -> None:
        """End an active one for good; `details` carry the chosen `on_termination_*`. A pending one is canceled."""
        if self.status == "pending":
            self.trigger_event(self.Canceled, timestamp=at)
        elif self.status == "active":
            self.trigger_event(
                self.Terminated,
                terminated_at=terminated_at,
                details=details,
                ends_with_invoice=details.on_termination_invoice == "generate",
                successor=None,
                next_subscription_id=None,
                timestamp=at,
            )

    def hand_over(self, next_subscription_id: UUID, change: PlanChange, *, at: datetime) -> None:
        """End it for the next one, which begins at this instant. It is billed whatever was chosen for its end (1.4)."""
        assert self.status == "active", self.id
        self.trigger_event(
            self.Terminated,
            terminated_at=at,
            details=self.details,
            ends_with_invoice=True,
            successor=change,
            next_subscription_id=next_subscription_id,
            timestamp=at,
        )

    def gather_paid_fees(self, *, at: datetime) -> None:
        """What was owed at the end of one that has no final invoice is done."""
        if self.owes_paid_fees:
            self.trigger_event(self.PaidFeesGathered, timestamp=at)

    def credit_unused_days(self, credit_note_id: UUID | None, *, at: datetime) -> None:
        self.trigger_event(self.UnusedDaysCredited, credit_note_id=credit_note_id, timestamp=at)
