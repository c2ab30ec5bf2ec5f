"""Errors of the domain as failures of an activity: which of them a retry can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from domain.kernel.errors import BillingError, NotFoundError

FINAL = (NotFoundError,)
"""What was asked for does not exist, and the ledger forgets nothing, so it never did. All else may pass (a store comes
back, a corrected program is deployed) and is tried again: work that money depends on is not given up."""


@contextmanager
def reported() -> Iterator[None]:
    """Raise the domain's errors in Temporal's form; the type is the class, as seen in Temporal's web interface."""
    try:
        yield
    except BillingError as error:
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=isinstance(error, FINAL)) from error
