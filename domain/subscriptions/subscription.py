"""A subscription: a customer on a plan, from its start to its end, and which of its periods are billed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from domain.catalog.fixed_charge import UnitsChange
from domain.kernel.aggregate import Aggregate
from domain.kernel.errors import NotAllowedError
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUnits:
    """Units of a fixed charge for one subscription alone; `fixed_charge_id` is the one in its plan, not in a copy."""

    fixed_charge_id: UUID
    change: UnitsChange


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

    class Activated(Aggregate.Event):
        """It runs from `started_at` on.

        `billed_on` is the last local day for which no periodic bill is owed: the start, or where the start lies in
        the past the day before the creation (metering-pricing B3, L6). `starts_with_invoice` says that the first
        period is billed at once, in advance.
        """

        TOPIC = "subscription.activated"
        started_at: datetime
        billed_on: date
        starts_with_invoice: bool

        def apply(self, subscription: Subscription) -> None:
            subscription.status = "active"
            subscription.started_at, subscription.activated_at = self.started_at, self.timestamp
            subscription.billed_on, subscription.owes_starting_invoice = self.billed_on, self.starts_with_invoice

    class Updated(Aggregate.Event):
        TOPIC = "subscription.updated"
        details: SubscriptionDetails

        def apply(self, subscription: Subscription) -> None:
            subscription.details = self.details

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
        """`invoice_id` bills it for the billing day `billed_on` (local), whatever its window was."""

        TOPIC = "subscription.billed"
        invoice_id: UUID
        reason: InvoicingReason
        billed_on: date
        subscription_fee: bool
        charges_to_at: datetime | None
        timezone: str

        def apply(self, subscription: Subscription) -> None:
            if self.reason == "subscription_starting":
                subscription.owes_starting_invoice = False
            elif self.reason == "subscription_terminating":
                subscription.owes_final_invoice = False
            else:
                subscription.billed_on = self.billed_on
            subscription.invoice_ids = (*subscription.invoice_ids, self.invoice_id)
            subscription.fee_billed_on = self.billed_on if self.subscription_fee else subscription.fee_billed_on
            subscription.last_charges_to_at, subscription.last_timezone = self.charges_to_at, self.timezone

    class TrialEnded(Aggregate.Event):
        TOPIC = "subscription.trial_ended"
        trial_ended_at: datetime
        starts_with_invoice: bool

        def apply(self, subscription: Subscription) -> None:
            subscription.trial_ended_at = self.trial_ended_at
            subscription.owes_starting_invoice = self.starts_with_invoice

    class Terminated(Aggregate.Event):
        TOPIC = "subscription.terminated"
        terminated_at: datetime
        details: SubscriptionDetails
        ends_with_invoice: bool

        def apply(self, subscription: Subscription) -> None:
            subscription.status, subscription.terminated_at = "terminated", self.terminated_at
            subscription.details = self.details
            subscription.owes_final_invoice = self.ends_with_invoice
            subscription.owes_paid_fees = self.details.on_termination_invoice == "skip"

    class PaidFeesGathered(Aggregate.Event):
        """It ended without a final invoice; its fees that were paid by then are on an invoice of theirs (1.5)."""

        TOPIC = "subscription.paid_fees_gathered"

        def apply(self, subscription: Subscription) -> None:
            subscription.owes_paid_fees = False

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
    ) -> None:
        self.organization_id = organization_id
        self.customer_id, self.external_customer_id = customer_id, external_customer_id
        self.external_id, self.plan_id, self.plan_code = external_id, plan_id, plan_code
        self.details, self.previous_subscription_id = details, previous_subscription_id
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
        self.owes_paid_fees = False
        self.fixed_charge_units: tuple[OwnUnits, ...] = ()
        self.last_charges_to_at: datetime | None = None
        self.last_timezone: str | None = None

    def activate(self, *, started_at: datetime, billed_on: date, starts_with_invoice: bool, at: datetime) -> None:
        """Idempotent: only a pending one is activated."""
        if self.status == "pending":
            self.trigger_event(
                self.Activated,
                started_at=started_at,
                billed_on=billed_on,
                starts_with_invoice=starts_with_invoice,
                timestamp=at,
            )

    def update(self, details: SubscriptionDetails, *, at: datetime) -> None:
        if self.status not in ("pending", "active"):
            raise NotAllowedError("subscription_not_active")
        if details != self.details:
            self.trigger_event(self.Updated, details=details, timestamp=at)

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
            timestamp=at,
        )

    def end_trial(self, trial_ended_at: datetime, *, starts_with_invoice: bool, at: datetime) -> None:
        if self.trial_ended_at is None:
            self.trigger_event(
                self.TrialEnded, trial_ended_at=trial_ended_at, starts_with_invoice=starts_with_invoice, timestamp=at
            )

    def terminate(self, details: SubscriptionDetails, *, terminated_at: datetime, at: datetime) -> None:
        """End an active one; `details` carry the chosen `on_termination_*`. A pending one is canceled instead."""
        if self.status == "pending":
            self.trigger_event(self.Canceled, timestamp=at)
        elif self.status == "active":
            self.trigger_event(
                self.Terminated,
                terminated_at=terminated_at,
                details=details,
                ends_with_invoice=details.on_termination_invoice == "generate",
                timestamp=at,
            )

    def gather_paid_fees(self, *, at: datetime) -> None:
        """What was owed at the end of one that has no final invoice is done."""
        if self.owes_paid_fees:
            self.trigger_event(self.PaidFeesGathered, timestamp=at)
