"""A usage charge of a plan: which metric is priced, by which model, and its filters with prices of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from domain.kernel.errors import NotFoundError
from domain.metering.matching import ALL_FILTER_VALUES
from domain.pricing.registry import ChargeModel

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeFilter:
    """A bucket of a charge's usage with a price of its own (metering-pricing F1).

    Attributes:
        values: key of the metric's filters -> values, or `["__ALL_FILTER_VALUES__"]`.
        properties: of the charge's model, in wire form.
    """

    id: UUID
    values: Mapping[str, tuple[str, ...]]
    properties: Mapping[str, Any]
    invoice_display_name: str | None = None
    created_at: datetime

    @property
    def display_name(self) -> str:
        """Its own name, else its values; all values of a key show as the key (metering-pricing F10)."""
        shown = (
            key if tuple(values) == (ALL_FILTER_VALUES,) else ", ".join(values) for key, values in self.values.items()
        )
        return self.invoice_display_name or ", ".join(shown)

    @staticmethod
    def made_at(at: datetime, others: Iterable[ChargeFilter]) -> datetime:
        """When a filter that is made now was made: after all `others`, for the oldest of equal ones counts (F4).

        Filters of one request have its time in common, and ids do not tell which came first.
        """
        return max([at, *(other.created_at + _MICROSECOND for other in others)])

    def has(self, values: Mapping[str, Sequence[str]]) -> bool:
        """Whether these are its values: what filters are known by in updates (metering-pricing F2)."""
        return {key: set(own) for key, own in self.values.items()} == {key: set(one) for key, one in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedPricingUnit:
    """Where a charge is priced in pricing units: `conversion_rate` major units of money for one (X1)."""

    pricing_unit_id: UUID
    code: str
    short_name: str
    conversion_rate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Source: metering-pricing M1.

    Attributes:
        parent_id: in the copy of a plan for one subscription the charge that this one was copied from.
        properties: in wire form, checked and completed (M2, M3).
    """

    id: UUID
    parent_id: UUID | None = None
    code: str
    billable_metric_id: UUID
    charge_model: ChargeModel
    properties: Mapping[str, Any]
    invoice_display_name: str | None = None
    pay_in_advance: bool = False
    invoiceable: bool = True
    prorated: bool = False
    min_amount_cents: int = 0
    regroup_paid_fees: Literal["invoice"] | None = None
    filters: tuple[ChargeFilter, ...] = ()
    tax_ids: tuple[UUID, ...] = ()
    applied_pricing_unit: AppliedPricingUnit | None = None
    accepts_target_wallet: bool = False
    created_at: datetime

    @property
    def root_id(self) -> UUID:
        """The same in a plan and in its copies: what fees of single events are known by."""
        return self.parent_id or self.id

    def filter(self, filter_id: UUID) -> ChargeFilter:
        """Raises NotFoundError: `charge_filter_not_found`."""
        for filter_ in self.filters:
            if filter_.id == filter_id:
                return filter_
        raise NotFoundError("charge_filter")


def charge_code(priced_code: str, taken: Iterable[str]) -> str:
    """The code of a charge, usage or fixed, that was given none: `<code>`, then `<code>_2`, `<code>_3`.

    Args:
        priced_code: of the metric or add-on.

    Source: metering-pricing M1.
    """
    used, code, number = set(taken), priced_code, 1
    while code in used:
        number += 1
        code = f"{priced_code}_{number}"
    return code
