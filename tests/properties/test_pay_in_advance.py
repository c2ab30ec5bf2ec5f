"""What fees of single events obey, whatever the events and terms."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import accumulate, pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.decimals import wire
from domain.metering.current_peak import current_prorated_units, current_units
from domain.metering.high_water import fold, rises
from domain.metering.ports import Metric
from domain.metering.usage_event import UsageEvent, in_order
from domain.pricing.pay_in_advance import price_event
from domain.pricing.pricing_unit import SETTLES_AS, convert
from domain.pricing.projection import Elapsed, project
from domain.pricing.registry import ChargeModel
from tests.unit.pricing.advance import (
    COUNT,
    JUNE,
    JUNE_DAYS,
    RECURRING_SUM,
    RECURRING_UNIQUE,
    SUM,
    UNIQUE,
    aggregated,
    event,
    fees,
    in_arrears,
    usage_before,
)

AMOUNTS = st.decimals(0, 100, places=4).map(wire)
SECONDS = st.integers(0, 30 * 86_400 - 1)
MAY_TO_JUNE = st.integers(-9 * 86_400, 30 * 86_400 - 1)
METRICS = st.sampled_from([COUNT, SUM, UNIQUE])


def after(seconds: int) -> datetime:
    return JUNE + timedelta(seconds=seconds)


@st.composite
def histories(draw: st.DrawFn, metric: Metric, *, grows: bool = False, seconds: Any = SECONDS) -> list[UsageEvent]:
    """Events of a metric; where it `grows`, none takes units away."""
    if metric.aggregation_type == "unique_count_agg":
        kinds = ["add"] if grows else ["add", "remove"]
        rows = draw(st.lists(st.tuples(seconds, st.sampled_from("abcd"), st.sampled_from(kinds)), max_size=9))
        return [
            event(place, {"v": value, "operation_type": kind}, at=after(second))
            for place, (second, value, kind) in enumerate(rows)
        ]
    values = st.decimals(0 if grows else -50, 50, places=2)
    rows_of_numbers = draw(st.lists(st.tuples(seconds, values), max_size=9))
    return [
        event(place, {"v": wire(value)}, at=after(second), amount_cents=wire(abs(value) * 3))
        for place, (second, value) in enumerate(rows_of_numbers)
    ]


@st.composite
def tiers(draw: st.DrawFn, *amounts: str) -> list[dict[str, Any]]:
    uppers = sorted(draw(st.sets(st.integers(1, 100), max_size=3)))
    return [
        {"from_value": lower, "to_value": upper} | {name: draw(AMOUNTS) for name in amounts}
        for lower, upper in zip([0, *uppers], [*uppers, None], strict=True)
    ]


@st.composite
def percentages(draw: st.DrawFn) -> dict[str, Any]:
    terms: dict[str, Any] = {"rate": draw(AMOUNTS), "fixed_amount": draw(AMOUNTS)}
    if (free_events := draw(st.none() | st.integers(1, 5))) is not None:
        terms["free_units_per_events"] = free_events
    if (free_units := draw(st.none() | st.decimals(0, 80, places=1).map(wire))) is not None:
        terms["free_units_per_total_aggregation"] = free_units
    if draw(st.booleans()):
        low, width = draw(st.tuples(st.integers(0, 20), st.integers(0, 20)))
        terms |= {"per_transaction_min_amount": str(low), "per_transaction_max_amount": str(low + width)}
    return terms


TIERED: list[tuple[ChargeModel, st.SearchStrategy[dict[str, Any]]]] = [
    ("standard", st.fixed_dictionaries({"amount": AMOUNTS})),
    ("graduated", st.fixed_dictionaries({"graduated_ranges": tiers("per_unit_amount", "flat_amount")})),
    ("graduated_percentage", st.fixed_dictionaries({"graduated_percentage_ranges": tiers("rate", "flat_amount")})),
    (
        "package",
        st.fixed_dictionaries({"amount": AMOUNTS, "package_size": st.integers(1, 9), "free_units": st.integers(0, 20)}),
    ),
]


@st.composite
def terms(draw: st.DrawFn, metric: Metric) -> tuple[ChargeModel, dict[str, Any]]:
    options = [*TIERED, ("percentage", percentages())]
    if metric == SUM:
        options.append(("dynamic", st.just({})))
    charge_model, properties = draw(st.sampled_from(options))
    return charge_model, draw(properties)


@given(data=st.data(), metric=METRICS)
def test_fees_of_growing_usage_add_up_to_the_fee_in_arrears(data: st.DataObject, metric: Metric) -> None:
    charge_model, properties = data.draw(terms(metric))
    events = data.draw(histories(metric, grows=True))
    owed = [fee for fee in fees(charge_model, properties, metric, events) if fee is not None]
    whole = in_arrears(charge_model, properties, metric, events)
    if whole.units == 0 and charge_model != "percentage":
        assert all(fee.amount_cents == 0 for fee in owed), "what arrears owe for nothing waits for the first unit"
        return
    assert sum(fee.precise_amount_cents for fee in owed) == whole.precise_amount_cents
    assert abs(sum(fee.amount_cents for fee in owed) - whole.amount_cents) <= Decimal(len(owed) + 1) / 2


@given(data=st.data(), metric=METRICS)
def test_fees_add_up_to_the_price_of_the_peak(data: st.DataObject, metric: Metric) -> None:
    charge_model, strategy = data.draw(st.sampled_from(TIERED))
    properties = data.draw(strategy)
    events = data.draw(histories(metric))
    peak = fold(events, metric, from_at=JUNE)
    owed = sum(fee.precise_amount_cents for fee in fees(charge_model, properties, metric, events) if fee is not None)
    at_the_peak = [event(0, {"v": wire(peak.max)})]
    assert owed == (in_arrears(charge_model, properties, SUM, at_the_peak).precise_amount_cents if peak.max else 0)


@given(events=histories(SUM))
def test_dynamic_fees_add_up_to_the_amounts_of_the_events(events: list[UsageEvent]) -> None:
    owed = sum(fee.precise_amount_cents for fee in fees("dynamic", {}, SUM, events) if fee is not None)
    amounts = sum((one.precise_total_amount_cents or Decimal(0) for one in events), Decimal(0))
    assert owed == (amounts if fold(events, SUM, from_at=JUNE).max else 0), "nothing was used"


@given(data=st.data(), metric=METRICS)
def test_an_estimate_is_the_fee_that_the_event_then_gets(data: st.DataObject, metric: Metric) -> None:
    charge_model, properties = data.draw(terms(metric))
    events = data.draw(histories(metric))
    *_, sent = [*data.draw(histories(metric)), event(77, {"v": "1"})]
    at = after(30 * 86_400 - 1)
    before = usage_before(events, charge_model, properties, metric)
    sample = replace(sent, timestamp=at)
    estimate = price_event(charge_model, properties, metric, sample, before, currency="EUR")
    stored = event(99, sent.properties, at=at, amount_cents=wire(sent.precise_total_amount_cents or Decimal(0)))
    assert estimate == fees(charge_model, properties, metric, [*events, stored])[-1]


@given(data=st.data(), metric=st.sampled_from([SUM, UNIQUE, RECURRING_SUM, RECURRING_UNIQUE]))
def test_the_peak_is_the_highest_running_total(data: st.DataObject, metric: Metric) -> None:
    events = data.draw(histories(metric, seconds=MAY_TO_JUNE))
    walked = [step for _, step in rises(events, metric, from_at=JUNE)]
    levels = list(accumulate((step.change for step in walked), initial=Decimal(0)))
    highest = list(accumulate(levels, max))
    assert [step.peak.current for step in walked] == levels[1:]
    assert [step.peak.max for step in walked] == highest[1:]
    assert [step.delta for step in walked] == [later - earlier for earlier, later in pairwise(highest)]
    carried = aggregated([one for one in events if one.timestamp < JUNE], "standard", {}, metric).units
    counted = [one for one in events if metric.recurring or one.timestamp >= JUNE]
    assert aggregated(counted, "standard", {}, metric).units == levels[-1] + (carried if metric.recurring else 0)


@given(data=st.data(), metric=st.sampled_from([SUM, UNIQUE, RECURRING_SUM, RECURRING_UNIQUE]), seed=st.randoms())
def test_the_order_of_the_list_does_not_matter(data: st.DataObject, metric: Metric, seed: Any) -> None:
    events = data.draw(histories(metric, seconds=MAY_TO_JUNE))
    shuffled = seed.sample(events, len(events))
    assert fold(shuffled, metric, from_at=JUNE, prorated=JUNE_DAYS) == fold(
        events, metric, from_at=JUNE, prorated=JUNE_DAYS
    )


@given(data=st.data(), metric=st.sampled_from([RECURRING_SUM, RECURRING_UNIQUE]))
def test_a_prorated_fee_is_within_the_full_one(data: st.DataObject, metric: Metric) -> None:
    events = data.draw(histories(metric))
    steps = [step for _, step in rises(events, metric, from_at=JUNE, prorated=JUNE_DAYS)]
    for step in steps:
        assert 0 <= step.prorated_delta <= step.delta.quantize(Decimal("0.00001"), ROUND_CEILING)
        assert (step.prorated_delta > 0) == (step.delta > 0)
    full = [fee for fee in fees("standard", {"amount": "7"}, metric, events) if fee]
    prorated = [fee for fee in fees("standard", {"amount": "7"}, metric, events, prorated=JUNE_DAYS) if fee]
    assert [fee.units for fee in full] == [fee.units for fee in prorated]
    assert all(part.amount_cents <= whole.amount_cents for part, whole in zip(prorated, full, strict=True))


@given(data=st.data(), metric=st.sampled_from([RECURRING_SUM, RECURRING_UNIQUE]))
def test_current_usage_never_falls_below_what_the_events_paid(data: st.DataObject, metric: Metric) -> None:
    events = in_order(data.draw(histories(metric, seconds=MAY_TO_JUNE)))
    carried = aggregated([one for one in events if one.timestamp < JUNE], "standard", {}, metric).units
    total = aggregated(events, "standard", {}, metric).units
    peak = fold(events, metric, from_at=JUNE, prorated=JUNE_DAYS)
    assert current_units(total, peak).billed == max(carried + peak.max, Decimal(0))
    prorated = current_prorated_units(total, peak, JUNE_DAYS)
    assert prorated.billed >= peak.max_prorated
    assert prorated.shown == current_units(total, peak).shown == max(total, Decimal(0))


@given(data=st.data(), days=st.integers(1, 30))
def test_a_projection_is_never_less_than_the_usage(data: st.DataObject, days: int) -> None:
    charge_model, properties = data.draw(
        st.sampled_from(TIERED).flatmap(lambda one: st.tuples(st.just(one[0]), one[1]))
    )
    current = in_arrears(charge_model, properties, SUM, data.draw(histories(SUM, grows=True)))
    elapsed = Elapsed(days=days, of_days=30)
    projected = project(charge_model, properties, current, elapsed, recurring=False, currency="EUR")
    assert projected.units >= current.units
    assert projected.amount_cents >= current.amount_cents - (days > 1)


@given(events=histories(SUM, grows=True), amount=AMOUNTS, currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_one_to_one_a_pricing_unit_is_the_currency(events: list[UsageEvent], amount: str, currency: str) -> None:
    fee = in_arrears("standard", {"amount": amount}, SUM, events, SETTLES_AS)
    money, usage = convert(fee, Decimal(1), currency)
    assert usage.amount_cents == fee.amount_cents
    scale = {"EUR": Decimal(1), "JPY": Decimal("0.01"), "KWD": Decimal(10)}[currency]
    assert abs(money.amount_cents - fee.amount_cents * scale) <= Decimal("0.5")
    assert money.precise_amount_cents == fee.amount_cents * scale
