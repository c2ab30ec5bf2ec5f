"""What a body may say of a billable metric.

Source: metering-pricing A1, 22; api-surface 3.11.
"""

from __future__ import annotations

from typing import get_args

from api.fields import Fields
from domain.catalog.billable_metric import BillableMetricDetails, MetricFilter, RoundingFunction
from domain.kernel.errors import ForbiddenError
from domain.metering.expression import MAX_LENGTH, InvalidExpressionError, parse
from domain.metering.ports import WITHOUT_FIELD, AggregationType, CustomAggregator

LONGEST_DESCRIPTION = 10_000
_RECURRING = ("sum_agg", "unique_count_agg", "weighted_sum_agg", "custom_agg")
_MOST_DIGITS = 15

_CHANGEABLE = ("name", "description", "filters")
"""What still changes of a metric that plans charge for; the rest of a body is left aside without a word (A2)."""


def read_details(
    fields: Fields, before: BillableMetricDetails | None = None, *, may_be_custom: bool, charged: bool = False
) -> BillableMetricDetails:
    """The details in the body; what it leaves out is as it was `before`.

    Args:
        may_be_custom: whether the organization was opted in to `custom_agg` (A20).
        charged: whether plans charge for the metric.

    Raises:
        InvalidInputError: a value is refused.
        ForbiddenError: `custom_agg` without that.
    """
    if charged:
        fields = Fields({key: value for key, value in fields.values.items() if key in _CHANGEABLE}, fields.errors)
    old = before or BillableMetricDetails(name="", code="", aggregation_type="count_agg")
    aggregation = fields.choice(
        "aggregation_type", get_args(AggregationType), before.aggregation_type if before else None
    )
    fields.required("aggregation_type", aggregation)
    if aggregation == "custom_agg" and not may_be_custom:
        raise ForbiddenError("feature_unavailable")
    field_name = fields.text("field_name", old.field_name)
    if aggregation is not None and aggregation not in WITHOUT_FIELD:
        fields.required("field_name", field_name)
    recurring = bool(fields.boolean("recurring", old.recurring))
    if recurring and aggregation not in (None, *_RECURRING):
        fields.refuse("recurring", "not_compatible_with_aggregation_type")
    interval = fields.choice("weighted_interval", ("seconds",), old.weighted_interval)
    if aggregation == "weighted_sum_agg" and interval is None:
        fields.refuse("weighted_interval", "value_is_invalid")
    details = BillableMetricDetails(
        name=fields.mandatory_text("name", old.name),
        code=fields.mandatory_text("code", old.code),
        aggregation_type=aggregation or "count_agg",
        description=fields.text("description", old.description, longest=LONGEST_DESCRIPTION),
        field_name=None if aggregation == "count_agg" else field_name,  # a count looks at no property (G5)
        recurring=recurring,
        weighted_interval=interval,
        rounding_function=fields.choice("rounding_function", get_args(RoundingFunction), old.rounding_function),
        rounding_precision=fields.integer(
            "rounding_precision", old.rounding_precision, least=-_MOST_DIGITS, most=_MOST_DIGITS
        ),
        expression=_read_expression(fields, old.expression),
        custom_aggregator=_read_custom_aggregator(fields, aggregation, old.custom_aggregator),
        filters=_read_filters(fields, old.filters),
    )
    fields.check()
    return details


def _read_expression(fields: Fields, before: str | None) -> str | None:
    expression = fields.text("expression", before, longest=MAX_LENGTH)
    if expression:
        try:
            parse(expression)
        except InvalidExpressionError:
            fields.refuse("expression", "invalid_expression")
    return expression or None


def _read_custom_aggregator(
    fields: Fields, aggregation: AggregationType | None, before: CustomAggregator | None
) -> CustomAggregator | None:
    """The expressions of `custom_agg`, which needs them; no other aggregation takes any."""
    given = fields.object("custom_aggregator")
    if aggregation != "custom_agg":
        if given is not None:
            fields.refuse("custom_aggregator", "not_compatible_with_aggregation_type")
        return None
    if given is None:
        aggregator = None if "custom_aggregator" in fields else before
        fields.required("custom_aggregator", aggregator)
        return aggregator
    return CustomAggregator(
        total_units=_read_fold(given, "total_units", None if before is None else before.total_units),
        amount=_read_fold(given, "amount", None if before is None else before.amount),
    )


def _read_fold(fields: Fields, name: str, before: str | None) -> str:
    source = fields.mandatory_text(name, before, longest=MAX_LENGTH)
    if name not in fields.errors:
        try:
            parse(source, of_fold=True)
        except InvalidExpressionError:
            fields.refuse(name, "invalid_expression")
    return source


def _read_filters(fields: Fields, before: tuple[MetricFilter, ...]) -> tuple[MetricFilter, ...]:
    """The list in the body, whole. Equal values count once; a key that is named again adds its values."""
    entries = fields.objects("filters")
    if entries is None:
        return before
    values: dict[str, dict[str, None]] = {}
    for entry in entries:
        key = entry.mandatory_text("key")
        named = entry.texts("values")
        if not named or "" in named:
            entry.refuse("values", "value_is_mandatory")
        values.setdefault(key, {}).update(dict.fromkeys(named))
    return tuple(MetricFilter(key=key, values=tuple(named)) for key, named in values.items())
