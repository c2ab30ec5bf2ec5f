"""What every price obeys, whatever its terms."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.currency import EXPONENTS
from domain.kernel.decimals import exact, wire
from domain.pricing.fee import settle
from domain.pricing.in_advance import price_event
from domain.pricing.registry import ChargeModel, Price, PricedUsage, ProratedValue, price, validate
from domain.pricing.true_up import prorated_minimum, true_up

UNITS = st.decimals(0, 10_000, places=3)
AMOUNTS = st.decimals(0, 100, places=5)
WIRE_AMOUNTS = AMOUNTS.map(wire)
VALUES = st.lists(st.decimals(0, 500, places=2), max_size=12)
CURRENCIES = st.sampled_from(sorted(EXPONENTS))


@st.composite
def ranges(draw: st.DrawFn, *amounts: str, steps: Sequence[int] = (1,)) -> list[dict[str, Any]]:
    """Ranges that begin one of `steps` above the end of the one before; `amounts` are decimals of each."""
    step = draw(st.sampled_from(steps))
    uppers = sorted(draw(st.sets(st.integers(1, 500), max_size=4)))
    uppers = [upper + 2 * place for place, upper in enumerate(uppers)]  # far enough apart for each to be a range
    lowers = [draw(st.sampled_from([0, 1])) if uppers and uppers[0] > 1 else 0, *(upper + step for upper in uppers)]
    return [
        {"from_value": lower, "to_value": upper} | {name: draw(WIRE_AMOUNTS) for name in amounts}
        for lower, upper in zip(lowers, [*uppers, None], strict=True)
    ]


def graduated(**options: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"graduated_ranges": ranges("per_unit_amount", "flat_amount", **options)})


SHARES = st.fixed_dictionaries({"graduated_percentage_ranges": ranges("rate", "flat_amount", steps=(0, 1))})
VOLUMES = st.fixed_dictionaries({"volume_ranges": ranges("per_unit_amount", "flat_amount", steps=(1, 2))})
PACKAGES = st.fixed_dictionaries(
    {"amount": WIRE_AMOUNTS, "package_size": st.integers(1, 50), "free_units": st.integers(0, 50)}
)
STANDARD = st.fixed_dictionaries({"amount": WIRE_AMOUNTS})
TERMS: dict[ChargeModel, st.SearchStrategy[dict[str, Any]]] = {
    "standard": STANDARD,
    "graduated": graduated(steps=(0, 1)),
    "graduated_percentage": SHARES,
    "package": PACKAGES,
    "volume": VOLUMES,
}


def cost(charge_model: ChargeModel, properties: dict[str, Any], units: Decimal) -> Decimal:
    return price(charge_model, properties, PricedUsage(units=units)).amount


@pytest.mark.parametrize("charge_model", ["standard", "graduated", "graduated_percentage", "package"])
@given(data=st.data())
def test_more_usage_never_costs_less(charge_model: ChargeModel, data: st.DataObject) -> None:
    properties = data.draw(TERMS[charge_model])
    assert validate(charge_model, properties) == []
    less, more = sorted(data.draw(st.tuples(UNITS, UNITS)))
    assert cost(charge_model, properties, less) <= cost(charge_model, properties, more)


@given(properties=graduated(steps=(0, 1)), units=UNITS)
def test_the_units_of_the_ranges_are_the_units(properties: dict[str, Any], units: Decimal) -> None:
    priced = price("graduated", properties, PricedUsage(units=units))
    tiers = priced.amount_details["graduated_ranges"]
    assert sum(Decimal(tier["units"]) for tier in tiers) == units
    assert sum(Decimal(tier["total_with_flat_amount"]) for tier in tiers) == priced.amount


@given(properties=graduated(), units=UNITS)
def test_ranges_that_touch_mean_the_same_as_ranges_that_follow(properties: dict[str, Any], units: Decimal) -> None:
    touching = [dict(tier) for tier in properties["graduated_ranges"]]
    for before, tier in pairwise(touching):
        tier["from_value"] = before["to_value"]
    assert cost("graduated", {"graduated_ranges": touching}, units) == cost("graduated", properties, units)


@given(amount=WIRE_AMOUNTS, units=UNITS)
def test_one_range_without_a_flat_amount_is_a_standard_price(amount: str, units: Decimal) -> None:
    tier = {"from_value": 0, "to_value": None, "per_unit_amount": amount, "flat_amount": "0"}
    standard = cost("standard", {"amount": amount}, units)
    assert cost("graduated", {"graduated_ranges": [tier]}, units) == standard
    assert cost("volume", {"volume_ranges": [tier]}, units) == standard


@given(properties=VOLUMES, units=UNITS)
def test_a_volume_has_the_price_of_the_range_it_is_in(properties: dict[str, Any], units: Decimal) -> None:
    """Lago's (12.7) where it has one, else the next above: below the first range, and in a hole."""
    assert validate("volume", properties) == []
    whole, tiers = units.to_integral_value(ROUND_CEILING), properties["volume_ranges"]
    of_lago = [
        tier
        for tier in tiers
        if tier["from_value"] <= whole and (tier["to_value"] is None or units <= tier["to_value"])
    ]
    (tier, *_) = of_lago or [tier for tier in tiers if tier["from_value"] > whole]
    expected = units * Decimal(tier["per_unit_amount"]) + Decimal(tier["flat_amount"])
    assert cost("volume", properties, units) == expected


@given(properties=PACKAGES | st.just({"amount": "1", "package_size": 1, "free_units": 0}), units=UNITS)
def test_packages_hold_the_paid_units_and_no_more(properties: dict[str, Any], units: Decimal) -> None:
    packages = cost("package", properties | {"amount": "1"}, units)
    paid, size = max(units - properties["free_units"], Decimal(0)), properties["package_size"]
    assert packages == int(packages)
    assert packages * size - size < paid <= packages * size or packages == paid == 0


@pytest.mark.parametrize("charge_model", ["standard", "graduated", "graduated_percentage", "package"])
@given(data=st.data(), values=VALUES)
def test_events_in_advance_add_up_to_the_whole(
    charge_model: ChargeModel, data: st.DataObject, values: list[Decimal]
) -> None:
    properties = data.draw(TERMS[charge_model])
    usages = [PricedUsage(units=units) for units in accumulate(values, initial=Decimal(0))]
    fees = [
        price_event(charge_model, properties, before=before, after=after, units=Decimal(1), currency="EUR")
        for before, after in pairwise(usages)
    ]
    whole = cost(charge_model, properties, usages[-1].units) if usages[-1].units else Decimal(0)
    assert sum(fee.precise_amount_cents for fee in fees) == whole * 100


@given(properties=graduated(steps=(0, 1)), values=st.lists(st.decimals("0.01", 200, places=2), min_size=1, max_size=8))
def test_graduated_for_the_whole_period_is_not_prorated(properties: dict[str, Any], values: list[Decimal]) -> None:
    changes = [ProratedValue(full=value, prorated=value) for value in values]
    units = sum(values, Decimal(0))
    prorated = price("graduated", properties, PricedUsage(units=units, full_units=units, changes=changes))
    assert prorated.amount == cost("graduated", properties, units)


@given(
    rate=WIRE_AMOUNTS,
    fixed=WIRE_AMOUNTS,
    n=st.integers(1, 15) | st.none(),
    z=st.decimals(0, 3000, places=2).map(wire) | st.none(),
    values=VALUES,
)
def test_free_allowances_never_cost(rate: str, fixed: str, n: int | None, z: str | None, values: list[Decimal]) -> None:
    terms = {"rate": rate, "fixed_amount": fixed}
    usage = PricedUsage(
        units=sum(values, Decimal(0)), events_count=len(values), running_totals=tuple(accumulate(values))
    )
    plain = price("percentage", terms, usage)
    free = price("percentage", terms | {"free_units_per_events": n, "free_units_per_total_aggregation": z}, usage)
    assert 0 <= free.amount <= plain.amount
    assert Decimal(free.amount_details["free_units"]) + Decimal(free.amount_details["paid_units"]) == usage.units


@given(rate=WIRE_AMOUNTS, fixed=WIRE_AMOUNTS, low=AMOUNTS, width=AMOUNTS, values=VALUES)
def test_each_event_stays_within_its_bounds(
    rate: str, fixed: str, low: Decimal, width: Decimal, values: list[Decimal]
) -> None:
    terms = {"rate": rate, "fixed_amount": fixed}
    usage = PricedUsage(units=sum(values, Decimal(0)), events_count=len(values), values=values)
    bounds = {"per_transaction_min_amount": wire(low), "per_transaction_max_amount": wire(low + width)}
    bounded = price("percentage", terms | bounds, usage).amount
    assert low * len(values) <= bounded <= (low + width) * len(values)
    if usage.units:
        wide = price("percentage", terms | {"per_transaction_max_amount": "1000000"}, usage).amount
        assert wide == price("percentage", terms, usage).amount


@given(
    amount=st.decimals(-1000, 1000, places=7),
    unit_amount=UNITS,
    units=st.decimals(-100, 100, places=3),
    currency=CURRENCIES,
)
def test_settling_moves_by_half_a_minor_unit_at_most_and_never_below_zero(
    amount: Decimal, unit_amount: Decimal, units: Decimal, currency: str
) -> None:
    fee = settle(Price(amount=amount, unit_amount=unit_amount), units, 1, currency)
    assert fee.units >= 0
    assert fee.amount_cents >= 0
    assert abs(fee.amount_cents - fee.precise_amount_cents) <= Decimal("0.5")
    if units >= 0 and amount >= 0:
        assert fee.precise_amount_cents == amount.scaleb(EXPONENTS[currency])
    else:
        assert (fee.units, fee.amount_cents, fee.unit_amount_cents) == (Decimal(0), 0, 0)


@given(minimum=st.integers(1, 10**9), days=st.integers(0, 31), used=st.integers(0, 10**9), currency=CURRENCIES)
def test_a_true_up_fills_up_to_the_minimum(minimum: int, days: int, used: int, currency: str) -> None:
    of_window = prorated_minimum(minimum, days=days, duration_days=31)
    fee = true_up(of_window, used_cents=used, used_precise_cents=Decimal(used), currency=currency)
    with exact():
        filled = used + (0 if fee is None else fee.amount_cents)
        assert filled >= of_window - Decimal("0.5")
        assert fee is None or filled <= of_window + Decimal("0.5")
