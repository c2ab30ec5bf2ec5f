"""Values of a body, read one by one and checked; what is wrong with them is gathered and refused together.

Source: api-surface 3.2, 3.6, 3.10. Unknown keys are ignored, scalars are read as texts where a text is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from domain.kernel.errors import InvalidInputError

LONGEST = 255
"""Characters of names, codes and the like. Lago's columns are unbounded; an index of PostgreSQL is not."""

_MOST = 2**63 - 1


class Fields:
    """One object of a body.

    Each reader takes the value that holds where the key is absent, so that a change leaves alone what it does not
    name. An explicit null is None; where that is refused `required` says so.
    """

    def __init__(self, values: Mapping[str, Any], errors: dict[str, list[str]] | None = None) -> None:
        self.values = values
        self.errors: dict[str, list[str]] = {} if errors is None else errors

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def refuse(self, name: str, code: str) -> None:
        codes = self.errors.setdefault(name, [])
        if code not in codes:
            codes.append(code)

    def check(self) -> None:
        """Raises InvalidInputError for all that was refused."""
        if self.errors:
            raise InvalidInputError(self.errors)

    def fail(self, name: str, code: str) -> NoReturn:
        self.refuse(name, code)
        raise InvalidInputError(self.errors)

    def required(self, name: str, value: object) -> None:
        """Refuse the field if its value is None or blank (and nothing else is wrong with it)."""
        if (value is None or value == "" or value == ()) and name not in self.errors:
            self.refuse(name, "value_is_mandatory")

    def text(self, name: str, before: str | None = None, *, longest: int = LONGEST) -> str | None:
        if name not in self.values:
            return before
        value = self.values[name]
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, int | Decimal):
            value = str(value)
        if value is not None and not isinstance(value, str):
            self.refuse(name, "value_is_invalid")
            return before
        if value is not None and len(value) > longest:
            self.refuse(name, "value_is_too_long")
            return before
        return value

    def mandatory_text(self, name: str, before: str | None = None, *, longest: int = LONGEST) -> str:
        """A text that may be neither null nor blank."""
        value = self.text(name, before, longest=longest)
        self.required(name, value.strip() if value is not None else None)
        return value or ""

    def choice(
        self, name: str, options: Collection[str], before: str | None = None, *, code: str = "value_is_invalid"
    ) -> Any:
        """One of `options`, or None for null. `Any`, since a `Literal` cannot be named from a collection."""
        if name not in self.values:
            return before
        value = self.values[name]
        if value is None or (isinstance(value, str) and value in options):
            return value
        self.refuse(name, code)
        return before

    def boolean(self, name: str, before: bool | None = None) -> bool | None:
        """JSON's booleans, and the texts and numbers that Rails takes for them."""
        if name not in self.values:
            return before
        match self.values[name]:
            case None | "":
                return None
            case True | "true" | "1":
                return True
            case False | "false" | "0":
                return False
        self.refuse(name, "value_is_invalid")
        return before

    def integer(
        self,
        name: str,
        before: int | None = None,
        *,
        least: int = -_MOST,
        most: int = _MOST,
        code: str = "value_is_out_of_range",
    ) -> int | None:
        """A whole number, also in a text (cents and days are cast in Lago); a fraction is refused, not cut off."""
        if name not in self.values:
            return before
        value = self.values[name]
        if value is None or value == "":
            return None
        number = decimal_of(value)
        if number is None or number.adjusted() > 20 or number != number.to_integral_value():
            self.refuse(name, "value_is_invalid")
            return before
        if not least <= number <= most:
            self.refuse(name, code)
            return before
        return int(number)

    def decimal(self, name: str, before: Decimal | None = None, *, least: Decimal, most: Decimal) -> Decimal | None:
        """A decimal, as a number or in a text."""
        if name not in self.values:
            return before
        value = self.values[name]
        if value is None or value == "":
            return None
        number = decimal_of(value)
        if number is None:
            self.refuse(name, "value_is_invalid")
        elif not least <= number <= most:
            self.refuse(name, "value_is_out_of_range")
        else:
            return number
        return before

    def uuid(self, name: str, before: UUID | None = None) -> UUID | None:
        """An id; what is none is refused as nothing could have it."""
        if name not in self.values:
            return before
        value = self.values[name]
        if value is None or value == "":
            return None
        try:
            return UUID(value)
        except (ValueError, AttributeError, TypeError):
            self.refuse(name, "value_is_invalid")
            return before

    def object(self, name: str) -> Fields | None:
        """The object under a key, whose refusals count as this one's; None where it is absent or null."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(name, "value_is_invalid")
            return None
        return Fields(value, self.errors)

    def objects(self, name: str) -> list[Fields] | None:
        """The objects in a list; None where it is absent or null, which says nothing of what is there."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.refuse(name, "value_is_invalid")
            return []
        return [Fields(item, self.errors) for item in value]

    def texts(self, name: str, before: tuple[str, ...] = (), *, longest: int = LONGEST) -> tuple[str, ...]:
        """A list of texts."""
        if name not in self.values:
            return before
        value = self.values[name]
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) and len(item) <= longest for item in value):
            self.refuse(name, "value_is_invalid")
            return before
        return tuple(value)


def decimal_of(value: object) -> Decimal | None:
    """The finite decimal in a JSON number or text, else None."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None
