"""How a fee's amount came about, step by step: what a reader of the invoice can check with a pencil."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

StepKind = Literal["range", "units", "flat", "packages", "transactions", "free_units", "free_events", "adjustment"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceStep:
    """One step. The amounts of a fee's steps add up to its exact amount, before it settles.

    Attributes:
        amount: major units, exact.
        units: what is priced (packages for `packages`, events for `transactions`); None for a lump sum.
        unit_amount: major units for each of `units`.
        rate: percent, where `units` are priced by a percentage.
        from_value, to_value: bounds of a `range`; without `to_value` it is open.
        package_size: units in one of the `packages`.
    """

    kind: StepKind
    amount: Decimal
    units: Decimal | None = None
    unit_amount: Decimal | None = None
    rate: Decimal | None = None
    from_value: Decimal | None = None
    to_value: Decimal | None = None
    package_size: Decimal | None = None


def price_steps(amount_details: Mapping[str, Any], units: Decimal) -> tuple[PriceStep, ...]:
    """The steps that a fee's `amount_details` tell of; none for a charge model without details.

    None of a negative usage either: its fee is nothing, whatever the details say (metering-pricing K4).

    Args:
        amount_details: as on the wire, its numbers whole or decimal strings.
        units: the fee's.

    Source: metering-pricing 12.2, 12.4 to 12.7.
    """
    if ranges := amount_details.get("graduated_ranges") or amount_details.get("graduated_percentage_ranges"):
        steps = tuple(_of_ranges(ranges))
    elif "per_package_size" in amount_details:
        steps = tuple(_of_packages(amount_details, units))
    elif "fixed_fee_unit_amount" in amount_details:
        steps = tuple(_of_percentage(amount_details))
    elif "flat_unit_amount" in amount_details:
        steps = tuple(_of_volume(amount_details))
    else:
        return ()
    if any(step.units is not None and step.units < 0 for step in steps):
        return ()
    return tuple(step for step in steps if step.amount or step.units)


def _of_ranges(ranges: Iterable[Mapping[str, Any]]) -> Iterator[PriceStep]:
    for tier in ranges:
        yield PriceStep(
            kind="range",
            from_value=Decimal(tier["from_value"]),
            to_value=None if tier["to_value"] is None else Decimal(tier["to_value"]),
            units=Decimal(tier["units"]),
            unit_amount=Decimal(tier["per_unit_amount"]) if "per_unit_amount" in tier else None,
            rate=Decimal(tier["rate"]) if "rate" in tier else None,
            amount=Decimal(tier["per_unit_total_amount"]),
        )
        yield PriceStep(kind="flat", amount=Decimal(tier["flat_unit_amount"]))


def _of_packages(details: Mapping[str, Any], units: Decimal) -> Iterator[PriceStep]:
    yield PriceStep(kind="free_units", units=min(Decimal(details["free_units"]), units), amount=Decimal(0))
    size, price = Decimal(details["per_package_size"]), Decimal(details["per_package_unit_amount"])
    packages = (Decimal(details["paid_units"]) / size).to_integral_value(ROUND_CEILING) if size else Decimal(0)
    yield PriceStep(kind="packages", package_size=size, units=packages, unit_amount=price, amount=packages * price)


def _of_percentage(details: Mapping[str, Any]) -> Iterator[PriceStep]:
    yield PriceStep(kind="free_units", units=Decimal(details["free_units"]), amount=Decimal(0))
    yield PriceStep(kind="free_events", units=Decimal(details["free_events"]), amount=Decimal(0))
    yield PriceStep(
        kind="units",
        units=Decimal(details["paid_units"]),
        rate=Decimal(details["rate"]),
        amount=Decimal(details["per_unit_total_amount"]),
    )
    fixed = Decimal(details["fixed_fee_total_amount"])
    if fixed:
        yield PriceStep(
            kind="transactions",
            units=Decimal(details["paid_events"]),
            unit_amount=Decimal(details["fixed_fee_unit_amount"]),
            amount=fixed,
        )
    yield PriceStep(kind="adjustment", amount=Decimal(details["min_max_adjustment_total_amount"]))


def _of_volume(details: Mapping[str, Any]) -> Iterator[PriceStep]:
    price, amount = Decimal(details["per_unit_amount"]), Decimal(details["per_unit_total_amount"])
    units = amount / price if price else None  # not the fee's: those are before proration, these were priced
    yield PriceStep(kind="units", units=units, unit_amount=price, amount=amount)
    yield PriceStep(kind="flat", amount=Decimal(details["flat_unit_amount"]))
