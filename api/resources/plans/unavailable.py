"""What Lago's plans may hold and nothing bills here yet: it is refused, so that no price is stored that no invoice has.

A feature that is built takes its line out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.fields import Fields

CODE = "feature_unavailable"

_OF_PLANS = ("fixed_charges", "minimum_commitment", "usage_thresholds")
_OF_CHARGES = (
    "accepts_target_wallet",
    "applied_pricing_unit",
    "min_amount_cents",
    "pay_in_advance",
    "prorated",
    "regroup_paid_fees",
)
_MODELS = ("custom", "dynamic")
_PROPERTIES = (  # of percentage: they need to know the events one by one
    "free_units_per_events",
    "free_units_per_total_aggregation",
    "per_transaction_max_amount",
    "per_transaction_min_amount",
)


_NOTHING: tuple[object, ...] = (None, False, 0, "", "0", "false", [], {})
"""Values that ask for nothing."""


def refuse_of_plan(fields: Fields) -> None:
    _refuse(fields, _OF_PLANS)


def refuse_of_charge(fields: Fields) -> None:
    _refuse(fields, _OF_CHARGES)
    if fields.values.get("invoiceable") is False:
        fields.refuse("invoiceable", CODE)
    if fields.values.get("charge_model") in _MODELS:
        fields.refuse("charge_model", CODE)


def refuse_of_properties(fields: Fields, properties: Mapping[str, Any]) -> None:
    if any(properties.get(name) is not None for name in _PROPERTIES):
        fields.refuse("properties", CODE)


def _refuse(fields: Fields, names: tuple[str, ...]) -> None:
    for name in names:
        if fields.values.get(name) not in _NOTHING:
            fields.refuse(name, CODE)
