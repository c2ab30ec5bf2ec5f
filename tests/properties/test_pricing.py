"""What every price obeys, whatever its terms."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate, pairwise
from typing import Any, get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.currency import EXPONENTS
from domain.kernel.decimals import exact, wire
from domain.kernel.errors import AmountOutOfRangeError
from domain.kernel.money import MOST_MINOR_UNITS, minor_units
from domain.pricing.fee import UNIT_AMOUNT_END, PricedFee, settle
from domain.pricing.fixed_charge import UnexpiredFee, less_unexpired, price_change
from domain.pricing.in_advance import price_event
from domain.pricing.pricing_unit import SETTLES_AS, convert, convert_in_advance
from domain.pricing.projection import Elapsed, project
from domain.pricing.registry import ChargeModel, Price, PricedUsage, ProratedValue, price, validate
from domain.pricing.true_up import prorated_minimum, true_up
from domain.taxation.apply_taxes import tax_fee
from domain.taxation.tax import TaxTerms


def scaled(digits: int, exponent: int) -> Decimal:
    return Decimal(digits).scaleb(exponent)


UNITS = st.decimals(0, 10_000, places=3) | st.builds(scaled, st.integers(1, 999), st.integers(-44, 18))
"""With the amounts below they multiply exactly."""
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


ANY_UNITS = UNITS | st.builds(scaled, st.integers(-999, 10**6), st.integers(-400, 400))
ANY_AMOUNTS = WIRE_AMOUNTS | st.builds("{}e{}".format, st.integers(0, 999), st.integers(-20, 17))
"""What a charge may say: 20 digits before and after the point."""

ANY_SIZES = st.integers(1, 50) | st.integers(1, 10**20 - 1)
ANY_RATES = st.builds(scaled, st.integers(1, 999), st.integers(-15, 12))
"""Of a pricing unit."""

VAT = TaxTerms(tax_id=UUID(int=1), code="vat", name="VAT", description=None, rate=Decimal(100))


def any_ranges(name: str, *amounts: str) -> st.SearchStrategy[dict[str, Any]]:
    """Of "0-10, 11-" or one range."""
    tiers = st.tuples(*(st.fixed_dictionaries(dict.fromkeys(amounts, ANY_AMOUNTS)) for _ in range(2)))
    bounds = ({"from_value": 0, "to_value": 10}, {"from_value": 11, "to_value": None})
    two = tiers.map(lambda terms: [bound | own for bound, own in zip(bounds, terms, strict=True)])
    one = tiers.map(lambda terms: [{"from_value": 0, "to_value": None} | terms[0]])
    return (one | two).map(lambda tiers: {name: tiers})


ANY_TERMS: dict[ChargeModel, st.SearchStrategy[dict[str, Any]]] = {
    "standard": st.fixed_dictionaries({"amount": ANY_AMOUNTS}),
    "graduated": any_ranges("graduated_ranges", "per_unit_amount", "flat_amount"),
    "graduated_percentage": any_ranges("graduated_percentage_ranges", "rate", "flat_amount"),
    "package": st.fixed_dictionaries({"amount": ANY_AMOUNTS, "package_size": ANY_SIZES, "free_units": ANY_SIZES}),
    "percentage": st.fixed_dictionaries(
        {"rate": ANY_AMOUNTS},
        optional={
            "fixed_amount": ANY_AMOUNTS,
            "free_units_per_events": ANY_SIZES,
            "free_units_per_total_aggregation": ANY_AMOUNTS,
            "per_transaction_min_amount": ANY_AMOUNTS,
        },
    ),
    "volume": any_ranges("volume_ranges", "per_unit_amount", "flat_amount"),
    "dynamic": st.just({}),
    "custom": st.just({"custom_properties": {}}),
}


@st.composite
def any_usage(draw: st.DrawFn, charge_model: ChargeModel) -> PricedUsage:
    values = draw(st.lists(ANY_UNITS, min_size=1, max_size=4))
    with exact():
        units, totals = sum(values, Decimal(0)), tuple(accumulate(values))
    is_prorated = draw(st.booleans())
    changes = tuple(ProratedValue(full=value, prorated=value / 3) for value in values)
    return PricedUsage(
        units=sum((change.prorated for change in changes), Decimal(0)) if is_prorated else units,
        events_count=len(values),
        full_units=units if is_prorated else None,
        running_totals=totals,
        values=values,
        changes=changes if is_prorated and charge_model == "graduated" else None,
        precise_total_amount=draw(ANY_UNITS),
    )


def fits(fee: PricedFee) -> bool:
    """Whether its figures are those that Lago's columns hold."""
    return (
        0 <= fee.amount_cents <= MOST_MINOR_UNITS
        and abs(fee.unit_amount_cents) <= MOST_MINOR_UNITS
        and abs(fee.precise_unit_amount) < UNIT_AMOUNT_END
    )


EVERY_MODEL = pytest.mark.parametrize("charge_model", get_args(ChargeModel))


@EVERY_MODEL
@given(data=st.data(), currency=CURRENCIES)
def test_whatever_its_size_a_price_settles_unless_it_is_more_than_64_bits_hold(
    charge_model: ChargeModel, data: st.DataObject, currency: str
) -> None:
    properties, usage = data.draw(ANY_TERMS[charge_model]), data.draw(any_usage(charge_model))
    assert validate(charge_model, properties) == []
    priced = price(charge_model, properties, usage)
    units = usage.units if usage.full_units is None else usage.full_units
    owed = minor_units(priced.amount, currency) if units >= 0 else Decimal(0)
    if owed >= MOST_MINOR_UNITS + Decimal("0.5"):
        with pytest.raises(AmountOutOfRangeError):
            settle(priced, units, 1, currency)
        return
    fee = settle(priced, units, 1, currency)
    assert fits(fee)
    assert abs(fee.amount_cents - max(owed, Decimal(0))) <= Decimal("0.5")


@EVERY_MODEL
@given(data=st.data(), currency=CURRENCIES, rate=ANY_RATES, days=st.integers(1, 30))
def test_what_becomes_of_a_fee_of_any_size_fits_too(
    charge_model: ChargeModel, data: st.DataObject, currency: str, rate: Decimal, days: int
) -> None:
    properties, usage = data.draw(ANY_TERMS[charge_model]), data.draw(any_usage(charge_model))
    priced, elapsed = price(charge_model, properties, usage), Elapsed(days=days, of_days=30)
    with suppress(AmountOutOfRangeError):
        fee = settle(priced, usage.units, 1, currency)
        assert tax_fee(Decimal(fee.amount_cents), fee.precise_amount_cents, [VAT]).amount_cents == fee.amount_cents
        missing = true_up(
            Decimal(MOST_MINOR_UNITS),
            used_cents=fee.amount_cents,
            used_precise_cents=fee.precise_amount_cents,
            currency=currency,
        )
        assert fee.amount_cents + (missing.amount_cents if missing else 0) == MOST_MINOR_UNITS
        assert fits(project(charge_model, properties, fee, elapsed, recurring=False, currency=currency))
    with suppress(AmountOutOfRangeError):
        money, _ = convert(settle(priced, usage.units, 1, SETTLES_AS), rate, currency)
        assert fits(money)


@pytest.mark.parametrize("charge_model", sorted({*get_args(ChargeModel)} - {"volume"}))
@given(data=st.data(), currency=CURRENCIES, rate=ANY_RATES)
def test_a_fee_in_advance_of_any_size_fits(
    charge_model: ChargeModel, data: st.DataObject, currency: str, rate: Decimal
) -> None:
    properties, two = data.draw(ANY_TERMS[charge_model]), st.tuples(any_usage(charge_model), any_usage(charge_model))
    before, after = (replace(usage, full_units=None, changes=None) for usage in data.draw(two))
    units = max(after.units, Decimal(0))
    with suppress(AmountOutOfRangeError):
        fee = price_event(charge_model, properties, before=before, after=after, units=units, currency=currency)
        assert fits(fee)
        assert fits(convert_in_advance(fee, rate, currency)[0])


@pytest.mark.parametrize("charge_model", ["standard", "graduated", "volume"])
@given(data=st.data(), currency=CURRENCIES, units=ANY_UNITS, days=st.integers(0, 31), paid=st.integers(0, 2**63 - 1))
def test_fixed_charges_of_any_size_fit(
    charge_model: ChargeModel, data: st.DataObject, currency: str, units: Decimal, days: int, paid: int
) -> None:
    properties = data.draw(ANY_TERMS[charge_model])
    with suppress(AmountOutOfRangeError):
        fee = price_change(
            charge_model,
            properties,
            units=units,
            billed_units=Decimal(0),
            days_left=days,
            duration_days=31,
            currency=currency,
        )
        assert fits(fee)
        assert fits(less_unexpired(fee, [UnexpiredFee(amount_cents=paid, days_left=days, days=31)], currency))
