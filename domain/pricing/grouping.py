"""Grouping keys, which the properties of every charge model may have.

Source: metering-pricing R2, R6, M6.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from copy import deepcopy
from typing import Any

MAX_PRESENTATION_KEYS = 2
KEYS = frozenset({"pricing_group_keys", "presentation_group_keys"})
_DEPRECATED = "grouped_by"
"""The name that `pricing_group_keys` had."""


def known(properties: Mapping[str, Any], keys: Set[str]) -> dict[str, Any]:
    """A copy of the properties with `keys` and the grouping keys only, the latter by their current name."""
    kept = {key: deepcopy(value) for key, value in properties.items() if key in keys or key in KEYS}
    if properties.get(_DEPRECATED) and "pricing_group_keys" not in kept:
        kept["pricing_group_keys"] = deepcopy(properties[_DEPRECATED])
    return kept


def validate(properties: Mapping[str, Any]) -> list[str]:
    """Codes of what is wrong with the grouping keys; None stands for no keys."""
    codes = []
    pricing = properties.get("pricing_group_keys")
    if pricing is not None and not (isinstance(pricing, list | tuple) and all(map(_is_name, pricing))):
        codes.append("invalid_type")
    presentation = properties.get("presentation_group_keys")
    if presentation is not None:
        codes += _validate_presentation(presentation)
    return codes


def _validate_presentation(keys: object) -> list[str]:
    if not isinstance(keys, list | tuple) or not all(map(_is_presentation_key, keys)):
        return ["invalid_type"]
    codes = ["too_many_keys"] if len(keys) > MAX_PRESENTATION_KEYS else []
    if len({key["value"] for key in keys}) < len(keys):
        codes.append("value_is_duplicated")
    return codes


def _is_presentation_key(key: object) -> bool:
    return isinstance(key, Mapping) and _is_name(key.get("value")) and _are_options(key.get("options"))


def _are_options(options: object) -> bool:
    return options is None or (
        isinstance(options, Mapping) and isinstance(options.get("display_in_invoice"), bool | None)
    )


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def presentation_keys(properties: Mapping[str, Any], *, in_invoice: bool = False) -> tuple[str, ...]:
    """The properties that usage is broken down by for show; `in_invoice` those alone that invoices show."""
    keys = properties.get("presentation_group_keys") or ()
    return tuple(
        key["value"] for key in keys if not in_invoice or (key.get("options") or {}).get("display_in_invoice") is True
    )
