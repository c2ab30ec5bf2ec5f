"""What a body may say of the charges of a plan.

Source: metering-pricing 11 (F1, F2), 12 (M1-M7), R6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from api.fields import Fields
from api.resources.plans import unavailable
from domain.catalog.billable_metric import BillableMetricDetails
from domain.catalog.charge import Charge, ChargeFilter, charge_code
from domain.kernel import ids
from domain.kernel.errors import ConflictError, NotFoundError
from domain.metering.matching import ALL_FILTER_VALUES
from domain.pricing.compatibility import check
from domain.pricing.registry import ChargeModel, validate, with_defaults

Metrics = Mapping[UUID, BillableMetricDetails]
"""The billable metrics that charges may be for, by id."""

_FROZEN = ("charge_model", "code", "pay_in_advance", "prorated", "invoiceable", "min_amount_cents")
"""What no longer changes of a charge once its plan has, or had, a subscription (M7)."""


def metric_ids(fields: Fields) -> set[UUID]:
    """The metrics that the charges of a body name.

    Raises:
        NotFoundError: `billable_metrics_not_found`, for what is no id.
    """
    found = {charge.uuid("billable_metric_id") for charge in fields.objects("charges") or []}
    if "billable_metric_id" in fields.errors:
        raise NotFoundError("billable_metrics")
    return {metric_id for metric_id in found if metric_id is not None}


def read_charges(
    fields: Fields, before: Sequence[Charge], metrics: Metrics, *, subscribed: bool, at: datetime
) -> tuple[Charge, ...]:
    """The list in the body, whole: charges are known by id, those that it does not name are gone.

    Args:
        metrics: of all charges, those of before too.
        subscribed: whether the plan has, or had, a subscription.

    Raises:
        NotFoundError: a metric that does not exist.
        ConflictError: the plan has moved on since its metrics were read.
    """
    entries = fields.objects("charges")
    if entries is None:
        return tuple(before)
    known = {charge.id: charge for charge in before}
    olds = [known.pop(id_, None) if (id_ := entry.uuid("id")) else None for entry in entries]
    codes = {entry.text("code") or (old.code if old else None) for entry, old in zip(entries, olds, strict=True)}
    taken = {code for code in codes if code}
    after: list[Charge] = []
    for entry, old in zip(entries, olds, strict=True):
        charge = _read_charge(entry, old, metrics, taken, subscribed=subscribed and old is not None, at=at)
        taken.add(charge.code)
        after.append(charge)
    if len({charge.code for charge in after}) < len(after):
        fields.refuse("code", "value_already_exist")
    return tuple(after)


def _read_charge(
    fields: Fields, old: Charge | None, metrics: Metrics, taken: Iterable[str], *, subscribed: bool, at: datetime
) -> Charge:
    if subscribed:
        fields = Fields({key: value for key, value in fields.values.items() if key not in _FROZEN}, fields.errors)
    unavailable.refuse_of_charge(fields)
    if any(fields.texts("tax_codes")):
        raise NotFoundError("tax")
    metric_id = old.billable_metric_id if old else fields.uuid("billable_metric_id")
    if metric_id not in metrics or metric_id is None:
        raise ConflictError if old else NotFoundError("billable_metrics")
    metric = metrics[metric_id]
    model = fields.choice("charge_model", get_args(ChargeModel), old.charge_model if old else None)
    fields.required("charge_model", model)
    given = fields.text("code", old.code if old else None)
    invoiceable = fields.boolean("invoiceable", old.invoiceable if old else True)
    charge = Charge(
        id=old.id if old else ids.new(),
        code=given or charge_code(metric.code, taken),
        billable_metric_id=metric_id,
        charge_model=model or "standard",
        properties=_read_properties(fields, model, old.properties if old else None),
        invoice_display_name=fields.text("invoice_display_name", old.invoice_display_name if old else None),
        pay_in_advance=bool(fields.boolean("pay_in_advance", old.pay_in_advance if old else False)),
        invoiceable=True if invoiceable is None else invoiceable,
        prorated=bool(fields.boolean("prorated", old.prorated if old else False)),
        min_amount_cents=fields.integer("min_amount_cents", old.min_amount_cents if old else 0) or 0,
        regroup_paid_fees=fields.choice("regroup_paid_fees", ("invoice",), old.regroup_paid_fees if old else None),
        filters=_read_filters(fields, old.filters if old else (), model, metric, at=at),
        created_at=old.created_at if old else at,
    )
    wrong = check(
        charge_model=charge.charge_model,
        aggregation_type=metric.aggregation_type,
        recurring=metric.recurring,
        pay_in_advance=charge.pay_in_advance,
        prorated=charge.prorated,
        invoiceable=charge.invoiceable,
        min_amount_cents=charge.min_amount_cents,
        regroup_paid_fees=charge.regroup_paid_fees,
    )
    for name, codes in wrong.items():
        for code in codes:
            fields.refuse(name, code)
    return charge


def _read_properties(fields: Fields, model: ChargeModel | None, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Properties in wire form, checked and completed (M2, M3)."""
    given = fields.object("properties")
    if model is None:
        return {}
    properties = with_defaults(model, given.values if given is not None else before)
    for code in validate(model, properties):
        fields.refuse("properties", code)
    return properties


def _read_filters(
    fields: Fields,
    before: Sequence[ChargeFilter],
    model: ChargeModel | None,
    metric: BillableMetricDetails,
    *,
    at: datetime,
) -> tuple[ChargeFilter, ...]:
    """The list in the body, whole: filters are known by their keys and values (F2)."""
    entries = fields.objects("filters")
    if entries is None:
        return tuple(before)
    known = [*before]
    after: list[ChargeFilter] = []
    for entry in entries:
        values = _read_values(entry, metric)
        old = next((one for one in known if _same(one.values, values)), None)
        if old is not None:
            known.remove(old)
        properties = _read_properties(entry, model, old.properties if old else None)
        properties.pop("presentation_group_keys", None)  # only charges have them (R6)
        name = entry.text("invoice_display_name", old.invoice_display_name if old else None)
        new = ChargeFilter(id=ids.new(), values=values, properties={}, created_at=at)
        after.append(replace(old or new, values=values, properties=properties, invoice_display_name=name))
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


def _same(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> bool:
    return {key: set(values) for key, values in one.items()} == {key: set(values) for key, values in other.items()}
