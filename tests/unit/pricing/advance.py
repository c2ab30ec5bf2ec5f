"""Fees in advance of plain lists of events, each priced on what the events before it aggregate to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from domain.kernel.decimals import exact
from domain.kernel.money import major_units
from domain.metering.aggregations import count, unique_count
from domain.metering.aggregations import sum as total
from domain.metering.high_water import fold
from domain.metering.ports import Metric, Usage
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.usage_event import UsageEvent, in_order, numbers
from domain.pricing.charge_models import percentage
from domain.pricing.fee import PricedFee, settle
from domain.pricing.pay_in_advance import UsageBefore, price_event
from domain.pricing.price import PricedUsage
from domain.pricing.registry import ChargeModel, price

JUNE = datetime(2024, 6, 1, tzinfo=UTC)
JULY = datetime(2024, 7, 1, tzinfo=UTC)
JUNE_DAYS = ProratedPeriod(
    from_at=JUNE, to_at=JULY - timedelta(microseconds=1), days=30, duration_days=30, timezone="UTC"
)
JULY_DAYS = ProratedPeriod(
    from_at=JULY, to_at=datetime(2024, 7, 31, 23, 59, 59, 999999, UTC), days=31, duration_days=31, timezone="UTC"
)

COUNT = Metric(code="c", aggregation_type="count_agg")
SUM = Metric(code="c", aggregation_type="sum_agg", field_name="v")
UNIQUE = Metric(code="c", aggregation_type="unique_count_agg", field_name="v")
RECURRING_SUM = Metric(code="c", aggregation_type="sum_agg", field_name="v", recurring=True)
RECURRING_UNIQUE = Metric(code="c", aggregation_type="unique_count_agg", field_name="v", recurring=True)


def event(
    place: int, properties: Mapping[str, Any], *, at: datetime | None = None, amount_cents: str | None = None
) -> UsageEvent:
    """The `place`-th to arrive; one an hour from June on, or `at`."""
    return UsageEvent(
        transaction_id=f"t{place}",
        code="c",
        external_subscription_id="s",
        timestamp=JUNE + timedelta(hours=place) if at is None else at,
        sequence=place,
        properties=properties,
        precise_total_amount_cents=None if amount_cents is None else Decimal(amount_cents),
    )


def sums(values: str) -> list[UsageEvent]:
    """Events with these values, separated by spaces."""
    return [event(place, {"v": value}) for place, value in enumerate(values.split())]


def moves(values: str) -> list[UsageEvent]:
    """Events that add values, or remove those with a minus before."""
    return [event(place, move(value)) for place, value in enumerate(values.split())]


def move(value: str) -> dict[str, Any]:
    return {"v": value.removeprefix("-")} | ({"operation_type": "remove"} if value.startswith("-") else {})


def usage_before(
    events: Sequence[UsageEvent],
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    metric: Metric,
    *,
    from_at: datetime = JUNE,
    prorated: ProratedPeriod | None = None,
    currency: str = "EUR",
) -> UsageBefore:
    """What stands after `events`, of the whole history."""
    counted = [one for one in in_order(events) if metric.recurring or one.timestamp >= from_at]
    present = set[str]()
    if metric.aggregation_type == "unique_count_agg":
        for operation in unique_count.operations(counted, "v"):
            (present.add if operation.adds else present.discard)(operation.value)
    return UsageBefore(
        usage=aggregated(counted, charge_model, properties, metric, currency),
        peak=fold(events, metric, from_at=from_at, prorated=prorated),
        present=present,
    )


@exact()
def aggregated(
    events: Sequence[UsageEvent],
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    metric: Metric,
    currency: str = "EUR",
) -> PricedUsage:
    """Usage as in arrears."""
    if metric.aggregation_type != "sum_agg":
        usage: Usage = count.aggregate(events) if metric == COUNT else unique_count.aggregate(events, "v")
        return PricedUsage(
            units=usage.units,
            events_count=usage.events_count,
            running_totals=count.running_totals(usage.units),
            values=(Decimal(1),) * int(usage.units),
        )
    read = numbers(events, "v")
    totals: Sequence[Decimal] = ()
    values = [value for _, value in read]
    if charge_model == "percentage":
        terms = percentage.parse(properties)
        totals = total.running_totals(values, free_events=terms.free_events, free_units=terms.free_units)
    amount = sum((one.precise_total_amount_cents or Decimal(0) for one, _ in read), Decimal(0))
    return PricedUsage(
        units=sum(values, Decimal(0)),
        events_count=len(values),
        running_totals=totals,
        values=values,
        precise_total_amount=major_units(amount, currency),
    )


def fees(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    metric: Metric,
    events: Sequence[UsageEvent],
    *,
    from_at: datetime = JUNE,
    prorated: ProratedPeriod | None = None,
    currency: str = "EUR",
) -> list[PricedFee | None]:
    """The fee of each event since `from_at`, in order."""
    ordered = in_order(events)
    return [
        price_event(
            charge_model,
            properties,
            metric,
            one,
            usage_before(
                ordered[:place],
                charge_model,
                properties,
                metric,
                from_at=from_at,
                prorated=prorated,
                currency=currency,
            ),
            currency=currency,
            prorated=prorated,
        )
        for place, one in enumerate(ordered)
        if one.timestamp >= from_at
    ]


def in_arrears(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    metric: Metric,
    events: Sequence[UsageEvent],
    currency: str = "EUR",
) -> PricedFee:
    """The one fee of all events."""
    usage = aggregated(events, charge_model, properties, metric, currency)
    return settle(price(charge_model, properties, usage), usage.units, usage.events_count, currency)
