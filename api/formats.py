"""Texts of a certain form, each with the code that Lago refuses others with.

Readers as in `fields.py`. Source: api-surface 3.2.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError

from api.fields import Fields
from domain.kernel.currency import EXPONENTS
from domain.kernel.zones import is_zone

_COUNTRIES = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO
FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE
JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW
PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM
TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
COUNTRIES = frozenset(_COUNTRIES.split())
"""ISO 3166-1 alpha-2."""

_LONGEST_URL = 2048
_EMAIL = re.compile(r"[^\s@,]+@[^\s@,.]+(\.[^\s@,.]+)*")


def country(fields: Fields, name: str, before: str | None) -> str | None:
    value = fields.text(name, before)
    if not value:
        return None
    if value.upper() in COUNTRIES:
        return value.upper()
    fields.refuse(name, "not_a_valid_country_code")
    return before


def currency(fields: Fields, name: str, before: str | None) -> str | None:
    value = fields.text(name, before)
    if not value:
        return None
    if value in EXPONENTS:
        return value
    fields.refuse(name, "value_is_invalid")
    return before


def timezone(fields: Fields, name: str, before: str | None) -> str | None:
    value = fields.text(name, before)
    if not value or is_zone(value):
        return value or None
    fields.refuse(name, "invalid_timezone")
    return before


def language(fields: Fields, name: str, before: str | None) -> str | None:
    value = fields.text(name, before)
    if not value:
        return None
    try:
        Locale.parse(value, sep="-")
    except (UnknownLocaleError, ValueError):
        fields.refuse(name, "not_a_valid_language_code")
        return before
    return value


def email(fields: Fields, name: str, before: str | None) -> str | None:
    """One address, or several with commas between them."""
    value = fields.text(name, before)
    if not value or all(_EMAIL.fullmatch(address.strip()) for address in value.split(",")):
        return value
    fields.refuse(name, "invalid_email_format")
    return before


def url(fields: Fields, name: str, before: str | None) -> str | None:
    """An absolute URL of the web."""
    value = fields.text(name, before, longest=_LONGEST_URL)
    if not value:
        return value
    try:
        parts = urlsplit(value)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", value)
    except ValueError:
        valid = False
    if valid:
        return value
    fields.refuse(name, "url_is_invalid")
    return before
