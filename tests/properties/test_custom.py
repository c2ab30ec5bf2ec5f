"""Laws of custom aggregations, whatever their expressions are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.decimals import exact
from domain.metering.aggregations.custom import DECIMALS, LARGEST_AMOUNT, LARGEST_UNITS, Fold, State, aggregate
from domain.metering.ports import CustomAggregator, Metric
from domain.metering.usage_event import UsageEvent, in_order
from domain.pricing.fee import settle
from domain.pricing.pay_in_advance import UsageBefore, price_event
from domain.pricing.price import PricedUsage
from domain.pricing.registry import price

START = datetime(2024, 3, 1, tzinfo=UTC)
PROPERTIES = (("price", "1.5"),)
LEAVES = st.sampled_from(
    (
        *("event.properties.v", "event.properties.w", "event.timestamp", "event.code", "'text'"),
        *("state.total_units", "state.amount", "custom_properties.price", "custom_properties.missing"),
        *("0", "1", "3", "0.001", "9" * 40, "0." + "0" * 38 + "1"),
    )
)


def _deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner)
        | st.builds("-({})".format, inner)
        | st.builds(
            "{}({}, {})".format, st.sampled_from(("least", "greatest", "concat", "round", "ceil")), inner, inner
        )
    )


EXPRESSIONS = st.recursive(LEAVES, _deeper, max_leaves=8)
AGGREGATORS = st.builds(
    lambda units, amount: CustomAggregator(total_units=units, amount=amount), EXPRESSIONS, EXPRESSIONS
)
NUMBERS = st.decimals(-1000, 1000, places=3).map(str)
EVENTS = st.lists(
    st.builds(
        lambda second, sequence, properties: UsageEvent(
            transaction_id=str(sequence),
            code="c",
            external_subscription_id="s",
            timestamp=START + timedelta(seconds=second),
            sequence=sequence,
            properties=properties,
        ),
        st.integers(0, 20),
        st.integers(0, 1_000),
        st.dictionaries(st.sampled_from("vw"), NUMBERS | st.sampled_from(("", "x", "1e39", "0", "-0"))),
    ),
    max_size=12,
    unique_by=lambda event: event.sequence,
)


def metric(aggregator: CustomAggregator, *, recurring: bool = True) -> Metric:
    return Metric(code="c", aggregation_type="custom_agg", recurring=recurring, custom_aggregator=aggregator)


def until(events: Sequence[UsageEvent], second: int) -> list[UsageEvent]:
    return [event for event in events if event.timestamp < START + timedelta(seconds=second)]


@given(aggregator=AGGREGATORS, events=EVENTS)
def test_what_comes_out_can_be_priced(aggregator: CustomAggregator, events: list[UsageEvent]) -> None:
    usage = aggregate(events, metric(aggregator), PROPERTIES, from_at=START)
    assert abs(usage.units) < LARGEST_UNITS
    assert abs(usage.amount) < LARGEST_AMOUNT
    assert all(_decimals(number) <= DECIMALS for number in (usage.units, usage.amount))
    priced = price("custom", {}, PricedUsage(units=usage.units, precise_total_amount=usage.amount))
    for currency in ("JPY", "EUR", "KWD", "CLF"):
        fee = settle(priced, usage.units, usage.events_count, currency)
        assert 0 <= fee.amount_cents < 2**63


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent


@given(aggregator=AGGREGATORS, events=EVENTS, cuts=st.lists(st.integers(0, 21), max_size=4))
def test_windows_that_follow_one_another_bill_each_event_once(
    aggregator: CustomAggregator, events: list[UsageEvent], cuts: list[int]
) -> None:
    folded = metric(aggregator)
    whole = aggregate(events, folded, PROPERTIES, from_at=START)
    with exact():
        windows = [
            aggregate(until(events, end), folded, PROPERTIES, from_at=START + timedelta(seconds=start))
            for start, end in pairwise([0, *sorted(cuts), 21])
        ]
        assert sum(window.amount - window.carried_amount for window in windows) == whole.amount
    assert sum(window.events_count for window in windows) == whole.events_count
    assert windows[-1].units == whole.units


@given(aggregator=AGGREGATORS, events=EVENTS, shuffled=st.randoms())
def test_the_order_of_the_list_does_not_matter(
    aggregator: CustomAggregator, events: list[UsageEvent], shuffled: Random
) -> None:
    other = shuffled.sample(events, len(events))
    one, two = (aggregate(listed, metric(aggregator), PROPERTIES, from_at=START) for listed in (events, other))
    assert one == two


@given(aggregator=AGGREGATORS, events=EVENTS)
def test_what_counts_for_nothing_can_be_left_out(aggregator: CustomAggregator, events: list[UsageEvent]) -> None:
    folded, state, kept = metric(aggregator), State(), []
    fold = Fold(folded, PROPERTIES)
    for event in in_order(events):
        after = fold.after(state, at=event.timestamp, properties=event.properties)
        if after is not None:
            state = after
            kept.append(event)
    whole = aggregate(events, folded, PROPERTIES, from_at=START)
    assert whole == aggregate(kept, folded, PROPERTIES, from_at=START)
    assert whole.events_count == len(kept)


@given(units=EXPRESSIONS, events=EVENTS)
def test_fees_in_advance_add_up_to_what_is_owed_in_arrears(units: str, events: list[UsageEvent]) -> None:
    """Where no event takes from the amount."""
    aggregator = CustomAggregator(total_units=units, amount="greatest(event.properties.v, 0) * custom_properties.price")
    folded, properties = metric(aggregator), {"custom_properties": dict(PROPERTIES)}
    ordered, owed = in_order(events), Decimal(0)
    for place, event in enumerate(ordered):
        usage = aggregate(ordered[:place], folded, PROPERTIES, from_at=START)
        before = UsageBefore(usage=PricedUsage(units=usage.units, precise_total_amount=usage.amount))
        fee = price_event("custom", properties, folded, event, before, currency="EUR")
        owed += Decimal(0) if fee is None else fee.precise_amount_cents
    assert owed == aggregate(events, folded, PROPERTIES, from_at=START).amount * 100
