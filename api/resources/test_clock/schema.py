"""Wire form of the test clock."""

from __future__ import annotations

from datetime import UTC, datetime

from api.fields import Fields

_YEARS = range(1970, 9000)


def read_now(fields: Fields) -> datetime:
    """The instant in `now`: RFC 3339 with an offset, within the years that can be billed.

    Raises:
        InvalidInputError: it is missing or something else.
    """
    text = fields.mandatory_text("now")
    fields.check()
    try:
        now = datetime.fromisoformat(text)
    except ValueError:
        fields.fail("now", "invalid_date")
    if now.tzinfo is None or now.year not in _YEARS:
        fields.fail("now", "invalid_date")
    return now.astimezone(UTC)
