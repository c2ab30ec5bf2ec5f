"""What of a subscription's usage is asked for: some charges, some groups, some presentation keys.

Source: metering-pricing Y1; api-surface "Customers".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import msgspec

from api.call import Call
from domain.catalog.charge import Charge
from domain.catalog.plan import PlanDetails
from domain.invoicing.current_usage import CURRENT
from domain.invoicing.usage_fees import UsageOptions
from domain.kernel.errors import InvalidInputError, NotAllowedError, NotFoundError
from domain.metering.ports import Values
from domain.metering.usage_event import text

_JSON = msgspec.json.Decoder(float_hook=str)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The arguments of `current_usage`; `charge` and `metric_code` name charges, and the first one that is there wins.

    Attributes:
        charge: name of an attribute of charges (`id` or `code`) and its value.
    """

    charge: tuple[str, str] | None
    metric_code: str | None
    options: UsageOptions
    full_usage: bool

    def charges(self, plan: PlanDetails, metric_id: UUID | None) -> list[Charge]:
        """Those of the plan that are asked for.

        Args:
            metric_id: of the metric with the code; None where there is none.

        Raises:
            NotFoundError: `charge_not_found`, it has none such.
            NotAllowedError: `full_usage_not_allowed`.
        """
        asked = list(plan.charges)
        if self.charge is not None:
            name, value = self.charge
            asked = [charge for charge in asked if str(getattr(charge, name)) == value]
        elif self.metric_code is not None:
            asked = [charge for charge in asked if charge.billable_metric_id == metric_id]
        is_narrowed = self.charge is not None or self.metric_code is not None
        if is_narrowed and not asked:
            raise NotFoundError("charge")
        if self.full_usage and (not (is_narrowed or self.options.within) or any(charge.prorated for charge in asked)):
            raise NotAllowedError("full_usage_not_allowed")
        return asked


def narrowing(call: Call) -> Narrowing:
    """Raises InvalidInputError for a group or a list of keys that cannot be read."""
    charge = None
    for name in ("id", "code"):
        value = call.text(f"filter_by_charge_{name}") or call.text(f"charge_{name}")
        if value is not None and charge is None:
            charge = (name, value.lower() if name == "id" else value)
    return Narrowing(
        charge=charge,
        metric_code=call.text("filter_by_metric_code") or call.text("billable_metric_code"),
        options=replace(
            CURRENT,
            within=_within(call),
            skip_grouping=bool(call.boolean("skip_grouping")),
            presentation=_presentation(call),
        ),
        full_usage=bool(call.boolean("full_usage")),
    )


def _within(call: Call) -> Values:
    """`filter_by_group[key]=value`, `[key][]=value`, or an object of JSON."""
    name = "filter_by_group" if call.parameters.get("filter_by_group") else "group"
    given = _structure(call, name)
    if given is None:
        return ()
    wanted = {key: value if isinstance(value, list) else [value] for key, value in _items(given)}
    if not wanted or not all(isinstance(one, str | int) for values in wanted.values() for one in values):
        raise InvalidInputError({name: ["value_is_invalid"]})
    return tuple(sorted((key, tuple(sorted({text(one) or "" for one in values}))) for key, values in wanted.items()))


def _items(given: object) -> list[tuple[str, Any]]:
    return list(given.items()) if isinstance(given, dict) else []


def _presentation(call: Call) -> frozenset[str] | None:
    """`filter_by_presentation[]=key`, or a list of JSON."""
    given = _structure(call, "filter_by_presentation")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(key, str) for key in given):
        raise InvalidInputError({"filter_by_presentation": ["value_is_invalid"]})
    return frozenset(given)


def _structure(call: Call, name: str) -> object:
    """A parameter with brackets, or JSON in one text; None where it is absent or blank."""
    value = call.parameters.get(name)
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return _JSON.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise InvalidInputError({name: ["value_is_invalid"]}) from None
