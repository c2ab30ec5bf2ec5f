"""The fee of one event that is paid in advance, from what stood before it.

`in_advance` takes the difference of two costs; here is which two: usage with the event, and the same usage without
the units that it owes for. Those are the ones above the period's peak (`high_water`), so units that went and came back
are neither given back nor paid twice.

Source: metering-pricing 13 (V4 to V10), 12 (examples in advance).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Any

from domain.kernel.decimals import exact
from domain.kernel.money import major_units
from domain.metering.aggregations import count, custom
from domain.metering.aggregations import sum as total
from domain.metering.current_peak import current_units
from domain.metering.high_water import Rise, change_of, rise
from domain.metering.peak import Peak
from domain.metering.ports import Metric
from domain.metering.prorated_period import ProratedPeriod
from domain.metering.usage_event import UsageEvent
from domain.pricing import in_advance
from domain.pricing.charge_models import custom as custom_model
from domain.pricing.charge_models import percentage
from domain.pricing.charge_models.percentage import Percentage
from domain.pricing.fee import PricedFee
from domain.pricing.price import PricedUsage
from domain.pricing.registry import ChargeModel

NOTHING = PricedUsage(units=Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBefore:
    """What stands before an event in its period, bucket and group: of all events before it in time and arrival.

    Attributes:
        usage: aggregated as in arrears, never prorated nor rounded by the metric (R1), with what a recurring metric
            carries over. Of a sum under a percentage with free allowances it has the `running_totals`; with bounds per
            transaction as many first `values` as use the allowances up (what comes after cancels out). A count or
            unique count needs the units only, a custom aggregation its whole state: units and `precise_total_amount`.
        peak: of the period.
        present: unique count: holds the event's value if it is there already.
    """

    usage: PricedUsage = NOTHING
    peak: Peak = field(default_factory=Peak)
    present: Set[str] = frozenset()


@exact()
def price_event(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    metric: Metric,
    event: UsageEvent,
    before: UsageBefore,
    *,
    currency: str,
    prorated: ProratedPeriod | None = None,
) -> PricedFee | None:
    """The fee of `event`, rounded on its own; None where the event counts for nothing (V1, Q14).

    Args:
        charge_model: any that can be paid in advance: not volume.
        prorated: the period's days where the charge is prorated (standard only), else None.
    """
    if charge_model == "custom":
        return _custom(properties, metric, event, before.usage, currency)
    change = change_of(event, metric, before.present)
    if change is None:
        return None
    step = rise(before.peak, change, at=event.timestamp, prorated=prorated)
    without, with_event = _usages(charge_model, properties, metric, event, before.usage, step, currency)
    return in_advance.price_event(
        charge_model, properties, before=without, after=with_event, units=_shown(step), currency=currency
    )


def _custom(
    properties: Mapping[str, Any], metric: Metric, event: UsageEvent, before: PricedUsage, currency: str
) -> PricedFee | None:
    """The state with the event less the state without it. It has no peak: what an event takes away is not given back,
    and what the next one adds is owed."""
    fold = custom.Fold(metric, custom_model.parse(properties))
    without = custom.State(total_units=before.units, amount=before.precise_total_amount)
    state = fold.after(without, at=event.timestamp, properties=event.properties)
    if state is None:
        return None
    after = replace(before, units=state.total_units, precise_total_amount=state.amount)
    units = max(after.units - before.units, Decimal(0))
    return in_advance.price_event("custom", properties, before=before, after=after, units=units, currency=currency)


def _shown(step: Rise) -> Decimal:
    """Units of the fee: those owed for, before proration; below the peak those of the event (V7)."""
    return step.delta or max(step.change, Decimal(0))


def _usages(
    charge_model: ChargeModel,
    properties: Mapping[str, Any],
    metric: Metric,
    event: UsageEvent,
    before: PricedUsage,
    step: Rise,
    currency: str,
) -> tuple[PricedUsage, PricedUsage]:
    """Usage without what the event owes for, and with it."""
    if charge_model == "standard":  # every unit alike, so the event's are all that matter, prorated or not
        return NOTHING, PricedUsage(units=step.prorated_delta)
    assert charge_model != "volume"
    assert step.prorated_delta == step.delta, "only standard prices are prorated in advance"
    units = before.units + step.change
    terms = percentage.parse(properties) if charge_model == "percentage" else None
    if metric.aggregation_type != "sum_agg":
        return _counted(units - step.delta, 0, terms), _counted(units - step.delta, int(step.delta), terms)
    if charge_model == "dynamic":  # an amount of its own is owed below the peak too, as current usage has it (V13)
        units = current_units(units, step.peak).billed
    own_amount = major_units(event.precise_total_amount_cents or 0, currency)
    with_event = replace(
        before,
        units=units,
        events_count=before.events_count + 1,
        running_totals=() if terms is None else _with(before.running_totals, step.change, terms),
        values=(*before.values, step.change),
        precise_total_amount=before.precise_total_amount + own_amount,
    )
    return replace(before, units=units - step.delta), with_event


def _counted(units: Decimal, more: int, terms: Percentage | None) -> PricedUsage:
    """Usage of a count or unique count, whose events count one unit each (A4, A13): `units` and then some `more`."""
    free = 0 if terms is None else max(terms.free_events, int(terms.free_units.to_integral_value(ROUND_CEILING)))
    ones = min(int(units), free) + more  # past the free ones all cost the same, with the event and without
    return PricedUsage(
        units=units + more,
        events_count=int(units) + more,
        running_totals=count.running_totals(units + more),
        values=(Decimal(1),) * ones,
    )


def _with(running_totals: Sequence[Decimal] | range, change: Decimal, terms: Percentage) -> tuple[Decimal, ...]:
    """The running totals with one more event; the same where the free allowances ended with an earlier one."""
    values = [later - earlier for earlier, later in pairwise((Decimal(0), *running_totals))]
    return total.running_totals([*values, change], free_events=terms.free_events, free_units=terms.free_units)
