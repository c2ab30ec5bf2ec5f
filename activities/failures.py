"""Errors of the domain as failures of an activity: which of them a retry can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from domain.kernel.errors import BillingError, NotFoundError

FINAL = (NotFoundError,)
"""What was asked for does not exist, and the ledger forgets nothing, so it never did. All else may pass (a store comes
back, a corrected program is deployed) and is tried again: work that money depends on is not given up."""

MOST_CHARACTERS = 500
"""Of a cause."""


@contextmanager
def reported() -> Iterator[None]:
    """Raise the domain's errors in Temporal's form; the type is the class, as seen in Temporal's web interface.

    A cause goes into the message: as an exception it brings its traces along, and of a pending step whose failure is
    larger than some kilobytes the server shows nothing but that.
    """
    try:
        yield
    except BillingError as error:
        because = f" ({str(error.__cause__)[:MOST_CHARACTERS]})" if error.__cause__ is not None else ""
        raise ApplicationError(
            f"{error}{because}", type=type(error).__name__, non_retryable=isinstance(error, FINAL)
        ) from None
