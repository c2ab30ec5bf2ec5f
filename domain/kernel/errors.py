"""Expected errors. They know nothing of HTTP: `api/errors.py` maps them, looked up along the MRO."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Details = Mapping[str, "Sequence[str] | Mapping[str, Sequence[str]] | str"]


class BillingError(Exception):
    """Something that a caller may do and that is refused, with a code of Lago's vocabulary."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class NotFoundError(BillingError):
    """`resource` is Lago's name of what is missing: the code is `<resource>_not_found`."""

    def __init__(self, resource: str) -> None:
        super().__init__(f"{resource}_not_found")
        self.resource = resource


class NotAllowedError(BillingError):
    """The state of the object forbids the action."""


class ForbiddenError(BillingError):
    """The caller may not do this."""


class InvalidInputError(BillingError):
    """Values that are refused: field -> codes, in batches nested under the index as a string."""

    def __init__(self, details: Details) -> None:
        super().__init__("validation_errors")
        self.details = details

    def __str__(self) -> str:
        return f"{self.code}: {self.details}"


class AmountOutOfRangeError(InvalidInputError):
    """Money beyond 64 bits, of prices and units that nobody can have meant: it is neither shown nor billed.

    The invoice waits until somebody changes the price. `charge_code` says which, where it is known.
    """

    def __init__(self, charge_code: str | None = None) -> None:
        codes = ["value_is_out_of_range"]
        super().__init__({"amount_cents": codes} if charge_code is None else {"charges": {charge_code: codes}})


class ConflictError(BillingError):
    """Another append took the version that this decision was based on: load, decide and append again."""

    def __init__(self) -> None:
        super().__init__("lock_acquisition_failed")


class DuplicateError(BillingError):
    """A unique constraint of a read model refused the append; `constraint` is its name."""

    def __init__(self, constraint: str) -> None:
        super().__init__("value_already_exist")
        self.constraint = constraint


class UnavailableError(BillingError):
    """A store cannot be reached, so nothing is known: try again. Never a reason to assume zero."""

    def __init__(self, what: str) -> None:
        super().__init__("service_unavailable")
        self.what = what

    def __str__(self) -> str:
        return f"{self.code}: {self.what}"


class RefusedError(UnavailableError):
    """A store answers, but not this question: it is too much for it, or an error of the code."""
