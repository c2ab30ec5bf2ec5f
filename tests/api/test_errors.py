"""The table of errors. Source: api-surface 3.2."""

from __future__ import annotations

from typing import Any

import pytest

from api.errors import (
    bad_request,
    missing_parameter,
    present_error,
    too_large,
    unauthorized,
)
from domain.kernel.errors import (
    BillingError,
    ConflictError,
    DuplicateError,
    ForbiddenError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)


class NarrowError(NotAllowedError):
    """One that the table does not name itself."""


INVALID = {"status": 422, "error": "Unprocessable Entity", "code": "validation_errors"}


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (bad_request(), {"status": 400, "error": "Bad Request"}),
        (
            missing_parameter("plan"),
            {"status": 400, "error": "BadRequest: param is missing or the value is empty or invalid: plan"},
        ),
        (unauthorized(), {"status": 401, "error": "Unauthorized"}),
        (
            ForbiddenError("feature_unavailable"),
            {"status": 403, "error": "Forbidden", "code": "feature_unavailable"},
        ),
        (NotFoundError("plan"), {"status": 404, "error": "Not Found", "code": "plan_not_found"}),
        (
            NotAllowedError("not_voidable"),
            {"status": 405, "error": "Method Not Allowed", "code": "not_voidable"},
        ),
        (NarrowError("x"), {"status": 405, "error": "Method Not Allowed", "code": "x"}),
        (too_large(), {"status": 413, "error": "Content Too Large"}),
        (
            InvalidInputError({"0": {"code": ["value_is_mandatory"]}}),
            {**INVALID, "error_details": {"0": {"code": ["value_is_mandatory"]}}},
        ),
        (DuplicateError("plans_code"), {**INVALID, "error_details": {"base": ["value_already_exist"]}}),
        (ConflictError(), {"status": 422, "error": "Unprocessable Entity", "code": "lock_acquisition_failed"}),
        (UnavailableError("postgres"), {"status": 503, "error": "Service Unavailable"}),
        (BillingError("unheard_of"), {"status": 500, "error": "Internal Server Error"}),
        (ValueError("secret"), {"status": 500, "error": "Internal Server Error"}),
    ],
    ids=repr,
)
def test_present_error(error: Exception, body: dict[str, Any]) -> None:
    assert present_error(error) == (body["status"], body)
