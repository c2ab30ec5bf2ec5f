"""Errors as they go over the wire: the one place that knows both the domain's errors and HTTP.

Source: api-surface 3.2.
"""

from __future__ import annotations

from typing import Any

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

STATUSES: dict[type[BillingError], tuple[int, str]] = {
    NotFoundError: (404, "Not Found"),
    NotAllowedError: (405, "Method Not Allowed"),
    ForbiddenError: (403, "Forbidden"),
    InvalidInputError: (422, "Unprocessable Entity"),
    ConflictError: (422, "Unprocessable Entity"),
    DuplicateError: (422, "Unprocessable Entity"),
    UnavailableError: (503, "Service Unavailable"),
}
"""Looked up along the MRO of the error."""


class RequestError(Exception):
    """A request that no command is made of; the body of the answer has no code."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status, self.error = status, error


def bad_request() -> RequestError:
    """The body is not JSON."""
    return RequestError(400, "Bad Request")


def missing_parameter(wrapper: str) -> RequestError:
    """The key that wraps what a body is about is missing, empty or of another shape."""
    return RequestError(400, f"BadRequest: param is missing or the value is empty or invalid: {wrapper}")


def unauthorized() -> RequestError:
    return RequestError(401, "Unauthorized")


def too_large() -> RequestError:
    return RequestError(413, "Content Too Large")


def present_error(error: Exception) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a request that ended in `error`."""
    if isinstance(error, RequestError):
        return error.status, {"status": error.status, "error": error.error}
    for kind in type(error).__mro__:
        if kind in STATUSES and isinstance(error, BillingError):
            status, reason = STATUSES[kind]
            return status, {"status": status, "error": reason, **_details(error)}
    return 500, {"status": 500, "error": "Internal Server Error"}


def _details(error: BillingError) -> dict[str, Any]:
    match error:
        case UnavailableError():
            return {}
        case InvalidInputError():
            return {"code": error.code, "error_details": error.details}
        case DuplicateError():
            return {"code": "validation_errors", "error_details": {"base": [error.code]}}
        case _:
            return {"code": error.code}
