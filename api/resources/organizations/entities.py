"""Billing entities: an organization has one, with the code `default`."""

from __future__ import annotations

from api.call import Call
from domain.kernel.errors import NotFoundError
from projections.presenters.organizations import BILLING_ENTITY_CODE


def check_entities(call: Call) -> None:
    """Let a list be narrowed to entities that there are.

    Raises:
        NotFoundError: `billing_entity_not_found` (api-surface 3.5).
    """
    if not set(call.texts("billing_entity_codes")) <= {BILLING_ENTITY_CODE}:
        raise NotFoundError("billing_entity")
