"""Which charge model prices how: the one way into the charge models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, get_args

from domain.kernel.decimals import exact
from domain.metering.prorated_period import ProratedValue
from domain.pricing import grouping
from domain.pricing.charge_models import (
    custom,
    dynamic,
    graduated,
    graduated_percentage,
    package,
    percentage,
    standard,
    volume,
)
from domain.pricing.price import Price, PricedUsage

__all__ = [
    "CHARGE_MODELS",
    "ChargeModel",
    "Price",
    "PricedUsage",
    "ProratedValue",
    "price",
    "validate",
    "with_defaults",
]

ChargeModel = Literal[
    "standard", "graduated", "graduated_percentage", "package", "percentage", "volume", "dynamic", "custom"
]

CHARGE_MODELS: frozenset[str] = frozenset(get_args(ChargeModel))


class _Model(Protocol):
    """A module of `charge_models`."""

    DEFAULTS: Mapping[str, Any]
    KEYS: frozenset[str]

    def validate(self, properties: Mapping[str, Any]) -> list[str]: ...

    def parse(self, properties: Mapping[str, Any]) -> Any: ...

    def price(self, usage: PricedUsage, terms: Any, /) -> Price: ...


_MODELS: dict[ChargeModel, _Model] = {
    "standard": standard,
    "graduated": graduated,
    "graduated_percentage": graduated_percentage,
    "package": package,
    "percentage": percentage,
    "volume": volume,
    "dynamic": dynamic,
    "custom": custom,
}


@exact()
def price(charge_model: ChargeModel, properties: Mapping[str, Any], usage: PricedUsage) -> Price:
    """Amount owed for one usage, the same for ever for the same arguments.

    Args:
        properties: wire form, for which `validate` found nothing.
        usage: may be zero (flat amounts are owed all the same) or negative (`fee.settle` makes nothing of it).
    """
    model = _MODELS[charge_model]
    return model.price(usage, model.parse(properties))


def with_defaults(charge_model: ChargeModel, properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """The properties without what the model does not know; its defaults where there are none at all.

    Source: metering-pricing M2.
    """
    model = _MODELS[charge_model]
    return grouping.known(properties or model.DEFAULTS, model.KEYS)


def validate(charge_model: ChargeModel, properties: Mapping[str, Any]) -> list[str]:
    """Codes of what is wrong with the properties, each once; empty if nothing is.

    Source: metering-pricing M3, M6, 12.1 to 12.9, 22.
    """
    return list(dict.fromkeys([*_MODELS[charge_model].validate(properties), *grouping.validate(properties)]))
