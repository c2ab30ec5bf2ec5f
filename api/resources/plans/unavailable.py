"""What Lago's plans may hold and nothing bills here yet: it is refused, so that no price is stored that no invoice has.

A feature that is built takes its line out.
"""

from __future__ import annotations

from api.fields import Fields

CODE = "feature_unavailable"

_OF_PLANS = ("usage_thresholds",)
_OF_CHARGES = ("accepts_target_wallet",)

_NOTHING: tuple[object, ...] = (None, False, 0, "", "0", "false", [], {})
"""Values that ask for nothing."""


def refuse_of_plan(fields: Fields) -> None:
    _refuse(fields, _OF_PLANS)


def refuse_of_charge(fields: Fields) -> None:
    _refuse(fields, _OF_CHARGES)


def _refuse(fields: Fields, names: tuple[str, ...]) -> None:
    for name in names:
        if fields.values.get(name) not in _NOTHING:
            fields.refuse(name, CODE)
