"""Laws of usage as it is priced: nothing is lost between groups, filters and periods, and a replay is the fee."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from domain.catalog.billable_metric import BillableMetric, BillableMetricDetails, MetricFilter
from domain.catalog.charge import Charge, ChargeFilter
from domain.invoicing.usage_fees import PricedBucket, UsageInputs, UsageWindow, price_inputs, price_usage
from domain.metering.prorated_period import ProratedPeriod
from domain.pricing.price import PricedUsage
from domain.pricing.registry import price
from tests.builders import MemoryUsage, instant

FIRST, LAST = instant("2024-01-01"), instant("2024-02-01") - timedelta(microseconds=1)
SECONDS = st.integers(0, 31 * 86_400 - 1)
EVENTS = st.lists(
    st.tuples(SECONDS, st.decimals(-50, 1000, places=3), st.sampled_from(["a", "b", "c", None]), st.booleans()),
    max_size=25,
)
RANGES: list[dict[str, Any]] = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "0.7", "flat_amount": "1"},
    {"from_value": 11, "to_value": 25, "per_unit_amount": "0.5", "flat_amount": "0"},
    {"from_value": 26, "to_value": None, "per_unit_amount": "0.25", "flat_amount": "2.5"},
]
METRIC = BillableMetric.begin(
    UUID(int=1),
    organization_id=UUID(int=2),
    details=BillableMetricDetails(
        name="gb",
        code="gb",
        aggregation_type="sum_agg",
        field_name="gb",
        filters=(MetricFilter(key="k", values=("a", "b", "c")),),
    ),
    at=FIRST,
)


def used(events: Sequence[tuple[int, Decimal, str | None, bool]]) -> MemoryUsage:
    usage = MemoryUsage()
    for seconds, gigabytes, key, as_text in events:
        at = (FIRST + timedelta(seconds=seconds)).isoformat()
        value = format(gigabytes, "f")
        usage.add("gb", at, gb=value if as_text else Decimal(value), **({} if key is None else {"k": key}))
    return usage


def priced(
    usage: MemoryUsage,
    properties: dict[str, Any],
    *,
    model: Any = "standard",
    filters: tuple[ChargeFilter, ...] = (),
    from_at: Any = FIRST,
    to_at: Any = LAST,
) -> list[PricedBucket]:
    charge = Charge(
        id=METRIC.id,
        code="gb",
        billable_metric_id=METRIC.id,
        charge_model=model,
        properties=properties,
        filters=filters,
        created_at=FIRST,
    )
    window = UsageWindow(
        organization_id=METRIC.organization_id,
        external_subscription_id="s1",
        from_at=from_at,
        to_at=to_at,
        period=ProratedPeriod(from_at=FIRST, to_at=LAST, days=31, duration_days=31, timezone="UTC"),
        shown=(FIRST, LAST),
        currency="EUR",
    )

    async def ask() -> list[list[PricedBucket]]:
        return await price_usage(usage, len(usage.events), [(window, [charge])], {METRIC.id: METRIC})

    return asyncio.run(ask())[0]


def units(buckets: Sequence[PricedBucket]) -> Decimal:
    return sum((bucket.inputs.usage.units for bucket in buckets), Decimal(0))


@given(events=EVENTS)
def test_the_units_of_groups_sum_to_the_whole(events: Any) -> None:
    usage = used(events)
    assert units(priced(usage, {"amount": "1", "pricing_group_keys": ["k"]})) == units(priced(usage, {"amount": "1"}))


@given(events=EVENTS, taken=st.sets(st.sampled_from(["a", "b", "c"])))
def test_filters_and_the_default_bucket_partition_the_events(events: Any, taken: set[str]) -> None:
    usage = used(events)
    filters = tuple(
        ChargeFilter(id=UUID(int=number), values={"k": (value,)}, properties={"amount": "2"}, created_at=FIRST)
        for number, value in enumerate(sorted(taken), 1)
    )
    assert units(priced(usage, {"amount": "1"}, filters=filters)) == units(priced(usage, {"amount": "1"}))


@given(events=EVENTS, cut=SECONDS)
def test_a_period_split_in_two_sums_to_the_whole(events: Any, cut: int) -> None:
    usage = used(events)
    middle = FIRST + timedelta(seconds=cut)
    before = priced(usage, {"amount": "1"}, to_at=middle)
    after = priced(usage, {"amount": "1"}, from_at=middle + timedelta(milliseconds=1))
    assert units(before) + units(after) == units(priced(usage, {"amount": "1"}))


@given(events=EVENTS, shuffled=st.randoms())
def test_the_order_of_arrival_changes_nothing(events: Any, shuffled: Any) -> None:
    other = shuffled.sample(events, len(events))
    one, two = (priced(used(arrived), {"graduated_ranges": RANGES}, model="graduated") for arrived in (events, other))
    assert [bucket.fee for bucket in one] == [bucket.fee for bucket in two]


@given(
    events=EVENTS,
    terms=st.sampled_from(
        [
            ("standard", {"amount": "0.123"}),
            ("graduated", {"graduated_ranges": RANGES}),
            ("volume", {"volume_ranges": RANGES}),
            ("package", {"amount": "3", "package_size": 7, "free_units": 2}),
            ("percentage", {"rate": "1.5", "fixed_amount": "0.1", "free_units_per_total_aggregation": "5"}),
        ]
    ),
)
def test_a_replay_from_what_was_stored_is_the_fee(events: Any, terms: tuple[Any, dict[str, Any]]) -> None:
    model, properties = terms
    for bucket in priced(used(events), properties, model=model):
        stored = msgspec.json.decode(msgspec.json.encode(bucket.inputs), type=UsageInputs)
        assert stored == bucket.inputs
        assert price_inputs(stored, "EUR")[0] == bucket.fee


@given(count=st.integers(0, 60))
def test_graduated_is_the_integral_of_its_tiers_and_volume_that_of_one(count: int) -> None:
    def tier(unit: int) -> dict[str, Any]:
        return next(one for one in RANGES if one["to_value"] is None or unit <= int(str(one["to_value"])))

    entered = [one for one in RANGES if one["from_value"] == 0 or count >= int(str(one["from_value"]))]
    flat = sum((Decimal(str(one["flat_amount"])) for one in entered), Decimal(0))
    integral = sum((Decimal(tier(unit)["per_unit_amount"]) for unit in range(1, count + 1)), flat)
    assert price("graduated", {"graduated_ranges": RANGES}, PricedUsage(units=Decimal(count))).amount == integral
    whole = count * Decimal(tier(count)["per_unit_amount"]) + Decimal(tier(count)["flat_amount"])
    assert price("volume", {"volume_ranges": RANGES}, PricedUsage(units=Decimal(count))).amount == whole
