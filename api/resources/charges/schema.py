"""What a body may say of charges and of their filters.

Source: metering-pricing 11 (F1, F2), 12 (M1-M7), R6, X1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from api.fields import Fields
from api.resources.charges.known import Known
from api.resources.plans import unavailable
from api.resources.plans.parts import read_code, read_parts
from api.resources.taxes.named import read_tax_ids
from domain.catalog.billable_metric import BillableMetricDetails
from domain.catalog.charge import AppliedPricingUnit, Charge, ChargeFilter, charge_code
from domain.kernel import ids
from domain.kernel.decimals import wire
from domain.kernel.errors import ForbiddenError, NotFoundError
from domain.metering.matching import ALL_FILTER_VALUES
from domain.pricing.charge_models import custom
from domain.pricing.compatibility import check
from domain.pricing.registry import ChargeModel, validate, with_defaults

_FROZEN = ("charge_model", "code", "pay_in_advance", "prorated", "invoiceable", "min_amount_cents")
"""What no longer changes of a charge once its plan has, or had, a subscription (M7)."""

_OVERRIDABLE = (
    "invoice_display_name",
    "min_amount_cents",
    "properties",
    "filters",
    "applied_pricing_unit",
    "tax_codes",
)
"""What one subscription may have of its own; of a pricing unit the rate (X1)."""

_LEAST_RATE, _LARGEST_RATE = Decimal("1e-15"), Decimal("1e15")


def read_charges(
    fields: Fields, before: Sequence[Charge], known: Known, *, subscribed: bool, at: datetime
) -> tuple[Charge, ...]:
    """The list in the body, see `read_parts`.

    Args:
        known: with the metrics of all charges, those of before too.
        subscribed: whether the plan has, or had, a subscription.

    Raises:
        NotFoundError: a metric that does not exist.
        ConflictError: the plan has moved on since its metrics were read.
    """

    def read(entry: Fields, old: Charge | None, taken: set[str]) -> Charge:
        if old is None:
            return read_new_charge(entry, ids.new(), known, taken, at=at)
        return read_charge(entry, old, known, subscribed=subscribed, at=at)

    return read_parts(fields, "charges", before, read)


def read_new_charge(fields: Fields, charge_id: UUID, known: Known, taken: Iterable[str], *, at: datetime) -> Charge:
    """A charge that begins; one without a code gets one that is not `taken`.

    Raises:
        NotFoundError: `billable_metrics_not_found`.
    """
    metric_id = fields.uuid("billable_metric_id")
    if metric_id is None or metric_id not in known.metrics:
        raise NotFoundError("billable_metrics")
    metric = known.metrics[metric_id]
    begun = Charge(
        id=charge_id,
        code=read_code(fields) or charge_code(metric.code, taken),
        billable_metric_id=metric_id,
        charge_model="standard",
        properties={},
        created_at=at,
    )
    model = fields.choice("charge_model", get_args(ChargeModel))
    fields.required("charge_model", model)
    return _read(fields, begun, metric, known, model, subscribed=False, at=at)


def read_charge(fields: Fields, old: Charge, known: Known, *, subscribed: bool, at: datetime) -> Charge:
    """A charge with what the body changes of it.

    Raises:
        ConflictError: the plan has moved on since its metrics were read.
    """
    metric = known.metric(old)
    if subscribed:
        fields = Fields({key: value for key, value in fields.values.items() if key not in _FROZEN}, fields.errors)
    model = fields.choice("charge_model", get_args(ChargeModel), old.charge_model)
    fields.required("charge_model", model)
    return _read(
        fields, replace(old, code=read_code(fields) or old.code), metric, known, model, subscribed=subscribed, at=at
    )


def read_override(fields: Fields, old: Charge, known: Known, *, at: datetime) -> Charge:
    """A charge with what one subscription shall have of its own.

    Raises:
        ForbiddenError: `cannot_override_charge_model`.
        ConflictError: as `read_charge`.
    """
    if fields.values.get("charge_model") not in (None, old.charge_model):
        raise ForbiddenError("cannot_override_charge_model")
    own = Fields({key: value for key, value in fields.values.items() if key in _OVERRIDABLE}, fields.errors)
    return _read(own, old, known.metric(old), known, old.charge_model, subscribed=True, at=at)


def read_filter(
    fields: Fields, old: ChargeFilter | None, charge: Charge, metric: BillableMetricDetails, *, at: datetime
) -> ChargeFilter:
    """A filter with what the body says of it; `old` is None for one that begins, which has a random id."""
    values = old.values if old is not None and "values" not in fields else _read_values(fields, metric)
    properties = _read_properties(fields, charge.charge_model, metric, old.properties if old else None)
    properties.pop("presentation_group_keys", None)  # only charges have them (R6)
    name = fields.text("invoice_display_name", old.invoice_display_name if old else None)
    begun = old or ChargeFilter(id=ids.new(), values=values, properties={}, created_at=at)
    return replace(begun, values=values, properties=properties, invoice_display_name=name)


def _read(
    fields: Fields,
    charge: Charge,
    metric: BillableMetricDetails,
    known: Known,
    model: ChargeModel | None,
    *,
    subscribed: bool,
    at: datetime,
) -> Charge:
    """`charge` with the body's values."""
    unavailable.refuse_of_charge(fields)
    invoiceable = fields.boolean("invoiceable", charge.invoiceable)
    read = replace(
        charge,
        charge_model=model or charge.charge_model,
        properties=_read_properties(fields, model, metric, charge.properties if model == charge.charge_model else None),
        invoice_display_name=fields.text("invoice_display_name", charge.invoice_display_name),
        pay_in_advance=bool(fields.boolean("pay_in_advance", charge.pay_in_advance)),
        invoiceable=True if invoiceable is None else invoiceable,
        prorated=bool(fields.boolean("prorated", charge.prorated)),
        min_amount_cents=fields.integer("min_amount_cents", charge.min_amount_cents) or 0,
        regroup_paid_fees=fields.choice("regroup_paid_fees", ("invoice",), charge.regroup_paid_fees),
        applied_pricing_unit=_read_pricing_unit(fields, charge.applied_pricing_unit, known, subscribed=subscribed),
        tax_ids=read_tax_ids(fields, known.taxes, charge.tax_ids),
    )
    read = replace(read, filters=_read_filters(fields, read, metric, model, at=at))
    wrong = check(
        charge_model=read.charge_model,
        aggregation_type=metric.aggregation_type,
        recurring=metric.recurring,
        pay_in_advance=read.pay_in_advance,
        prorated=read.prorated,
        invoiceable=read.invoiceable,
        min_amount_cents=read.min_amount_cents,
        regroup_paid_fees=read.regroup_paid_fees,
    )
    for name, codes in wrong.items():
        for code in codes:
            fields.refuse(name, code)
    return read


def _read_properties(
    fields: Fields, model: ChargeModel | None, metric: BillableMetricDetails, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Properties in wire form, checked and completed (M2, M3)."""
    given = fields.object("properties")
    if model is None:
        return {}
    properties = with_defaults(model, given.values if given is not None else before)
    _check(fields, model, metric, properties)
    return properties


def _check(fields: Fields, model: ChargeModel, metric: BillableMetricDetails, properties: Mapping[str, Any]) -> None:
    codes = validate(model, properties)
    if not codes and model == "custom" and metric.custom_aggregator is not None:
        codes += custom.validate_for(metric.custom_aggregator, properties)
    for code in codes:
        fields.refuse("properties", code)


def _read_pricing_unit(
    fields: Fields, before: AppliedPricingUnit | None, known: Known, *, subscribed: bool
) -> AppliedPricingUnit | None:
    """The unit that the prices are in, null for money (X1). Once subscribed, only its rate changes (M7)."""
    if "applied_pricing_unit" not in fields or (subscribed and before is None):
        return before
    given = fields.object("applied_pricing_unit")
    if given is None:
        return before if subscribed else None
    old_rate = None if before is None else Decimal(before.conversion_rate)
    rate = given.decimal("conversion_rate", old_rate, least=_LEAST_RATE, most=_LARGEST_RATE)
    given.required("conversion_rate", rate)
    code = given.text("code", None if before is None else before.code)
    given.required("code", code)
    if rate is None or code is None:
        return before
    if before is not None and (subscribed or code == before.code):
        return replace(before, conversion_rate=wire(rate))
    if code not in known.pricing_units:  # no text in the body, refused by now
        return before
    unit = known.pricing_units[code]
    return AppliedPricingUnit(
        pricing_unit_id=unit.id, code=code, short_name=unit.details.short_name, conversion_rate=wire(rate)
    )


def _read_filters(
    fields: Fields, charge: Charge, metric: BillableMetricDetails, model: ChargeModel | None, *, at: datetime
) -> tuple[ChargeFilter, ...]:
    """The list in the body, whole: filters are known by their keys and values (F2)."""
    entries = fields.objects("filters")
    if entries is None or model is None:
        kept = [  # another model takes other properties
            replace(filter_, properties=with_defaults(charge.charge_model, filter_.properties))
            for filter_ in charge.filters
        ]
        for filter_ in kept:
            _check(fields, charge.charge_model, metric, filter_.properties)
        return tuple(kept)
    left = [*charge.filters]
    after: list[ChargeFilter] = []
    for entry in entries:
        values = _read_values(entry, metric)
        old = next((one for one in left if one.has(values)), None)
        if old is not None:
            left.remove(old)
        after.append(read_filter(entry, old, charge, metric, at=ChargeFilter.made_at(at, [*charge.filters, *after])))
    return tuple(after)


def _read_values(fields: Fields, metric: BillableMetricDetails) -> dict[str, tuple[str, ...]]:
    """Key -> values, each declared by the metric, or alone the word for all of them (F1)."""
    given = fields.values.get("values")
    if not isinstance(given, dict) or not given:
        fields.refuse("values", "value_is_mandatory")
        return {}
    declared = {filter_.key: filter_.values for filter_ in metric.filters}
    values: dict[str, tuple[str, ...]] = {}
    for key, wanted in given.items():
        if not isinstance(wanted, list) or not wanted or not all(wanted):
            fields.refuse("values", "value_is_mandatory")
        elif (
            wanted != [ALL_FILTER_VALUES]
            and not all(isinstance(value, str) and value in declared.get(key, ()) for value in wanted)
        ) or key not in declared:
            fields.refuse("values", "value_is_invalid")
        else:
            values[key] = tuple(dict.fromkeys(wanted))
    return values
